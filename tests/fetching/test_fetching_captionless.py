"""Images without the name: the uniform sample against brute force, the survey against a known truth, the command."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hostile import hostile_server, picture
from hypothesis import given, settings
from hypothesis import strategies as st
from test_fetching_verification import CUTOFF, Colour, Shelf, png

from mimetic2.cli.main import run
from mimetic2.concepts import Concept
from mimetic2.counting.captionless import captionless_rows
from mimetic2.counting.correction import ErrorRates
from mimetic2.counting.judge import Judge
from mimetic2.counting.references import reference_table
from mimetic2.counting.sources import Found, Source
from mimetic2.counting.survey import NO_LINK, survey
from mimetic2.counting.uniform import RowSample, row_hashes, sample_rows
from mimetic2.errors import InputError
from mimetic2.lab import painters, reference_pictures, shipped_shards
from mimetic2.tables import read_table

pytest.importorskip("pyarrow")


def splitmix(key: int, row: int) -> int:
    """SplitMix64 in plain integers."""
    mask = (1 << 64) - 1
    x = (key + (row + 1) * 0x9E3779B97F4A7C15) & mask
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & mask
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & mask
    return (x ^ (x >> 31)) >> 1


@given(st.integers(0, 2**63 - 1), st.integers(0, 10**10), st.integers(1, 20))
def test_hashes_are_splitmix(key: int, start: int, number: int) -> None:
    assert row_hashes(key, start, number).tolist() == [splitmix(key, start + i) for i in range(number)]


def write(folder: Path, shards: Sequence[int], start: int = 0) -> list[str]:
    paths = []
    for number, rows in enumerate(shards):
        names = [f"{number}-{row}" for row in range(rows)]
        frame = pl.DataFrame({"URL": [f"u{name}" for name in names], "TEXT": [f"t{name}" for name in names]})
        path = folder / f"part-{number + start}.parquet"
        frame.write_parquet(path)
        paths.append(str(path))
    return paths


@given(st.lists(st.integers(0, 30), min_size=1, max_size=4), st.integers(1, 40), st.integers(0, 5))
@settings(max_examples=25, deadline=None)
def test_the_sample_is_the_smallest_hashes_of_all_rows(
    tmp_path_factory: pytest.TempPathFactory, shards: list[int], number: int, seed: int
) -> None:
    folder = tmp_path_factory.mktemp("rows")
    paths = write(folder, shards)
    found = sample_rows(paths[::-1], number, seed=seed, workers=1)
    everything = sample_rows(paths, sum(shards) or 1, seed=seed, workers=1).frame
    assert found.rows == sum(shards) == everything.height
    assert found.frame.equals(everything.head(number))
    assert sorted(everything["url"]) == sorted(f"u{i}-{row}" for i, rows in enumerate(shards) for row in range(rows))
    assert everything["hash"].is_sorted()


def test_every_row_is_as_likely_as_any_other(tmp_path: Path) -> None:
    paths = write(tmp_path, [7, 1, 32])
    drawn: Counter[str] = Counter()
    for seed in range(400):
        drawn.update(sample_rows(paths, 10, seed=seed, workers=1).frame["url"].to_list())
    expected = 400 * 10 / 40
    statistic = sum((drawn[f"u{i}-{r}"] - expected) ** 2 / (expected * 0.75) for i, n in enumerate([7, 1, 32])
                    for r in range(n))  # fmt: skip
    assert statistic < 68  # chi-squared with 39 degrees of freedom: 0.3 %


def test_a_copy_elsewhere_and_workers_change_nothing(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    one = sample_rows(write(tmp_path / "a", [50, 20]), 15, workers=1)
    two = sample_rows(write(tmp_path / "b", [50, 20]), 15, workers=2)
    assert one.frame.equals(two.frame)
    assert not one.frame.equals(sample_rows([str(tmp_path / "b" / "*")], 15, seed=1, workers=1).frame)


def test_a_broken_file_is_named_and_may_be_allowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("mimetic2.counting.retries.PAUSE_SECONDS", 0.0)
    paths = write(tmp_path, [50, 50, 50, 50])
    Path(paths[0]).write_bytes(Path(paths[0]).read_bytes()[:300])
    with pytest.raises(InputError, match=r"part-0\.parquet: cannot be read .* 25\.00% of all rows are missing"):
        sample_rows(paths, 3, allow_missing=0.2, workers=1)
    assert "part-0.parquet: cannot be read" in capsys.readouterr().err
    found = sample_rows(paths, 1000, allow_missing=0.3, workers=1)
    assert (found.rows, found.missing, found.frame.height) == (200, 50, 150)
    assert found.frame["url"].str.starts_with("u0").sum() == 0


@pytest.fixture
def judge(tmp_path: Path) -> Judge:
    for name, colour in (("red", (250, 10, 10)), ("blue", (10, 10, 250))):
        path = tmp_path / "reference" / name / "0.png"
        path.parent.mkdir(parents=True)
        path.write_bytes(png(*colour))
    embedder = Colour()
    table = reference_table(tmp_path / "reference", ["red", "blue"], embedder, None)
    return Judge((Concept("red", ("crimson",)), Concept("blue")), embedder, table, CUTOFF)


ROWS = [
    ("r1", "a crimson thing"), ("r2", "a thing"), ("r3", "blue it is not"), ("b1", "Blue!"), ("g1", "red"),
    ("gone", "red"), ("", "red"), ("black", "nothing"), ("r2", "again, unnamed"),
]  # fmt: skip
SHELF = Shelf(
    {"r1": png(200, 8, 8), "r2": png(210, 8, 8), "r3": png(220, 8, 8), "b1": png(8, 8, 200), "g1": png(8, 200, 8),
     "gone": "HTTP 404", "black": png(0, 0, 0)}
)  # fmt: skip


def rows_of(rows: Sequence[tuple[str, str]], total: int) -> RowSample:
    frame = pl.DataFrame(rows, schema=["url", "caption"], orient="row")
    return RowSample(frame.with_columns(pl.lit(None, pl.Float64).alias("punsafe"), pl.lit(0).alias("hash")), total)


def test_the_survey_counts_what_is_shown_and_not_said(judge: Judge, tmp_path: Path) -> None:
    opened: list[int] = []

    @contextmanager
    def opener(batch: pl.DataFrame) -> Iterator[Source]:
        opened.append(batch.height)
        yield SHELF

    found = survey(rows_of(ROWS, 1000), judge, opener, tmp_path / "state.sqlite")
    assert (found.sampled, found.inspected, found.dead) == (9, 7, {"HTTP 404": 1, NO_LINK: 1})
    table = {row["concept"]: row for row in found.table.iter_rows(named=True)}
    assert [table["red"][key] for key in ("rows", "inspected", "named", "matched", "unnamed")] == [1000, 7, 2, 4, 3]
    assert [table["blue"][key] for key in ("named", "matched", "unnamed")] == [2, 1, 0]
    assert table["red"]["upper"] == captionless_rows(3, 7, 1000).upper
    assert table["red"]["estimate"] == round(3 / 7 * 1000)
    assert table["red"]["upper_corrected"] is None
    assert opened == [7]
    again = survey(rows_of(ROWS, 1000), judge, opener, tmp_path / "state.sqlite")
    assert again.table.equals(found.table)
    assert opened == [7]
    other = Judge(judge.concepts, judge.embedder, judge.references, CUTOFF.model_copy(update={"value": 0.99999}))
    survey(rows_of(ROWS, 1000), other, opener, tmp_path / "state.sqlite")
    assert opened == [7, 7]
    assert (tmp_path / "state.sqlite").stat().st_mode & 0o077 == 0


def test_an_interrupted_survey_goes_on(judge: Judge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mimetic2.counting.survey.BATCH", 2)
    calls: list[str] = []

    class Failing:
        def read(self, url: str) -> Found:
            calls.append(url)
            if len(calls) == 4:
                raise KeyboardInterrupt
            return SHELF.read(url)

    with pytest.raises(KeyboardInterrupt):
        survey(rows_of(ROWS, 1000), judge, lambda batch: nullcontext(Failing()), tmp_path / "s")
    found = survey(rows_of(ROWS, 1000), judge, lambda batch: nullcontext(Failing()), tmp_path / "s")
    assert found.table.equals(
        survey(rows_of(ROWS, 1000), judge, lambda batch: nullcontext(SHELF), tmp_path / "t").table
    )
    assert Counter(calls)["r1"] == Counter(calls)["r2"] == 1


def test_a_sample_without_images_says_nothing(judge: Judge, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="none of the 1 sampled rows has an image"):
        survey(rows_of([("gone", "x")], 10), judge, lambda batch: nullcontext(SHELF), tmp_path / "s")


def test_bounds_hold_over_datasets_of_known_truth(judge: Judge, tmp_path: Path) -> None:
    """Datasets of 3 000 rows, 2 % of them red and unnamed, one in ten dead, 200 sampled; the cut-off never errs."""
    rng = np.random.default_rng(4)
    shelf = Shelf({"red": png(220, 8, 8), "green": png(8, 220, 8), "gone": "HTTP 404"})
    held, runs = 0, 150
    for _ in range(runs):
        shows = rng.random(3000) < 0.02
        dead = rng.random(3000) < 0.1
        drawn = rng.choice(3000, 200, replace=False)
        rows = [("gone" if dead[i] else "red" if shows[i] else "green", "a picture") for i in drawn]
        found = survey(rows_of(rows, 3000), judge, lambda batch: nullcontext(shelf), tmp_path / "s")
        held += found.table["upper"][0] >= shows.sum()
    assert held / runs >= 0.95


def test_false_matches_are_taken_off(judge: Judge, tmp_path: Path) -> None:
    rows = [(f"r{1 + i % 3}", "a thing") for i in range(3)] + [("g1", "a thing")] * 197
    rates = ErrorRates(passed=98, positives=100, rejected=9800, negatives=10_000)
    found = survey(rows_of(rows, 10**6), judge, lambda batch: nullcontext(SHELF), tmp_path / "s", rates=rates)
    row = found.table.row(0, named=True)
    assert row["upper_corrected"] < row["upper"]
    assert row["estimate"] == captionless_rows(3, 200, 10**6, rates=rates).estimate == 0


def test_the_command_fetches_compares_and_deletes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("torch")
    monkeypatch.setenv("TMPDIR", str(tmp_path / "passing"))
    (tmp_path / "passing").mkdir()
    monkeypatch.setattr("tempfile.tempdir", None)
    for name, seed in (("noise", 1), ("other noise", 9)):
        (tmp_path / "reference" / name).mkdir(parents=True)
        (tmp_path / "reference" / name / "0.png").write_bytes(picture(seed))
    (tmp_path / "concepts.csv").write_text("concept\nnoise\nother noise\n")
    cutoff = {"embedder": "style-lite", "statistic": "max_cosine", "value": 0.9999, "source": "a test"}
    from mimetic2.embedding import get_embedder

    cutoff["weights_sha256"] = get_embedder("style-lite").weights_sha256
    (tmp_path / "cutoff.json").write_text(json.dumps({"schema_version": 1, "cutoff": cutoff}))
    with hostile_server() as server:
        paths = ["1", "2", "3", "gone", "bomb", "secret"]
        frame = pl.DataFrame({"URL": [server.url(f"/{path}") for path in paths], "TEXT": ["a picture"] * 6,
                              "punsafe": [0.1] * 5 + [0.9]})  # fmt: skip
        frame.write_parquet(tmp_path / "c.parquet")
        command = ["captionless", "--captions", str(tmp_path / "c.parquet"), "--rows", "6", "--seed", "0"]
        command += ["--concepts", str(tmp_path / "concepts.csv"), "--reference", str(tmp_path / "reference")]
        command += ["--cutoff", str(tmp_path / "cutoff.json"), "--out", str(tmp_path / "out.csv"), "--workers", "1"]
        assert run(command) == 2
        said = capsys.readouterr().err
        assert "--images FOLDER, or --fetch" in said
        assert "sample rows" not in said  # before the captions are gone through
        assert server.requests == 0
        assert run([*command, "--fetch", "--allow-loopback", "--json"]) == 0
        summary = json.loads(capsys.readouterr().out)
        asked = server.requests
        assert run([*command, "--fetch", "--allow-loopback"]) == 0
        assert server.requests == asked
    assert summary["dead"] == {"HTTP 404": 1, "flagged unsafe": 1, "too many pixels": 1}
    assert (summary["rows"], summary["inspected"], summary["corrected"]) == (6, 3, False)
    row = read_table(tmp_path / "out.csv").row(0, named=True)
    assert (row["matched"], row["unnamed"]) == ("1", "1")
    assert "noise: 1 unnamed; at most" in capsys.readouterr().out
    assert list((tmp_path / "passing").rglob("*")) == []
    kept = {path.name for path in tmp_path.iterdir()}
    assert kept == {"passing", "reference", "concepts.csv", "cutoff.json", "c.parquet", "out.csv", "out.json",
                    "out.state.sqlite"}  # fmt: skip


@pytest.mark.slow
def test_the_lab_s_unnamed_pictures_are_bounded(tmp_path: Path) -> None:
    """The lab's training set has pictures by painters whom the caption does not name: the bound covers their number."""
    pytest.importorskip("torch")
    from PIL import Image

    from mimetic2.lab import read_shards

    chosen = sorted(painters(), key=lambda painter: -painter.count)[:6]
    for painter in chosen:
        folder = tmp_path / "reference" / painter.name
        folder.mkdir(parents=True)
        for index, pixels in enumerate(reference_pictures(24)[painter.name]):
            Image.fromarray(pixels).save(folder / f"{index}.png")
    (tmp_path / "c.csv").write_text("concept\n" + "".join(f"{painter.name}\n" for painter in chosen))
    shards = [str(path) for path in shipped_shards()]
    command = ["captionless", "--rows", "1500", "--concepts", str(tmp_path / "c.csv"), "--domain", "lab"]
    command += ["--reference", str(tmp_path / "reference"), "--out", str(tmp_path / "out.csv"), "--workers", "1"]
    assert run([*command, *(word for shard in shards for word in ("--captions", shard))]) == 0
    rows = read_shards(shipped_shards())
    table = {row["concept"]: row for row in read_table(tmp_path / "out.csv").iter_rows(named=True)}
    for painter in chosen:
        shows = rows.filter(pl.col("URL").str.contains(f"lab://{painter.slug}/", literal=True))
        unnamed = shows.filter(~pl.col("TEXT").str.to_lowercase().str.contains(painter.name.lower(), literal=True))
        assert int(table[painter.name]["upper"]) >= unnamed.height
