"""`procedure: paper` with faces: boxes counted, ten faces decide about references, one face an image, zero without any.

The embedder is a stand-in that sees a 'face' in each half of an image that is not black: its mean colour.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import yaml
from PIL import Image

import mimetic2
from mimetic2.embedding import registry
from mimetic2.embedding.base import Vectors, normalise
from mimetic2.report import write_report

DIGEST = "0" * 64
COLOURS = {"Ann One": (220, 40, 40), "Ben Two": (40, 220, 40), "Cyd Three": (40, 40, 220), "Dan Four": (200, 200, 30)}
BLACK = (0, 0, 0)


class Halves:
    name, version, weights_sha256, licence = "halves", "1", DIGEST, "none"
    input_size, dim, decoder, centred = 1, 3, "pillow-rgb-1", False

    def __init__(self, weights: Path | None = None, *, faces: str = "largest") -> None:
        self.faces, self.options = faces, f"faces={faces}"

    def embed_faces(self, images: Sequence[Image.Image]) -> tuple[list[Vectors], list[str | None]]:
        found = []
        for image in images:
            halves = np.stack([h.mean((0, 1)) for h in np.array_split(np.asarray(image, np.float32), 2, axis=1)])
            found.append(normalise(halves[halves.max(1) > 20]))
        return found, [None if len(own) else "no face found" for own in found]

    def embed(self, images: Sequence[Image.Image]) -> tuple[Vectors, list[str | None]]:
        every, _ = self.embed_faces(images)
        reasons = [None if len(own) == 1 else "several faces" if len(own) else "no face found" for own in every]
        blank = np.full(3, np.nan, np.float32)
        return np.stack([own[0] if len(own) == 1 else blank for own in every]), reasons


class Point:
    name, module, dist = "halves", __name__, None

    def load(self) -> type[Halves]:
        return Halves


def picture(path: Path, *halves: tuple[int, int, int], seed: int = 0) -> None:
    """Two halves of noise around a colour, large enough not to pass for a placeholder; black stays black."""
    rng = np.random.default_rng([seed, *halves[0], *halves[1]])
    parts = [np.zeros((40, 20, 3)) if h == BLACK else np.clip(rng.normal(h, 25, (40, 20, 3)), 0, 255) for h in halves]
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.concatenate(parts, axis=1).astype(np.uint8)).save(path)


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("faces")
    ann, ben, cyd, dan = COLOURS.values()
    # Ann: six pictures of two faces each. Ben: nine faces and a dead link. Cyd: dead links only. Dan: somebody else.
    rows = [("Ann One", (ann, ann), f"a{i}") for i in range(6)] + [("Ben Two", (ben, BLACK), f"b{i}") for i in range(9)]
    rows += [("Ben Two", None, "b9"), *(("Cyd Three", None, f"c{i}") for i in range(3))]
    rows += [("Dan Four", (ann, dan), "d0"), ("Dan Four", (cyd, BLACK), "d1"), ("Dan Four", (BLACK, BLACK), "d2")]
    for number, (_, halves, key) in enumerate(rows):
        if halves is not None:
            picture(folder / "fetched" / "00000" / f"{key}.png", *halves, seed=number)
    listed = [(f"https://x/{key}", key, "success" if halves else "failed", None) for _, halves, key in rows]
    pl.DataFrame(
        listed,
        schema={"url": pl.String, "key": pl.String, "status": pl.String, "error_message": pl.String},
        orient="row",
    ).write_parquet(folder / "fetched" / "00000.parquet")
    captions = [(f"https://x/{key}", f"portrait of {name}") for name, _, key in rows]
    pl.DataFrame(captions, schema=["URL", "TEXT"], orient="row").write_parquet(folder / "captions.parquet")
    for number, (name, colour) in enumerate(COLOURS.items()):
        for index in range(5):
            picture(folder / "reference" / name / f"{index}.png", BLACK, colour, seed=100 + 10 * number + index)
        for index in range(3):
            two = name == "Ben Two" and index == 0
            picture(folder / "generated" / name / "0" / f"{index}.png", colour, colour if two else BLACK, seed=index)
            second = BLACK if name == "Ann One" else colour  # no face at all in Ann's second prompt
            picture(folder / "generated" / name / "1" / f"{index}.png", second, BLACK, seed=50 + index)
    (folder / "concepts.csv").write_text("concept\n" + "\n".join(COLOURS) + "\n")
    cutoff = {"embedder": "halves", "weights_sha256": DIGEST, "statistic": "max_cosine", "value": 0.95, "source": "x"}
    words = {"concept": "person", "concepts": "people", "image": "face", "training_image": "training image"}
    domain = {"name": "halves", "title": "halves", "prompts": ["{concept}"], "embedder": "halves", "words": words}
    domain |= {"cutoffs": [cutoff], "exactly_one_face": True, "show_images": False}
    (folder / "domain.yaml").write_text(yaml.safe_dump(domain))
    study = {"name": "faces", "domain": "domain.yaml", "procedure": "paper", "concepts": "concepts.csv"}
    study |= {"captions": "captions.parquet", "images_of_captions": "fetched", "reference": "reference"}
    (folder / "study.yaml").write_text(yaml.safe_dump(study | {"generated": "generated"}))
    return folder


@pytest.fixture(scope="module")
def run(material: Path) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "entry_points", lambda group: [Point()])
        return mimetic2.run(material / "study.yaml").folder


def rows(run: Path, name: str) -> dict[str, dict[str, object]]:
    return {str(row["concept"]): row for row in pl.read_csv(run / name).iter_rows(named=True)}


def test_faces_are_counted_by_the_box_and_scaled(run: Path) -> None:
    found = {
        name: [row[key] for key in ("mentions", "alive", "verified", "count", "status")]
        for name, row in rows(run, "counts.csv").items()
    }
    assert found == {
        "Ann One": [6, 6, 12, 12, "ok"],
        "Ben Two": [10, 9, 9, 10, "ok"],
        "Cyd Three": [3, 0, 0, 0, "missing"],
        "Dan Four": [3, 2, 1, 2, "ok"],  # the black picture is smaller than 1 000 bytes: no image, as in the paper
    }


def test_ten_faces_decide_what_a_concept_is_compared_with(run: Path) -> None:
    scores = rows(run, "scores.csv")
    kinds = {name: (row["compared_with"], row["n_reference"]) for name, row in scores.items()}
    assert kinds == {
        "Ann One": ("training", 12),
        "Ben Two": ("curated", 5),
        "Cyd Three": ("curated", 5),
        "Dan Four": ("curated", 5),
    }
    assert list(scores) == list(COLOURS)[::-1]


def test_a_prompt_without_a_single_face_scores_zero_and_two_faces_are_left_out(run: Path) -> None:
    scores = rows(run, "scores.csv")
    prompts = {
        (row["concept"], row["prompt"]): (row["n_generated"], row["n_excluded"], row["score"])
        for row in pl.read_csv(run / "score" / "prompts.csv").iter_rows(named=True)
    }
    assert prompts["Ann One", 1] == (0, 3, 0.0)
    assert prompts["Ben Two", 0][:2] == (2, 1)
    assert scores["Ann One"]["prompts_at_zero"] == 1
    assert float(str(scores["Ann One"]["score"])) == pytest.approx(prompts["Ann One", 0][2] / 2, abs=1e-6)


def test_what_the_run_could_not_do_as_the_paper_is_said(run: Path) -> None:
    found = json.loads((run / "threshold" / "deviations.json").read_text())
    here = [each["here"] for each in found]
    assert "halves 1" in here
    assert "3 images for each of 2 prompts" in here
    assert not {each["number"] for each in found} & {"D5", "D7", "D9", "D10", "D11", "D12", "D14"}
    page = write_report(run).read_text()
    assert "Where this run departs from the paper" in page
    assert "halves 1" in page
