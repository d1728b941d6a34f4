"""Studies that ask a filter before verification: in both procedures, with a tiny CLIP of random weights on the lab."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import yaml
from PIL import Image

import mimetic2
from mimetic2.errors import InputError
from mimetic2.files import folder_name, sha256
from mimetic2.lab import painters, reference_pictures, shipped_shards
from mimetic2.runs.sequence import STAGES
from mimetic2.study import load_study

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("pyarrow")

from clip_models import write_clip

N = 10
LAB = Path(mimetic2.__file__).parent / "domains" / "lab.yaml"
FILTER = """filter: {embedder: clip, text: an artwork}
cutoffs:
  - {name: invented, embedder: clip, statistic: text_cosine, text: an artwork, value: VALUE, source: this test}
"""


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of ten painters whose filter passes about half of the pictures."""
    from mimetic2.embedding import get_embedder

    folder = tmp_path_factory.mktemp("filter")
    write_clip(folder / "clip")
    names = [painter.name for painter in painters()[: 3 * N : 3]]
    pictures = reference_pictures(26)
    for name in names:
        for index in range(26):
            place = folder / ("reference" if index < 24 else "generated") / folder_name(name) / f"{index}.png"
            place.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pictures[name][index]).save(place)
    clip = get_embedder("clip", folder / "clip")
    vectors, _ = clip.embed([Image.fromarray(pictures[name][index]) for name in names for index in range(5)])
    middle = float(np.median(vectors @ clip.embed_texts(["an artwork"])[0]))  # type: ignore[attr-defined]
    domain = LAB.read_text().replace("cutoffs:\n", FILTER.replace("VALUE", f"{middle:.6f}"))
    (folder / "own.yaml").write_text(domain)
    (folder / "concepts.csv").write_text("concept\n" + "".join(f"{name}\n" for name in names))
    return folder


def study(material: Path, **more: object) -> Path:
    said = {"name": "filtered", "domain": "own.yaml", "concepts": "concepts.csv", "sample": 40}
    said |= {"captions": [str(path) for path in shipped_shards()], "reference": "reference", "generated": "generated"}
    path = material / f"{more.get('procedure', 'robust')}.yaml"
    path.write_text(yaml.safe_dump({**said, **more}))
    return path


def chosen(material: Path) -> dict[str, str]:
    return {"weights": "clip", "cutoff": f"invented@{sha256(material / 'clip' / 'model.safetensors')}"}


@pytest.fixture(scope="module", params=["robust", "paper"])
def run(request: pytest.FixtureRequest, material: Path) -> tuple[str, Path]:
    result = mimetic2.run(study(material, procedure=request.param, filter=chosen(material)))
    assert any("'invented'" in text and "user's word" in text for text in result.warnings)
    return request.param, result.folder


def test_counts_are_of_the_whole_decision(run: tuple[str, Path]) -> None:
    procedure, folder = run
    verified = pl.read_parquet(folder / "verify" / "verified.parquet")
    assert verified.filter("verified")["of_kind"].all()
    alone = verified.filter((pl.col("similarity") > 0.774949) & ~pl.col("of_kind"))
    assert alone.height > 50  # the painter's own, but not of the kind
    for row in pl.read_csv(folder / "counts.csv").iter_rows(named=True):
        own = verified.filter((pl.col("concept") == row["concept"]) & pl.col("alive"))
        alive = own["multiplicity"].sum()
        kind = own.filter("of_kind")["multiplicity"].sum()
        passed = own.filter(pl.col("of_kind") & (pl.col("similarity") > 0.774949))["multiplicity"].sum()
        assert row["verified"] == passed
        if not alive:
            continue
        if procedure == "paper":
            expected = round(passed * math.floor(kind * row["mentions"] / alive) / kind) if kind else passed
        else:
            expected = math.floor(row["mentions"] * passed / alive + 0.5)
            assert row["count_low"] <= row["count"] <= row["count_high"]
        assert row["count"] == expected, row


def test_every_output_says_what_the_user_vouched_for(run: tuple[str, Path]) -> None:
    _, folder = run
    for name in ("manifest.json", "threshold.json"):
        assert any("user's word" in text for text in json.loads((folder / name).read_text())["warnings"]), name
    page = (folder / "report.html").read_text()
    assert "user&#39;s word" in page
    assert "Of the kind" in page
    here = [each["here"] for each in json.loads((folder / "threshold" / "deviations.json").read_text())]
    assert any(text.startswith("the filter 'an artwork' by clip, the published cut-off 'invented'") for text in here)
    assert "every readable image passes as a work of art" not in here


def test_verification_depends_on_the_filter(material: Path) -> None:
    verify = next(stage for stage in STAGES if stage.name == "verify")
    asked = load_study(study(material, procedure="robust", filter=chosen(material)))
    without = load_study(study(material, procedure="robust"))
    other = load_study(study(material, procedure="robust", filter={**chosen(material), "cutoff": "other@" + "0" * 64}))
    assert len({json.dumps(verify.options(each), sort_keys=True) for each in (asked, without, other)}) == 3
    assert verify.inputs(asked, material)["filter weights"] == material / "clip"
    assert "filter weights" not in verify.inputs(without, material)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"filter": {"weights": "clip"}}, "no cut-off of the filter 'an artwork' for clip"),
        ({"filter": {"weights": "clip", "cutoff": "invented@" + "0" * 64}}, "no cut-off of the filter"),
        ({"filter": {"weights": "clip", "cutoff": "other@" + "0" * 64}}, "no published cut-off 'other'"),
        ({"filter": {"weights": "nowhere"}}, "'filter.weights': no such file or folder"),
        ({"filter": {"weights": "clip", "cutoff": "nowhere.json"}}, "'filter.cutoff': no such file"),
        ({"filter": {"weight": "clip"}}, "did you mean 'weights'"),
        ({"domain": "lab", "filter": {"weights": "clip"}}, "the domain lab has no filter"),
    ],
)
def test_refused_before_any_work(material: Path, said: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        mimetic2.run(study(material, procedure="robust", **said))


def test_no_filter_without_captions(material: Path) -> None:
    path = material / "given.yaml"
    given = {"name": "x", "domain": "own.yaml", "counts": "concepts.csv", "generated": "generated"}
    path.write_text(yaml.safe_dump({**given, "reference": "reference", "filter": chosen(material)}))
    with pytest.raises(InputError, match="'filter' has no effect without 'captions'"):
        load_study(path)
