"""The verbs generate, convert and doctor, and what they answer to wrong input."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from PIL import Image

torch = pytest.importorskip("torch")

from mimetic2.cli.main import run  # noqa: E402
from mimetic2.files import folder_name  # noqa: E402
from mimetic2.generation.convert import convert  # noqa: E402
from mimetic2.generation.presets import UNKNOWN_TRAINING  # noqa: E402
from mimetic2.lab import painters, reference_pictures  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")


@pytest.fixture
def concepts(tmp_path: Path) -> Path:
    path = tmp_path / "concepts.csv"
    path.write_text("concept\nAda Keller\nBruno Corvo\n")
    return path


def generate(concepts: Path, *more: str) -> int:
    return run(["generate", "--model", "lab", "--concepts", str(concepts), "--images", "1", *more])


def test_generate(concepts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert generate(concepts, "--out", str(out)) == 0  # the lab's model has a domain of its own
    assert capsys.readouterr().out == f"10 images in {out}\n"
    assert len(list(out.rglob("*.png"))) == 10


def test_the_record_says_what_holds_and_what_is_unknown(
    concepts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A pipeline of one's own: nothing is known of its training data, and the pipeline's defaults are on record."""
    import inspect
    import shutil

    from diffusers import StableDiffusionPipeline

    from mimetic2.lab import SHIPPED_PIPELINE

    shutil.copytree(SHIPPED_PIPELINE, tmp_path / "mine")
    (tmp_path / "mine" / "lab.json").unlink()
    (tmp_path / "p.txt").write_text("by {concept}\n")
    out, mine, prompts = tmp_path / "out", str(tmp_path / "mine"), str(tmp_path / "p.txt")
    assert generate(concepts, "--out", str(out), "--model", mine, "--prompts", prompts, "--steps", "2", "--json") == 0
    said, record = json.loads(capsys.readouterr().out), json.loads((out / "generation.json").read_text())
    assert said["images"] == 2
    assert said["warnings"] == record["warnings"] == [UNKNOWN_TRAINING]
    kind = json.loads((tmp_path / "mine" / "model_index.json").read_text())["_class_name"]
    assert kind == StableDiffusionPipeline.__name__
    default = inspect.signature(StableDiffusionPipeline.__call__).parameters["guidance_scale"].default
    assert record["settings"] == {"steps": 2, "guidance": default}
    assert record["image_size"] == [32, 32]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--model", "sd-1.5"], "either --domain (art-style, faces, lab or"),
        (["--domain", "lab", "--prompts", "p.txt"], "both name prompts"),
        (["--domain", "lab", "--model", "./nope"], "there is no model './nope'"),
        (["--size", "17"], "multiples of 8"),
        (["--prompts", "{tmp}/bad.yaml"], "bad.yaml: prompt 2 ('nobody') does not contain {concept}"),
        (["--out", "{tmp}/bad.yaml"], "bad.yaml: cannot be made a folder (File exists)"),
        (["--domain", "labs"], "did you mean 'lab'"),
        (["--prompts", "none.txt"], "no such file"),
        (["--domain", "lab", "--model", "lap"], "did you mean 'lab'"),
        (["--most", "4"], "--most needs --reference and --counts"),
        (["--most", "4", "--reference", "{tmp}"], "--most needs --counts"),
        (["--most", "4", "--reference", "{tmp}", "--counts", "c.csv"], "--images 1 and --most 4"),
        (["--budget", "9"], "--budget belongs to --most"),
        (["--embedder-weights", "w"], "--embedder-weights belongs to --most"),
    ],
)
def test_generate_with_wrong_input(
    concepts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], message: str
) -> None:
    (tmp_path / "bad.yaml").write_text("- by {concept}\n- nobody\n")
    given = [option.replace("{tmp}", str(tmp_path)) for option in options]
    assert generate(concepts, "--out", str(tmp_path / "out"), *given) == 2
    assert message in capsys.readouterr().err


