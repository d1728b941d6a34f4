"""`procedure: paper` from captions to the page: each step redone by a direct loop, and what a run lists as its own."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import yaml
from PIL import Image

import mimetic2
from mimetic2.embedding import EmbeddingTable
from mimetic2.errors import InputError
from mimetic2.files import folder_name
from mimetic2.lab import painters, reference_pictures, shipped_shards

pytest.importorskip("torch")
pytest.importorskip("pyarrow")

N, PROMPTS, IMAGES = 12, 3, 2


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("paper")
    pictures = reference_pictures(24 + PROMPTS * IMAGES)
    names = [painter.name for painter in painters()[: 4 * N : 4]]
    for name in names:
        real, made = folder / "reference" / folder_name(name), folder / "generated" / folder_name(name)
        real.mkdir(parents=True)
        for index in range(24):
            Image.fromarray(pictures[name][index]).save(real / f"{index}.png")
        for index in range(PROMPTS * IMAGES):
            place = made / str(index % PROMPTS) / f"{index // PROMPTS}.png"
            place.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pictures[name][24 + index]).save(place)
    (folder / "concepts.csv").write_text("concept,aliases\n" + "".join(f"{name},painter {name}\n" for name in names))
    study = {"name": "as the paper", "domain": "lab", "procedure": "paper", "concepts": "concepts.csv", "sample": 60}
    study |= {"captions": [str(path) for path in shipped_shards()], "reference": "reference", "generated": "generated"}
    (folder / "study.yaml").write_text(yaml.safe_dump(study))
    return folder


@pytest.fixture(scope="module")
def run(material: Path) -> Path:
    return mimetic2.run(material / "study.yaml").folder


def table(run: Path, name: str) -> pl.DataFrame:
    return pl.read_csv(run / name)


def test_counts_are_scaled_and_rounded_as_the_paper_does(run: Path) -> None:
    verified = pl.read_parquet(run / "verify" / "verified.parquet")
    for row in table(run, "counts.csv").iter_rows(named=True):
        own = verified.filter(pl.col("concept") == row["concept"])
        alive = sum(m for m, up in own.select("multiplicity", "alive").iter_rows() if up)
        passed = sum(m for m, up, ok in own.select("multiplicity", "alive", "verified").iter_rows() if up and ok)
        expected = round(passed * math.floor(alive * row["mentions"] / alive) / alive) if alive else 0
        assert row["count"] == expected, row
        assert row["count_low"] is None


def vectors(run: Path, name: str) -> dict[str, dict[str, list[np.ndarray]]]:
    loaded = EmbeddingTable.load(run / name)
    found: dict[str, dict[str, list[np.ndarray]]] = defaultdict(lambda: defaultdict(list))
    places = loaded.frame.select("concept", "prompt").iter_rows()
    for (concept, prompt), vector in zip(places, loaded.vectors, strict=True):
        found[concept][prompt].append(vector.astype(float))
    return found


def test_scores_are_the_paper_s_by_a_direct_loop(run: Path) -> None:
    made, real = vectors(run, "embed/generated.parquet"), vectors(run, "embed/reference.parquet")
    training = vectors(run, "verify/vectors/training.parquet")
    centre = np.mean([np.mean(own[""], axis=0) for own in real.values()], axis=0)

    def unit(vector: np.ndarray) -> np.ndarray:
        moved = vector - centre
        return moved / math.sqrt(float(moved @ moved))

    kinds = set()
    for row in table(run, "scores.csv").iter_rows(named=True):
        name = row["concept"]
        enough = len(training[name][""]) > 10
        rows = [unit(v) for v in (training[name][""] if enough else real[name][""])]
        scores = []
        for images in made[name].values():
            fits = sorted(sum(float(unit(g) @ t) for g in images) / len(images) for t in rows)
            scores.append(sum(fits[-10:]) / len(fits[-10:]))
        assert row["score"] == pytest.approx(sum(scores) / len(scores), abs=2e-6)
        assert row["compared_with"] == ("training" if enough else "curated")
        kinds.add(row["compared_with"])
        assert (row["score_se"], row["null_score"], row["identified"]) == (None, None, None)
    assert kinds == {"training", "curated"}


def test_the_order_that_decides_about_ties_is_by_mentions_and_name_where_images_are_counted(run: Path) -> None:
    scores, counts = table(run, "scores.csv"), table(run, "counts.csv")
    mentions = dict(counts.select("concept", "mentions").iter_rows())
    expected = sorted(mentions, key=lambda name: (mentions[name], name))
    assert scores["concept"].to_list() == expected


def test_the_threshold_is_that_of_the_table_in_its_order(run: Path) -> None:
    scores = table(run, "scores.csv")
    document = json.loads((run / "threshold.json").read_text())
    expected = mimetic2.find_threshold(scores["count"], scores["score"], method="paper")
    assert document["paper"]["change_points"] == list(expected.change_points)
    assert document["threshold"] == expected.threshold
    assert (document["verdict"], document["interval"]) == (None, None)


def test_deviations_are_those_of_this_run_and_every_output_says_how_many(run: Path) -> None:
    found = json.loads((run / "threshold" / "deviations.json").read_text())
    here = [each["here"] for each in found]
    assert any("given; model" in text for text in here)
    assert "2 images for each of 3 prompts" in here
    assert any("style-lite" in text for text in here)
    numbers = {each["number"] for each in found}
    assert {"D15", "D16", "D25"} <= numbers
    assert not numbers & {"D1", "D3", "D4", "D5", "D7", "D9", "D12", "D14", "D20", "D21", "D2"}
    warning = f"departs from the paper's in {len(found)} points"
    assert any(warning in text for text in json.loads((run / "threshold.json").read_text())["warnings"])
    assert any(warning in text for text in json.loads((run / "manifest.json").read_text())["warnings"])


def test_aliases_are_not_searched_for(material: Path, run: Path, tmp_path: Path) -> None:
    text = (material / "concepts.csv").read_text().replace("painter ", "")
    names = [line.split(",")[0] for line in text.splitlines()[1:]]
    second = names[1].split()[0]
    (tmp_path / "concepts.csv").write_text(f"concept,aliases\n{names[0]},{second}\n")
    study = yaml.safe_load((material / "study.yaml").read_text()) | {"concepts": str(tmp_path / "concepts.csv")}
    study |= {key: str(material / key) for key in ("reference", "generated")} | {"sample": 5}
    found = {}
    for procedure in ("paper", "robust"):
        path = tmp_path / f"{procedure}.yaml"
        path.write_text(yaml.safe_dump(study | {"procedure": procedure}))
        with pytest.raises(
            InputError, match="1 row with a score"
        ):  # one concept is too few for a threshold; counts are written
            mimetic2.run(path, tmp_path / procedure)
        found[procedure] = table(tmp_path / procedure, "counts.csv")["mentions"][0]
    assert found["paper"] < found["robust"]


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"readout": "csls"}, "'readout' is no part of the paper's procedure"),
        ({"correct": True}, "'correct' is no part"),
        ({"exclude_unfit": True}, "'exclude_unfit' is no part"),
        ({"procedure": "robust", "prompt_bug": True}, "'prompt_bug' has no effect without 'procedure: paper'"),
    ],
)
def test_choices_that_do_not_go_with_a_procedure(
    material: Path, tmp_path: Path, keys: dict[str, object], message: str
) -> None:
    study = yaml.safe_load((material / "study.yaml").read_text()) | keys
    study |= {key: str(material / key) for key in ("reference", "generated", "concepts.csv") if key in study}
    study["concepts"] = str(material / "concepts.csv")
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(study))
    with pytest.raises(InputError, match=message):
        mimetic2.load_study(tmp_path / "study.yaml")


def test_the_paper_s_numbers_of_images_are_its_defaults(material: Path, tmp_path: Path) -> None:
    study = yaml.safe_load((material / "study.yaml").read_text())
    del study["sample"]
    study |= {key: str(material / key) for key in ("reference", "generated")}
    study["concepts"] = str(material / "concepts.csv")
    for procedure, expected in (("paper", (200, 100_000)), ("robust", (10, 100))):
        (tmp_path / "study.yaml").write_text(yaml.safe_dump(study | {"procedure": procedure}))
        loaded = mimetic2.load_study(tmp_path / "study.yaml")
        assert (loaded.images, loaded.sample) == expected


def test_prompt_bug_sends_the_malformed_prompts(tmp_path: Path) -> None:
    from mimetic2.runs.choices import prompts_of

    (tmp_path / "counts.csv").write_text("concept,count\na,1\n")
    (tmp_path / "reference").mkdir()
    study = {"name": "x", "domain": "faces", "procedure": "paper", "counts": "counts.csv", "reference": "reference"}
    study |= {"model": "sd-1.1"}
    found = {}
    for bug in (False, True):
        (tmp_path / "study.yaml").write_text(yaml.safe_dump(study | {"prompt_bug": bug}))
        found[bug] = prompts_of(mimetic2.load_study(tmp_path / "study.yaml"))
    assert found[False][2] == "{concept}'s facial close-up"
    assert found[True][2] == "'s facial close-up{concept}"
    assert [a == b for a, b in zip(found[False], found[True], strict=True)] == [True, True, False, True, False]
