"""study.yaml: what is accepted, and one line for everything that is not."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from mimetic2.domains import load_domain
from mimetic2.errors import InputError
from mimetic2.study import UNSAID, Fetching, Study, caption_files, load_study
from mimetic2.yamlfile import read_yaml

SMALL = {
    "name": "s",
    "domain": "faces",
    "counts": "counts.csv",
    "reference": "reference/",
    "generated": "generated/",
}


COUNTED = {"counts": None, "captions": "part-*.parquet", "concepts": "concepts.csv"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "counts.csv").write_text("concept,count\na,1\n")
    (tmp_path / "concepts.csv").write_text("concept\na\n")
    (tmp_path / "part-1.parquet").write_text("")
    (tmp_path / "part-0.parquet").write_text("")
    for name in ("reference", "generated"):
        (tmp_path / name).mkdir()
    return tmp_path


def load(folder: Path, **changes: object) -> Study:
    content = {key: value for key, value in (SMALL | changes).items() if value is not None}
    (folder / "study.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
    return load_study(folder / "study.yaml")


def test_the_smallest_study(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = load(folder)
    assert study.counts == folder / "counts.csv"
    assert study.reference == folder / "reference"
    assert (study.procedure, study.level, study.penalty, study.references) == ("robust", 0.95, 0.9, 10)
    monkeypatch.chdir(folder)
    assert load_study("study.yaml") == study


def test_weights_are_a_file_a_folder_or_a_hub_id(folder: Path) -> None:
    (folder / "weights.onnx").touch()
    for name in ("weights.onnx", "reference"):
        assert load(folder, embedder_weights=name).embedder_weights == folder / name
    assert load(folder, embedder_weights="owner/name").embedder_weights == Path("owner/name")
    for name in ("nowhere", "./owner/name", "a/b/c"):
        with pytest.raises(InputError, match="'embedder_weights': no such file or folder"):
            load(folder, embedder_weights=name)


def test_a_hub_id_and_a_domains_file_survive_in_the_run(folder: Path) -> None:
    from mimetic2.runs.running import _keep_study

    domain = Path(load_domain.__code__.co_filename).with_name("faces.yaml").read_text()
    (folder / "mine.yaml").write_text(domain)
    study = load(folder, embedder_weights="owner/name", domain="mine.yaml", faces="one")
    assert study.domain == str(folder / "mine.yaml")
    run = folder / "run"
    run.mkdir()
    _keep_study(study, folder / "study.yaml", run)
    again = load_study(run / "study.yaml")
    assert (again.embedder_weights, again.faces) == (Path("owner/name"), "one")
    assert again.domain == str(run / "domain.yaml")
    assert (run / "domain.yaml").read_text() == domain


def test_captions_are_patterns_relative_to_the_file(folder: Path) -> None:
    study = load(folder, counts=None, captions="part-*.parquet", concepts="concepts.csv")
    assert caption_files(study) == [folder / "part-0.parquet", folder / "part-1.parquet"]
    twice = load(folder, counts=None, captions=["part-*.parquet", "part-0.parquet"], concepts="concepts.csv")
    assert caption_files(twice) == caption_files(study)


def test_a_model_is_a_name_or_a_path(folder: Path) -> None:
    assert load(folder, generated=None, model="lab").model == "lab"
    assert load(folder, generated=None, model="CompVis/sd").model == "CompVis/sd"
    assert load(folder, generated=None, model="./mine").model == str(folder / "mine")
    assert load(folder, generated=None, model="reference").model == str(folder / "reference")


def test_prompts_are_a_list_or_a_file(folder: Path) -> None:
    assert load(folder, generated=None, model="lab", prompts=["a {concept}"]).prompts == ("a {concept}",)
    assert load(folder, generated=None, model="lab", prompts="p.txt").prompts == (str(folder / "p.txt"),)


@pytest.mark.parametrize(
    ("relation", "warned"), [("exact", False), ("superset", False), ("proxy", True), ("unknown", True)]
)
def test_proxy_and_unknown_training_data_warn(folder: Path, relation: str, warned: bool) -> None:
    study = load(folder, training_data={"name": "LAION", "relation": relation})
    assert bool(study.warnings) is warned
    assert all("LAION" in warning for warning in study.warnings)


def test_a_study_that_does_not_say_what_was_counted_warns(folder: Path) -> None:
    assert load(folder).warnings == (UNSAID,)


def test_what_is_counted_and_fetched(folder: Path) -> None:
    (folder / "block.txt").write_text("")
    study = load(folder, **COUNTED, allow_missing="1%", engine="ray", address="head:6379", workers=3, fetch=True)
    assert (study.allow_missing, study.engine, study.address, study.workers) == (0.01, "ray", "head:6379", 3)
    assert study.fetch == Fetching()
    study = load(folder, **COUNTED, allow_missing=0.5, fetch={"block": "block.txt", "per_host": 1})
    assert study.fetch is not None
    assert (study.fetch.block, study.fetch.per_host, study.fetch.unsafe_above) == (folder / "block.txt", 1, 0.5)
    assert load(folder, **COUNTED, fetch=False).fetch is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"embeder": "x"}, r"row 6: unknown key 'embeder', did you mean 'embedder'\?"),
        ({"zzz": 1}, r"row 6: unknown key 'zzz'; accepted: adaptive, address, allow_download, "),
        ({"reference": None, "referense": "reference"}, r"unknown key 'referense', did you mean 'reference'\?"),
        ({"name": None}, r"'name' is missing; accepted: a line 'name: …'"),
        ({"name": 7}, r"row 1: 'name' is wrong \(7\); accepted: a valid string"),
        ({"name": "  "}, "row 1: 'name' is wrong"),
        ({"images": 0, "generated": None, "model": "lab"}, r"'images' is wrong \(0\); accepted: greater than or equal"),
        ({"images": "10"}, r"'images' is wrong \('10'\); accepted: a valid integer"),
        ({"seed": -1}, r"'seed' is wrong \(-1\)"),
        ({"seed": 1.5}, r"'seed' is wrong \(1.5\)"),
        ({"level": 95}, r"'level' is wrong \(95\); accepted: less than 1"),
        ({"level": True}, "'level' is wrong"),
        ({"penalty": float("inf")}, "'penalty' is wrong"),
        ({"references": 2}, r"'references' is wrong \(2\); accepted: greater than or equal to 3"),
        ({"procedure": "Paper"}, "'procedure' is wrong .* accepted: 'robust' or 'paper'"),
        ({"counts": 3}, "'counts' is wrong .* a path is wanted"),
        ({"captions": []}, "'captions' is wrong"),
        ({"training_data": {"name": "x", "relation": "maybe"}}, "row 8: 'relation' of 'training_data' is wrong"),
        ({"training_data": {"name": "x"}}, "'relation' of 'training_data' is missing"),
        ({"training_data": {"nam": "x", "relation": "exact"}}, "row 7: unknown key 'nam', did you mean 'name'"),
        ({"subjects": {"bases": "x"}}, "unknown key 'bases', did you mean 'basis'"),
        ({"subjects": "famous"}, "row 6: 'subjects' is wrong"),
        ({"captions": "part-*.parquet"}, "row 6: both 'counts' and 'captions' are given"),
        ({"counts": None}, "nothing says how often each concept was seen"),
        ({"counts": None, "captions": "part-*.parquet"}, "'captions' needs 'concepts'"),
        ({"model": "lab"}, "row 6: both 'generated' and 'model' are given"),
        ({"generated": None}, "nothing says where generated images come from"),
        ({"prompts": ["a {concept}"]}, "'prompts' has no effect without 'model'"),
        ({"batch_size": 4}, "'batch_size' has no effect without 'model'"),
        ({"fetch": True}, "row 6: 'fetch' has no effect without 'captions'"),
        ({"allow_missing": "1%"}, "'allow_missing' has no effect without 'captions'"),
        (COUNTED | {"fetch": True, "images_of_captions": "reference"}, "both 'images_of_captions' and 'fetch'"),
        (COUNTED | {"address": "head:6379"}, "'address' has no effect without 'engine: ray'"),
        (COUNTED | {"engine": "spark"}, "'engine' is wrong .* accepted: 'local' or 'ray'"),
        (COUNTED | {"allow_missing": "much"}, r"'allow_missing' is wrong \('much'\); accepted: a share such as 1%"),
        (COUNTED | {"allow_missing": "101%"}, "'allow_missing' is wrong"),
        (COUNTED | {"fetch": {"per_hosts": 1}}, "unknown key 'per_hosts', did you mean 'per_host'"),
        (COUNTED | {"fetch": {"per_host": 0}}, "'per_host' of 'fetch' is wrong"),
        (COUNTED | {"fetch": {"block": "none"}}, "'block' of 'fetch': no such file"),
        (COUNTED | {"fetch": "yes"}, "'fetch' is wrong"),
        (COUNTED | {"cutoff": "none.json"}, "'cutoff': no such file"),
        ({"adaptive": {"most": 20}}, "'adaptive' has no effect without 'model'"),
        ({"generated": None, "model": "lab", "adaptive": {"budge": 9}}, "unknown key 'budge', did you mean 'budget'"),
        ({"generated": None, "model": "lab", "adaptive": {}, "procedure": "paper"}, "no part of the paper's procedure"),
        ({"generated": None, "model": "lab", "adaptive": {}, "images": 1}, "learns how images .* accepted: 2 or more"),
        ({"generated": None, "model": "lab", "adaptive": {"most": 4}, "images": 9}, "fewer images per prompt than"),
        ({"counts": "no.csv"}, r"row 3: 'counts': no such file: .*no\.csv"),
        ({"counts": "reference"}, "row 3: 'counts': is a folder, a file is wanted"),
        ({"reference": "no"}, "row 4: 'reference': no such folder"),
        ({"generated": "counts.csv"}, "row 5: 'generated': is a file, a folder is wanted"),
        ({"counts": None, "captions": "x/*.csv", "concepts": "concepts.csv"}, r"no file matches .*x/\*\.csv"),
    ],
)
def test_mistakes_are_named_with_their_line(folder: Path, changes: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        load(folder, **changes)
    assert "\n" not in str(caught.value)
    assert caught.value.file == folder / "study.yaml"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds no keys"),
        ("- a\n", "holds no keys"),
        ("name: [\n", "row 2: is not YAML"),
        ("name: x\nname: y\n", "row 2: key 'name' stands in line 1 already"),
        ("subjects:\n  basis: x\n  basis: y\n", "row 3: key 'basis' stands in line 2 already"),
        ("1: x\n", "row 1: a key must be a word"),
        ("name: !!python/object:os.system x\n", "row 1: is not YAML"),
        ("name: \x07\n", "is not YAML"),
    ],
)
def test_yaml_that_is_not_a_study(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        load_study(path)


def test_files_that_are_no_files(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        load_study(tmp_path / "none.yaml")
    with pytest.raises(InputError, match="is a folder"):
        load_study(tmp_path)
    (tmp_path / "latin.yaml").write_bytes("name: é\n".encode("latin-1"))
    with pytest.raises(InputError, match="is not UTF-8"):
        load_study(tmp_path / "latin.yaml")


keys = st.text("abcdefghij", min_size=1, max_size=6)
values = st.recursive(st.integers() | keys, lambda inner: st.dictionaries(keys, inner, max_size=3), max_leaves=8)


@given(st.dictionaries(keys, values, min_size=1, max_size=5))
def test_read_yaml_agrees_with_yaml(tmp_path_factory: pytest.TempPathFactory, data: dict[str, object]) -> None:
    path = tmp_path_factory.mktemp("yaml") / "x.yaml"
    path.write_text(yaml.safe_dump(data, default_flow_style=False))
    found = read_yaml(path)
    assert found.data == data
    lines = path.read_text().splitlines()
    for key in data:
        assert lines[(found.line((key,)) or 0) - 1].startswith(key)


@pytest.mark.parametrize("name", ["images-only", "from-captions", "paper"])
def test_the_examples_are_studies(tmp_path: Path, name: str) -> None:
    example = Path(__file__).resolve().parents[2] / "examples" / "studies" / f"{name}.yaml"
    (tmp_path / "captions").mkdir()
    for file in ("counts.csv", "concepts.csv", "captions/a.parquet", "cutoff.json"):
        (tmp_path / file).touch()
    for folder in ("reference", "generated", "fetched", "my-pipeline"):
        (tmp_path / folder).mkdir()
    (tmp_path / "study.yaml").write_text(example.read_text())
    assert load_study(tmp_path / "study.yaml").training_data is not None