def test_first_images_decide_how_many_more(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chosen = sorted(painters(), key=lambda painter: painter.count)[5::15][:10]
    pictures = reference_pictures(3)
    for painter in chosen:
        own = tmp_path / "reference" / folder_name(painter.name)
        own.mkdir(parents=True)
        for index, picture in enumerate(pictures[painter.name]):
            Image.fromarray(picture).save(own / f"{index}.png")
    table = pl.DataFrame({"concept": [p.name for p in chosen], "count": [p.count for p in chosen]})
    table.write_csv(tmp_path / "counts.csv")
    (tmp_path / "prompts.txt").write_text("a painting of a house by {concept}\n")
    words = ["generate", "--model", "lab", "--concepts", str(tmp_path / "counts.csv"), "--images", "2", "--most", "9"]
    words += ["--budget", "40", "--prompts", str(tmp_path / "prompts.txt"), "--embedder", "style-lite"]
    words += ["--reference", str(tmp_path / "reference"), "--counts", str(tmp_path / "counts.csv")]
    assert run([*words, "--out", str(tmp_path / "out")]) == 0
    said = capsys.readouterr().out
    decided = pl.read_csv(tmp_path / "out" / "allocation.csv")
    assert decided["concept"].to_list() == table["concept"].to_list()
    assert 20 < decided["images"].sum() <= 40
    made = {name: len(list((tmp_path / "out" / folder_name(name)).rglob("*.png"))) for name in table["concept"]}
    assert made == dict(zip(decided["concept"], decided["images"], strict=True))
    assert f"{min(made.values())} to {max(made.values())} images per prompt" in said
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*.png")}
    assert run([*words, "--out", str(tmp_path / "out")]) == 0
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*.png")} == before


def test_generate_refuses_a_pickle(concepts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["--out", str(tmp_path / "out"), "--domain", "lab", "--model", str(tmp_path / "sd.ckpt")]
    assert generate(concepts, *command) == 2
    assert "sd.ckpt: no such file" in capsys.readouterr().err
    (tmp_path / "sd.ckpt").touch()
    assert generate(concepts, *command) == 3
    assert f"mimetic2 convert {tmp_path / 'sd.ckpt'}" in capsys.readouterr().err


def test_settings_are_named_as_the_user_names_them(concepts: Path, tmp_path: Path, capsys: Any) -> None:
    command = ["--model", "lab", "--out", str(tmp_path / "out"), "--images", "1"]
    assert generate(concepts, *command, "--steps", "1") == 0
    assert generate(concepts, *command, "--steps", "2") == 2
    assert "the images here were made with --steps 1, not 2" in capsys.readouterr().err
    assert generate(concepts, *command, "--steps", "1", "--size", "64") == 2
    assert "the images here were made with --size unset, not 64" in capsys.readouterr().err


def test_convert_keeps_every_tensor(tmp_path: Path) -> None:
    from safetensors.torch import load_file

    weight = torch.arange(6.0).reshape(2, 3)
    torch.save({"state_dict": {"a": weight, "tied": weight, "t": weight.T}, "step": 3}, tmp_path / "m.ckpt")
    tensors = load_file(convert(tmp_path / "m.ckpt"))
    assert set(tensors) == {"a", "tied", "t"}
    assert (tensors["t"] == weight.T).all()


class Evil:
    def __reduce__(self) -> Any:
        return (Path.touch, (Path("touched-by-a-pickle"),))


def test_convert_runs_no_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"a": Evil()}, "zip.ckpt")
    Path("plain.bin").write_bytes(pickle.dumps(Evil()))
    for name in ("zip.ckpt", "plain.bin"):
        assert run(["convert", name]) == 2
        assert "is not opened" in capsys.readouterr().err
    assert not Path("touched-by-a-pickle").exists()
    assert not list(tmp_path.glob("*.safetensors"))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("m.safetensors", None, "not a pickled checkpoint"),
        ("none.ckpt", None, "no such file"),
        ("list.pt", [1, 2], "not a state dict"),
        ("numbers.pt", {"a": 1}, "holds no tensor"),
    ],
)
def test_convert_wrong_input(tmp_path: Path, capsys: Any, name: str, content: Any, message: str) -> None:
    if content is not None:
        torch.save(content, tmp_path / name)
    assert run(["convert", str(tmp_path / name)]) == 2
    assert message in capsys.readouterr().err


def test_convert_overwrites_nothing(tmp_path: Path, capsys: Any) -> None:
    torch.save({"a": torch.zeros(1)}, tmp_path / "m.pt")
    (tmp_path / "m.safetensors").write_bytes(b"mine")
    assert run(["convert", str(tmp_path / "m.pt")]) == 2
    assert (tmp_path / "m.safetensors").read_bytes() == b"mine"


def test_doctor(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["doctor", "--json"]) == 0
    findings = json.loads(capsys.readouterr().out)["findings"]
    by_name = {(each["kind"], each["name"]): each for each in findings}
    assert by_name["model", "lab"]["state"] == "ready"
    assert "sha256" in by_name["model", "lab"]["detail"]
    assert by_name["model", "flux-schnell"]["state"] == "missing"
    assert "--allow-download" in by_name["model", "flux-schnell"]["remedy"]
    assert "unverified" in by_name["model", "sdxl-base"]["detail"]
    assert "gated" in by_name["model", "flux-schnell"]["detail"]
    assert "superset" in by_name["model", "sd-1.4"]["detail"]
    assert by_name["model", "API"]["state"] == "ready"
    assert all(each["remedy"] for each in findings if each["state"] == "missing")
    assert run(["doctor"]) == 0
    assert "models\n" in capsys.readouterr().out


def test_wrong_options_are_the_users_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["generate", "--no-such-option"]) == 2
    assert run(["generate", "--model", "lab", "--concepts", "x.csv", "--out", "y", "--images", "0"]) == 2
    assert "a bug" not in capsys.readouterr().err
