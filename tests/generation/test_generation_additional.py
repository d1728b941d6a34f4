"""Images beyond the first ones: which, in which batches, and that interruptions change nothing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from mimetic2.concepts import Concept
from mimetic2.generation import generate_with, image_seed

PROMPTS = ["a painting by {concept}", "{concept}'s house"]
CONCEPTS = [Concept("Ada"), Concept("Bruno"), Concept("Carla")]
WANTED = {"Ada": 5, "Bruno": 2}


def then(table: pl.DataFrame) -> Mapping[str, int]:
    assert table.height == 12
    return WANTED


def contents(out: Path) -> dict[str, bytes]:
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*.png")}


def test_indices_go_on_and_the_first_batches_stay(backend: Any, tmp_path: Path) -> None:
    first = generate_with(backend, CONCEPTS, PROMPTS, tmp_path / "first", images=2)
    batches, backend.batches = backend.batches, []
    table = generate_with(backend, CONCEPTS, PROMPTS, tmp_path / "more", images=2, then=then)
    assert backend.batches[: len(batches)] == batches
    assert all(job.concept == "Ada" and job.index >= 2 for batch in backend.batches[len(batches) :] for job in batch)
    per_prompt = table.group_by("concept", "prompt").len()
    assert {(c, n) for c, _, n in per_prompt.iter_rows()} == {("Ada", 5), ("Bruno", 2), ("Carla", 2)}
    assert contents(tmp_path / "first").items() <= contents(tmp_path / "more").items()
    assert all(image_seed(0, c, PROMPTS[p], i) == s for c, p, i, s in table.select(table.columns[:4]).iter_rows())
    assert first.join(table, on=["concept", "prompt", "index"], how="semi").equals(first)


def test_an_interrupted_run_asks_again_and_ends_with_the_same_bytes(backend: Any, tmp_path: Path) -> None:
    generate_with(backend, CONCEPTS, PROMPTS, tmp_path / "whole", images=2, then=then)
    for stop_at in (1, 3, 4):
        out = tmp_path / f"cut-{stop_at}"
        backend.batches = []

        def stop(batch: int, at: int = stop_at) -> None:
            if batch == at:
                raise KeyboardInterrupt

        backend.before = stop
        with pytest.raises(KeyboardInterrupt):
            generate_with(backend, CONCEPTS, PROMPTS, out, images=2, then=then)
        backend.before = lambda batch: None
        generate_with(backend, CONCEPTS, PROMPTS, out, images=2, then=then)
        assert contents(out) == contents(tmp_path / "whole")
        assert (out / "images.csv").read_bytes() == (tmp_path / "whole/images.csv").read_bytes()


def test_another_decision_makes_the_additional_images_anew(backend: Any, tmp_path: Path) -> None:
    generate_with(backend, CONCEPTS, PROMPTS, tmp_path / "twice", images=2, then=then)
    backend.batches = []
    other = {"Ada": 4, "Carla": 3}
    generate_with(backend, CONCEPTS, PROMPTS, tmp_path / "twice", images=2, then=lambda table: other)
    made = {(job.concept, job.index) for batch in backend.batches for job in batch}
    assert made == {("Ada", 2), ("Ada", 3), ("Carla", 2)}
    generate_with(backend, CONCEPTS, PROMPTS, tmp_path / "once", images=2, then=lambda table: other)
    assert contents(tmp_path / "twice") == contents(tmp_path / "once")
    backend.batches = []
    generate_with(backend, CONCEPTS, PROMPTS, tmp_path / "twice", images=2, then=lambda table: other)
    assert backend.batches == []


def test_only_what_is_asked_for_stays(backend: Any, tmp_path: Path) -> None:
    generate_with(backend, CONCEPTS, PROMPTS, tmp_path / "twice", images=2, then=then)
    generate_with(backend, CONCEPTS, PROMPTS, tmp_path / "twice", images=2)
    assert len(contents(tmp_path / "twice")) == 12 + 6
    backend.batches = []
    generate_with(backend, CONCEPTS[1:], PROMPTS, tmp_path / "twice", images=2, only=True)
    assert backend.batches == []
    generate_with(backend, CONCEPTS[1:], PROMPTS, tmp_path / "once", images=2)
    assert contents(tmp_path / "twice") == contents(tmp_path / "once")
    assert not (tmp_path / "twice" / "Ada").exists()


@pytest.mark.parametrize("wanted", [{"Nobody": 3}, {"Ada": 1}])
def test_impossible_decisions_are_bugs_of_the_caller(backend: Any, tmp_path: Path, wanted: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="at least 2"):
        generate_with(backend, CONCEPTS, PROMPTS, tmp_path, images=2, then=lambda table: wanted)
