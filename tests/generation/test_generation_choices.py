"""The section ``generate`` of a study: what it may say, where its paths lie, what a change of it redoes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

import mimetic2.generation.opening as opening
import mimetic2.runs.facts as facts
import mimetic2.runs.running as running
from mimetic2.errors import InputError, MissingRequirement
from mimetic2.generation import Adapter, Execution, Generating
from mimetic2.generation.api import Api
from mimetic2.generation.presets import model_warnings
from mimetic2.runs.choices import generating, model_files, sampling_of
from mimetic2.runs.sequence import STAGES
from mimetic2.study import Study, load_study


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "reference").mkdir()
    (tmp_path / "counts.csv").write_text("concept,count\nAda,3\n")
    (tmp_path / "style.safetensors").write_bytes(b"weights")
    (tmp_path / "style.bin").write_bytes(b"weights")
    return tmp_path


def study_of(folder: Path, **more: Any) -> Study:
    content = {"name": "s", "domain": "lab", "counts": "counts.csv", "reference": "reference", "model": "lab"} | more
    path = folder / "study.yaml"
    path.write_text(yaml.safe_dump({key: value for key, value in content.items() if value is not None}))
    return load_study(path)


def test_every_choice_arrives(folder: Path) -> None:
    chosen = {"guidance": 3.0, "size": 64, "lora": "style.safetensors:0.5", "dtype": "bfloat16", "workers": 2}
    study = study_of(folder, generate=chosen)
    sampling = sampling_of(study)
    assert (sampling.steps, sampling.guidance, sampling.width, sampling.height) == (6, 3.0, 64, 64)
    arguments = generating(study).arguments()
    assert arguments["lora"] == (Adapter(folder / "style.safetensors", 0.5),)
    assert arguments["execution"] == Execution(dtype="bfloat16", workers=2)
    assert model_files(study)["lora 0"] == folder / "style.safetensors"


def test_a_study_without_the_section_changes_nothing(folder: Path) -> None:
    study = study_of(folder)
    assert generating(study) == Generating()
    assert generating(study).arguments() == {"lora": (), "pipeline_config": None, "execution": None, "api": None}
    assert generating(study).identity() == {}


@pytest.mark.parametrize(
    ("before", "after", "redone"),
    [
        ({"steps": 5}, {"steps": 6}, True),
        ({}, {"dtype": "bfloat16"}, True),
        ({"lora": "style.safetensors"}, {"lora": "style.safetensors:0.5"}, True),
        ({}, {"workers": 2}, False),
        ({}, {"engine": "ray", "address": "auto"}, False),
    ],
)
def test_what_images_depend_on_redoes_the_stage(folder: Path, before: Any, after: Any, redone: bool) -> None:
    stage = next(stage for stage in STAGES if stage.name == "generate")
    needs = [stage.options(study_of(folder, generate=chosen)) for chosen in (before, after)]
    assert (needs[0] != needs[1]) == redone


def test_the_run_keeps_the_section_with_paths_of_its_own(folder: Path) -> None:
    study = study_of(folder, generate={"lora": ["style.safetensors:0.5"], "steps": 3})
    (folder / "run").mkdir()
    running._keep_study(study, folder / "study.yaml", folder / "run")
    kept = yaml.safe_load((folder / "run/study.yaml").read_text())
    assert kept["generate"]["lora"] == ["../style.safetensors:0.5"]
    assert load_study(folder / "run/study.yaml").generate == study.generate


def test_an_api_in_a_study(folder: Path) -> None:
    api = {"model": "painter-1", "price": 0.04, "max_cost": 20.0, "options": {"quality": "high"}}
    study = study_of(folder, model="https://api.example.org/v1", generate={"size": 64, "api": api})
    assert model_files(study) == {}
    assert sampling_of(study).steps is None  # the lab's own steps are not an API's
    assert generating(study).arguments()["api"] == Api(**api)
    stage = next(stage for stage in STAGES if stage.name == "generate")
    assert stage.options(study)["api"] == {"model": "painter-1", "options": {"quality": "high"}}


@pytest.mark.parametrize(
    ("study", "error", "message"),
    [
        ({"generate": {"step": 3}}, InputError, r"row \d+: unknown key 'step', did you mean 'steps'"),
        ({"generate": {"api": {"modle": "m"}}}, InputError, "unknown key 'modle', did you mean 'model'"),
        ({"generate": {"steps": 0}}, InputError, r"'steps' of 'generate' is wrong \(0\)"),
        ({"generate": {"dtype": "int8"}}, InputError, r"'dtype' of 'generate' is wrong"),
        ({"model": None, "generated": "reference", "generate": {"steps": 3}}, InputError, "no effect without 'model'"),
        ({"generate": {"lora": "none.safetensors"}}, InputError, "no such file"),
        ({"generate": {"lora": "style.bin"}}, MissingRequirement, "mimetic2 convert"),
        ({"generate": {"api": {"model": "m"}}}, InputError, "not behind an API"),
        ({"generate": {"pipeline_config": "reference"}}, InputError, "brings its own"),
        ({"model": "https://a.org/v1"}, InputError, "the endpoint's model has no name"),
        ({"model": "https://a.org/v1", "generate": {"api": {"model": "m"}, "workers": 2}}, InputError, "no effect"),
        ({"model": "http://a.org/v1", "generate": {"api": {"model": "m"}}}, InputError, "unencrypted"),
    ],
)
def test_wrong_sections(folder: Path, study: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        model_files(study_of(folder, **study))


@pytest.mark.parametrize("said", [{}, {"allow_download": False}, {"allow_download": True}])
def test_only_what_is_allowed_is_fetched(folder: Path, said: dict[str, bool], monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def resolve(model: str, *, allow_download: bool, config: Path | None) -> Any:
        asked.append((model, allow_download))
        raise MissingRequirement("not here")

    monkeypatch.setattr(opening, "resolve_model", resolve)
    with pytest.raises(MissingRequirement):
        running.run(study_of(folder, model="sd-1.4", **said) and folder / "study.yaml")
    with pytest.raises(MissingRequirement):
        running.run(folder / "study.yaml", allow_download=True)
    assert asked == [("sd-1.4", said.get("allow_download", False)), ("sd-1.4", True)]


@pytest.mark.parametrize(
    ("model", "domain", "generate", "settings"),
    [
        ("sd-1.4", "art-style", {}, ""),
        ("sd-1.4", "art-style", {"steps": 20}, "20 steps, guidance 7.5"),
        ("sd-1.4", "art-style", {"negative_prompt": "text", "size": 256}, "a negative prompt, 256 pixels"),
        ("flux-schnell", "art-style", {}, "4 steps, guidance 0"),
        ("lab", "lab", {"safety_checker": True}, "6 steps, guidance 2.5, the safety checker"),
        ("./pipeline", "art-style", {}, "the model's own settings"),
    ],
)
def test_settings_that_are_not_the_papers(folder: Path, model: str, domain: str, generate: Any, settings: str) -> None:
    assert facts._settings(study_of(folder, model=model, domain=domain, generate=generate)) == settings


def test_a_preset_says_what_a_silent_study_does_not(folder: Path) -> None:
    assert study_of(folder, model="flux-schnell").warnings == model_warnings("flux-schnell")
    said = {"name": "LAION-2B-en", "relation": "superset"}
    assert study_of(folder, model="sd-1.4", training_data=said).warnings == ()
    assert "does not say" in study_of(folder).warnings[0]
