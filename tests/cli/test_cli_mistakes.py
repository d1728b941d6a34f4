"""Every mistake of a user is one line that names the place, and the exit code that its kind has; never a traceback."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image

from mimetic2.cli.main import run

STUDY = "name: s\ndomain: faces\ncounts: counts.csv\nreference: reference\ngenerated: generated\n"
SCORES = "concept,count,score\n" + "".join(f"c{i},{i * 10},{0.1 + i / 100}\n" for i in range(12))


@dataclass(frozen=True)
class Mistake:
    """A command line, files to write first, what the line must say, and the exit code."""

    name: str
    command: str
    says: tuple[str, ...]
    files: tuple[tuple[str, str], ...] = ()
    code: int = 2


def table(text: str) -> tuple[tuple[str, str], ...]:
    return (("t.csv", text),)


def row(text: str) -> tuple[tuple[str, str], ...]:
    """A table of scores whose third line is ``text``."""
    lines = SCORES.splitlines()
    return table("\n".join([*lines[:2], text, *lines[3:]]) + "\n")


def study(old: str, new: str) -> tuple[tuple[str, str], ...]:
    return (("s.yaml", STUDY.replace(old, new) if old else STUDY + new),)


MISTAKES = (
    Mistake("no such verb", "thresold t.csv", ("thresold",)),
    Mistake("no such option", "threshold t.csv --penality 1", ("--penality",)),
    Mistake("option without its value", "threshold t.csv --penalty", ("--penalty",)),
    Mistake("option that is no number", "threshold t.csv --penalty x", ("--penalty", "number")),
    Mistake("argument left out", "threshold", ("table",)),
    Mistake("no such table", "threshold none.csv", ("none.csv", "no such file")),
    Mistake("a folder for a table", "threshold reference", ("reference", "is a folder")),
    Mistake("an unknown kind of table", "threshold s.yaml", ("s.yaml", "unknown kind of table '.yaml'")),
    Mistake("an empty table", "threshold t.csv", ("t.csv", "is empty"), table("")),
    Mistake("a missing column", "threshold t.csv", ("row 1", "column 'score'", "is missing"), table("concept,count\n")),
    Mistake("a column twice", "threshold t.csv", ("row 1", "'count'", "twice"), table("concept,count,count,score\n")),
    Mistake("too many cells", "threshold t.csv", ("row 3", "has 4 cells"), row("x,1,2,3")),
    Mistake("a negative count", "threshold t.csv", ("row 3", "column 'count'", "too small (-4)"), row("x,-4,0.1")),
    Mistake("a count that is NaN", "threshold t.csv", ("row 3", "column 'count'", "not finite"), row("x,nan,0.1")),
    Mistake("an infinite score", "threshold t.csv", ("row 3", "column 'score'", "not finite"), row("x,1,inf")),
    Mistake("a word for a count", "threshold t.csv", ("row 3", "'count'", "not a number ('many')"), row("x,many,0.1")),
    Mistake("no score, no reason", "threshold t.csv", ("row 3", "column 'score'", "is empty"), row("x,1,")),
    Mistake("a concept twice", "threshold t.csv", ("row 3", "'c0'", "row 2"), row("c0,1,0.1")),
    Mistake("a concept without name", "threshold t.csv", ("row 3", "column 'concept'", "is empty"), row(",1,0.1")),
    Mistake(
        "too few concepts",
        "threshold t.csv",
        ("2 rows", "8 rows or more"),
        table("concept,count,score\na,1,0.1\nb,2,0.2\n"),
    ),
    Mistake("an unclosed quote", "threshold t.csv", ("t.csv",), row('"x,1,0.1')),
    Mistake("an unknown method", "threshold t.csv --method best", ("best", "robust"), table(SCORES)),
    Mistake("a negative penalty", "threshold t.csv --penalty -1", ("penalty",), table(SCORES)),
    Mistake("a level in percent", "threshold t.csv --level 95", ("level",), table(SCORES)),
    Mistake("no such study", "run none.yaml", ("none.yaml", "no such file")),
    Mistake("a folder for a study", "run reference", ("reference", "is a folder")),
    Mistake("a misspelt key", "run s.yaml", ("row 6", "'embeder'", "'embedder'"), study("", "embeder: x\n")),
    Mistake("a key twice", "run s.yaml", ("row 6", "'name'", "line 1"), study("", "name: again\n")),
    Mistake("not YAML", "run s.yaml", ("s.yaml", "is not YAML"), study("s\n", "[\n")),
    Mistake("no domain of that name", "run s.yaml", ("'face'", "'faces'"), study("faces", "face")),
    Mistake("no embedder of that name", "run s.yaml", ("'dlib'", "dlib-face"), study("", "embedder: dlib\n")),
    Mistake("a path that is not there", "run s.yaml", ("row 3", "no such file"), study("counts.csv", "no.csv")),
    Mistake("a file for a folder", "run s.yaml", ("row 4", "is a file"), study("ce: reference", "ce: counts.csv")),
    Mistake(
        "a count beyond all",
        "run s.yaml",
        ("counts.csv", "row 2", "'count'", "too large"),
        (("s.yaml", STUDY), ("counts.csv", f"concept,count\nAda Keller,{10**20 - 1}\n")),
    ),
    Mistake(
        "an interval the wrong way round",
        "score --generated generated --reference reference --embedder style-lite --counts c.csv --out o.csv",
        ("c.csv", "row 2", "'count_low'", "greater"),
        (("c.csv", "concept,count,count_low,count_high\nAda Keller,5,9,3\n"),),
    ),
    Mistake(
        "a column of scores among the counts",
        "run s.yaml",
        ("counts.csv", "row 1", "'identified'"),
        (("s.yaml", STUDY), ("counts.csv", "concept,count,identified\nAda Keller,5,maybe\n")),
    ),
    Mistake(
        "a count where nothing was looked at",
        "threshold t.csv",
        ("t.csv", "row 2", "'status'", "'missing' beside a count of 32"),
        table("concept,count,score,status\na,32,0.1,missing\n"),
    ),
    Mistake(
        "no image to compare with",
        "run s.yaml",
        ("empty", "holds no image", "a folder per concept", ".png"),
        (("s.yaml", STUDY.replace("reference: reference", "reference: empty")), ("empty/x.txt", "")),
    ),
    Mistake(
        "no image to embed",
        "embed --images empty --embedder style-lite --out o.parquet",
        ("empty", "holds no image"),
        (("empty/ada/x.gif", ""),),
    ),
    Mistake(
        "vectors as CSV, said at once",
        "embed --images empty --embedder style-lite --out o.csv",
        ("o.csv", ".parquet"),
        (("empty/ada/x.gif", ""),),
    ),
    Mistake(
        "scores without any count",
        "threshold t.csv",
        ("t.csv", "'count'", "empty in every row", "--counts"),
        table("concept,count,score,excluded\na,,0.1,\nb,,0.2,\n"),
    ),
    Mistake(
        "a relation that is none",
        "run s.yaml",
        ("row 6", "'relation' of 'training_data' is wrong ('maybe')", "'exact', 'superset', 'proxy' or 'unknown'"),
        study("", "training_data: {relation: maybe}\n"),
    ),
    Mistake(
        "half a section",
        "run s.yaml",
        ("row 6", "'name' of 'training_data' is missing", "'training_data: {name: …, relation: …}'"),
        study("", "training_data: {relation: exact}\n"),
    ),
    Mistake(
        "a word for a section",
        "run s.yaml",
        ("row 6", "'subjects' is wrong ('people')", "'subjects: {basis: …}'"),
        study("", "subjects: people\n"),
    ),
    Mistake("a misspelt key within", "run s.yaml", ("'bases'", "'basis'"), study("", "subjects: {bases: x}\n")),
    Mistake(
        "faces without a face embedder",
        "run s.yaml",
        ("row 7", "'faces' has no effect"),
        study("", "embedder: style-lite\nfaces: one\n"),
    ),
    Mistake(
        "a precision that is none",
        "generate --model lab --concepts counts.csv --out o --dtype int8",
        ("--dtype is wrong ('int8'); accepted: 'float32', 'float16' or 'bfloat16'",),
    ),
    Mistake(
        "a price of a local model",
        "generate --model lab --concepts counts.csv --out o --api-price 3",
        ("--api-price has no effect on 'lab'",),
    ),
    Mistake(
        "no attention of that name",
        "generate --model lab --concepts counts.csv --out o --attention foo",
        ("there is no attention 'foo'; accepted: ", "native"),
    ),
    Mistake(
        "a model far from all others",
        "generate --model sd-9 --domain lab --concepts counts.csv --out o",
        ("there is no model 'sd-9'; accepted: ", "presets: ", "sd-1.5"),
    ),
    Mistake(
        "a pipeline with one pickled part",
        "generate --model pipe --domain lab --concepts counts.csv --out o",
        ("unet/diffusion_pytorch_model.bin", "convert pipe/unet/diffusion_pytorch_model.bin"),
        tuple(
            (f"pipe/{name}", "{}")
            for name in ("model_index.json", "vae/x.safetensors", "unet/diffusion_pytorch_model.bin")
        ),
        3,
    ),
    Mistake(
        "a pickled text encoder",
        "generate --model pipe --domain lab --concepts counts.csv --out o",
        ("convert pipe/text_encoder/pytorch_model.bin --out pipe/text_encoder/model.safetensors",),
        tuple(
            (f"pipe/{name}", "{}")
            for name in ("model_index.json", "vae/x.safetensors", "text_encoder/pytorch_model.bin")
        ),
        3,
    ),
    Mistake("where nothing can be written", "init /proc/x", ("/proc/x", "cannot be made a folder")),
    Mistake("counts and captions", "run s.yaml", ("row 6", "'captions'"), study("", "captions: '*.csv'\n")),
    Mistake("nothing generates", "run s.yaml", ("generated",), study("generated: generated\n", "")),
    Mistake("no model of that name", "run s.yaml", ("'labb'", "'lab'"), study("generated: generated", "model: labb")),
    Mistake(
        "a model that is not here",
        "run s.yaml",
        ("sd-1.5", "not on this machine"),
        study("generated: generated", "model: sd-1.5"),
        3,
    ),
    Mistake(
        "a pickled model",
        "run s.yaml",
        ("m.ckpt", "convert"),
        (*study("generated: generated", "model: m.ckpt"), ("m.ckpt", "a pickle\n")),
        3,
    ),
    Mistake(
        "a checkpoint that is not there",
        "run s.yaml",
        ("m.ckpt", "no such file"),
        study("generated: generated", "model: m.ckpt"),
    ),
    Mistake(
        "a prompt without its place",
        "generate --model lab --concepts counts.csv --out o --prompts p.txt",
        ("{concept}",),
        (("p.txt", "a painting\n"),),
    ),
    Mistake("no such prompts", "generate --model lab --concepts counts.csv --out o --prompts no.txt", ("no.txt",)),
    Mistake("no images asked for", "generate --model lab --concepts counts.csv --out o --images 0", ("--images",)),
    Mistake(
        "an empty list",
        "generate --model lab --domain lab --concepts t.csv --out o",
        ("t.csv", "no concept"),
        table("concept\n"),
    ),
    Mistake(
        "a name of no letters", "count --captions x --concepts t.csv --out o.csv", ("!!!",), table("concept\n!!!\n")
    ),
    Mistake("no such captions", "count --captions 'x/*' --concepts counts.csv --out o.csv", ("x/*",)),
    Mistake(
        "counts over the list",
        "count --captions t.csv --concepts counts.csv --out counts.csv",
        ("counts.csv", "would be overwritten"),
        table("caption\nx\n"),
    ),
    Mistake(
        "a summary over the list",
        "count --captions t.csv --concepts o.json --out o.csv",
        ("o.json", "would be overwritten"),
        (*table("caption\nx\n"), ("o.json", '[{"item": "http://www.wikidata.org/entity/Q1", "itemLabel": "X"}]')),
    ),
    Mistake(
        "mentions as what",
        "count --captions t.csv --concepts counts.csv --out o.xlsx",
        ("'.xlsx'", ".csv"),
        table("caption\nx\n"),
    ),
    Mistake(
        "a file for a folder above",
        "count --captions t.csv --concepts counts.csv --out s.yaml/o.csv",
        ("s.yaml", "Not a directory"),
        table("caption\nx\n"),
    ),
    Mistake(
        "a choice over the list",
        "concepts sample --concepts counts.csv --counts t.csv --number 1 --out ./counts.csv",
        ("counts.csv", "would be overwritten"),
        table("concept,count\nx,1\n"),
    ),
    Mistake(
        "a choice over its counts",
        "concepts sample --concepts counts.csv --counts t.csv --number 1 --out t.csv",
        ("t.csv", "would be overwritten"),
        table("concept,count\nx,1\n"),
    ),
    Mistake(
        "controls over the list",
        "concepts controls --concepts counts.csv --number 1 --out counts.csv",
        ("counts.csv", "would be overwritten"),
    ),
    Mistake(
        "controls over the captions",
        "concepts controls --concepts counts.csv --captions '*.csv' --number 1 --out t.csv",
        ("t.csv", "would be overwritten"),
        table("caption\nx\n"),
    ),
    Mistake(
        "verified counts over the mentions",
        "verify --images generated --concepts counts.csv --reference reference --out counts.csv",
        ("counts.csv", "would be overwritten"),
    ),
    Mistake(
        "verified rows over the sample",
        "verify --sample o.verified.parquet --concepts counts.csv --reference reference --out o.csv",
        ("o.verified.parquet", "would be overwritten"),
    ),
    Mistake(
        "bounds over the list",
        "captionless --captions x --concepts counts.csv --reference reference --rows 5 --out counts.csv",
        ("counts.csv", "would be overwritten"),
    ),
    Mistake(
        "a curve over the labels",
        "calibrate --images generated --reference reference --embedder style-lite --labels o.roc.csv --out o.json",
        ("o.roc.csv", "would be overwritten"),
    ),
    Mistake(
        "scores over the counts",
        "score --generated generated --reference reference --embedder style-lite --counts o.prompts.csv --out o.csv",
        ("o.prompts.csv", "would be overwritten"),
    ),
    Mistake(
        "no such fetched images",
        "verify --images none --concepts t.csv --reference reference --domain lab --out o.csv",
        ("none", "no such folder"),
        table("concept,mentions\nx,1\n"),
    ),
    Mistake("a result over the scores", "threshold t.csv --out t.csv", ("would be overwritten",), table(SCORES)),
    Mistake("no such images", "embed --images none --embedder style-lite --out o.parquet", ("none", "no such folder")),
    Mistake("a file of images", "embed --images counts.csv --embedder style-lite --out o.parquet", ("is a file",)),
    Mistake("vectors as CSV", "embed --images generated --embedder style-lite --out o.csv", (".csv", ".parquet")),
    Mistake("an embedder misspelt", "embed --images generated --embedder style --out o.parquet", ("style-lite",)),
    Mistake("no run", "report none", ("none",)),
    Mistake("an unfinished run", "report reference", ("threshold.json", "no such file")),
    Mistake("broken JSON", "report .", ("threshold.json", "is not JSON"), (("threshold.json", "{"),)),
    Mistake("a choice that is none", "report . --images some", ("some",)),
    Mistake("one run to compare", "compare reference", ("two or more",)),
    Mistake("a count below nothing", "predict t.csv --count -3", ("-3",), table(SCORES)),
    Mistake("nothing to clean", "clean reference --biometrics", ("reference", "no run directory")),
    Mistake("cleaning what", "clean reference", ("--biometrics",)),
    Mistake("init over a study", "init .", ("exists already",), (("study.yaml", ""),)),
    Mistake("a file for a folder to start in", "init counts.csv", ("counts.csv", "is a file")),
    Mistake("the demo into a file", "demo --out counts.csv", ("counts.csv", "is a file")),
    Mistake("no checkpoint", "convert none.ckpt", ("none.ckpt",)),
)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "counts.csv").write_text("concept,count\nAda Keller,5\n")
    (tmp_path / "s.yaml").write_text(STUDY)
    for name in ("reference", "generated"):
        (tmp_path / name / "Ada Keller").mkdir(parents=True)
        Image.new("RGB", (8, 8)).save(tmp_path / name / "Ada Keller" / "0.png")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_there_are_enough() -> None:
    assert len({mistake.command + str(mistake.files) for mistake in MISTAKES}) == len(MISTAKES) >= 30


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
def test_one_line_and_the_right_exit_code(here: Path, capsys: pytest.CaptureFixture[str], mistake: Mistake) -> None:
    for name, text in mistake.files:
        (here / name).parent.mkdir(parents=True, exist_ok=True)
        (here / name).write_text(text)
    code = run(mistake.command.replace("'", "").split())
    said = capsys.readouterr()
    lines = [line for line in said.err.splitlines() if line.startswith("mimetic2: ")]
    assert code == mistake.code, said.err
    assert len(lines) == 1, said.err
    assert "Traceback" not in said.err
    for words in mistake.says:
        assert words in lines[0]
    assert said.out == ""
    assert not (here / "s-run").exists()  # a study that is wrong from the start leaves nothing behind


@pytest.mark.parametrize(
    ("arguments", "code"), [(["threshold", "none.csv"], 2), (["run", "none.yaml"], 2), (["--version"], 0)]
)
def test_the_installed_command_exits_with_the_code(here: Path, arguments: list[str], code: int) -> None:
    command = [sys.executable, "-c", "from mimetic2.cli.main import main; main()", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == code
    assert len(done.stderr.splitlines()) == (1 if code else 0)


def test_the_program_is_named_once(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["thresold"], ["threshold", "--penality", "1"], ["concepts", "chek"]):
        assert run(arguments) == 2
        assert capsys.readouterr().err.count("mimetic2") == 1


def test_ctrl_c_says_how_to_go_on(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("mimetic2.runs.run", stopped)
    assert run(["run", "s.yaml"]) == 130
    assert "interrupted; run the same command again" in capsys.readouterr().err


def test_debug_shows_the_traceback(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--debug", "threshold", "none.csv"]) == 2
    assert "Traceback" in capsys.readouterr().err
