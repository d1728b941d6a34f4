"""The simulation study: known worlds, resuming, digests, requirements, and the quick study through the command line."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import math
from pathlib import Path

import numpy as np
import pytest

from mimetic2.cli.main import run
from mimetic2.validation import cells as cells_module
from mimetic2.validation import cells_of, required, validate
from mimetic2.validation.cells import Cell, Records, attainable_power, simulate
from mimetic2.validation.study import cell_digest
from mimetic2.validation.summary import COLUMNS, summarise
from mimetic2.validation.tables import as_csv, as_markdown
from mimetic2.validation.worlds import NOISES, WORLDS, draw_noise, draw_truth, spread

COUNTS = np.sort(np.floor(10 ** np.random.default_rng(0).uniform(0, 5, 4000)))


@pytest.mark.parametrize("world", WORLDS)
def test_worlds_rise_by_what_they_say(world: str) -> None:
    mean = draw_truth(world, 0.3, COUNTS, np.random.default_rng(1)).mean
    assert (np.diff(mean) >= 0).all()
    expected = 0.0 if world == "flat" else 0.3
    assert np.ptp(mean) == pytest.approx(expected, abs=0.02)


@pytest.mark.parametrize("noise", NOISES)
def test_noise_has_the_spread_it_says(noise: str) -> None:
    drawn = np.array([draw_noise(noise, COUNTS[::40], np.random.default_rng(seed)) for seed in range(4000)])
    within = 0.15 if noise == "heavy tails" else 0.06  # a fourth moment that does not exist converges slowly
    assert np.allclose(drawn.std(axis=0).mean(), spread(noise, COUNTS[::40]).mean(), rtol=within)
    half = drawn.shape[1] // 2
    ratio = drawn[:, half:].std() / drawn[:, :half].std()
    assert {"rising": ratio > 1.2, "falling": ratio < 0.83}.get(noise, 0.85 < ratio < 1.18)


@pytest.mark.parametrize(("kind", "name"), [("world", "valley"), ("noise", "loud")])
def test_unknown_names_are_errors(kind: str, name: str) -> None:
    with pytest.raises(ValueError, match=name):
        draw_truth(name, 0.1, COUNTS, np.random.default_rng(0)) if kind == "world" else spread(name, COUNTS)


def test_a_cell_is_the_same_every_time_and_every_study_differs() -> None:
    cell = Cell("step", 0.3, "sd .05", 44, "politicians")
    whole, parts = simulate(cell, range(2)), simulate(cell, range(1))
    parts.extend(simulate(cell, range(1, 2)))
    assert whole == parts
    assert whole.first(1) == simulate(cell, range(1))
    assert len(whole.verdict) == len(whole.covered) == 20
    assert len(whole.attainable) == 2
    assert len(set(whole.decades)) > 8


def test_the_interval_counts_as_covering_when_it_meets_the_gap() -> None:
    counts = np.array([0.0, 10, 20, 50, 90, 200, 400, 900])
    found = [
        _covered(counts, step=60, low=low, high=high)
        for low, high in [(51, 90), (21, 50), (21, 51), (91, 200), (90, 200), (60, 60)]
    ]
    assert found == [True, False, True, False, True, True]


def _covered(counts: np.ndarray, step: float, low: int, high: int) -> bool:
    from mimetic2.threshold.batch import Judgement
    from mimetic2.threshold.intervals import StepInterval
    from mimetic2.threshold.verdict import Verdict

    records = Records()
    judgement = Judgement(Verdict.STEP, 90.0, StepInterval(low, high, False, 7.35, False, 7.35))
    cells_module._record_step(step, judgement, None, counts, records)
    return records.covered[0]


def test_attainable_power_is_that_of_the_likelihood_ratio() -> None:
    """Against simulated likelihood ratios between the step and its nearest ramp, both known."""
    rng = np.random.default_rng(2)
    counts = np.sort(np.floor(10 ** rng.uniform(0, 5, 120)))
    truth = draw_truth("step", 0.3, counts, rng)
    sd = spread("falling", counts)
    power = attainable_power(counts, truth, sd)
    from mimetic2.threshold.shapes import Design

    design = Design(counts, 1 / sd**2)
    ramp = design.at_rows(design.fit(truth.mean)["ramp"].levels)

    def ratio(mean: np.ndarray) -> np.ndarray:
        y = mean + sd * rng.standard_normal((20_000, 120))
        return np.asarray((((y - ramp) / sd) ** 2 - ((y - truth.mean) / sd) ** 2).sum(axis=1))

    cut = np.quantile(ratio(ramp), 0.95)
    assert np.mean(ratio(truth.mean) > cut) == pytest.approx(power, abs=0.02)


def test_coverage_is_counted_three_ways() -> None:
    cell = Cell("step", 0.3, "sd .05", 44, "politicians")
    records = Records(
        verdict=["step"] * 300 + ["undecided"] * 100,
        covered=[True] * 290 + [False] * 10 + [True] * 50 + [False] * 50,
        decades=[0.1] * 400,
        log_ratio=[0.0] * 390 + [1.0] * 10,
        attainable=[0.9, 0.7],
        paper=[100.0] * 200 + [None] * 200,
        paper_log_ratio=[0.0] * 100 + [0.5] * 100 + [None] * 200,
    )
    row = summarise(cell, records)
    assert (row["coverage"], row["coverage_given_step"], row["coverage_or_miss"]) == (0.85, round(290 / 300, 4), 0.725)
    assert row["coverage_error"] == pytest.approx(math.sqrt(0.85 * 0.15 / 400), abs=1e-4)
    assert (row["paper"], row["paper_within_factor_2"], row["within_factor_2"]) == (0.5, 0.25, 0.75)
    few = dataclasses.replace(records, verdict=["step"] * 199 + ["none"] * 201)
    assert summarise(cell, few)["coverage_given_step"] is None
    assert set(row) == set(COLUMNS)


def _row(world: str, n: int, step: float, coverage: float | None = None, attainable: float = 1.0) -> dict:  # type: ignore[type-arg]
    row = dict.fromkeys(COLUMNS)
    row |= {"world": world, "rise": 0.3, "noise": "sd .05", "n": n, "table": "politicians", "runs": 1000}
    return row | {"step": step, "coverage": coverage, "attainable": attainable}


@pytest.mark.parametrize(
    ("row", "missed"),
    [
        (_row("hinge", 120, 0.063), []),  # within two Monte Carlo errors
        (_row("hinge", 120, 0.065), [0]),
        (_row("flat", 44, 0.11), []),
        (_row("flat", 44, 0.12), [1]),
        (_row("step", 44, 0.2, 0.91), [2]),
        (_row("step", 20, 0.2, 0.5), []),
        (_row("step", 418, 0.9, 0.95), [3]),
        (_row("two steps", 418, 0.5), []),
    ],
)
def test_requirements_know_their_cells_and_limits(row: dict, missed: list[int]) -> None:  # type: ignore[type-arg]
    assert [place for place, found in enumerate(required([row])) if found["misses"]] == missed


def test_misses_that_no_test_could_avoid_are_counted_apart() -> None:
    found = required([_row("step", 418, 0.7, 0.95, 0.8), _row("step", 418, 0.7, 0.95, 0.99)])[3]
    assert (found["misses"], found["unattainable"], found["holds"]) == (2, 1, False)


def test_a_study_resumes_and_other_parameters_are_other_cells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    few = [Cell(world, 0.3, "sd .05", 20, "politicians") for world in ("step", "hinge")]
    first = validate(few[:1], 10, tmp_path, workers=1)
    kept = tmp_path / "cells" / f"{cell_digest(few[0])}.json"
    stamp = kept.stat().st_mtime_ns
    assert validate(few, 10, tmp_path, workers=1)["cells"] == 2
    assert kept.stat().st_mtime_ns == stamp
    assert first["runs"] == 10
    rows = list(csv.DictReader(io.StringIO((tmp_path / "table.csv").read_text())))
    assert [row["world"] for row in rows] == ["step", "hinge"]
    assert rows[1]["coverage"] == ""
    before = cell_digest(few[0])
    assert cell_digest(dataclasses.replace(few[0], seed=6)) != before
    monkeypatch.setattr("mimetic2.threshold.verdict.AHEAD", 3.0)
    assert cell_digest(few[0]) != before


def test_more_runs_extend_a_study(tmp_path: Path) -> None:
    cells = [Cell("step", 0.3, "sd .10", 20, "celebrities")]
    validate(cells, 10, tmp_path / "both", workers=1)
    assert validate(cells, 25, tmp_path / "both", workers=1)["runs"] == 30
    validate(cells, 30, tmp_path / "once", workers=1)
    assert (tmp_path / "both" / "table.csv").read_bytes() == (tmp_path / "once" / "table.csv").read_bytes()
    assert validate(cells, 10, tmp_path / "both", workers=1)["runs"] == 10


def test_the_published_study_has_the_cells_it_should() -> None:
    cells = cells_of(0, quick=False)
    assert len(cells) == len({cell_digest(cell) for cell in cells}) == (1 + 2 * (len(WORLDS) - 1)) * 6 * 4 * 4


def test_tables_show_every_world_and_only_numbers_that_exist() -> None:
    cells = [Cell(world, 0.3, "sd .10", 20, "celebrities") for world in WORLDS]
    rows = [summarise(cell, simulate(cell, range(1))) for cell in cells]
    text = as_markdown(rows, required(rows))
    assert all(f"| 20 | {world} |" in text for world in WORLDS)
    assert "nan" not in text + as_csv(rows, COLUMNS)


def test_workers_change_nothing(tmp_path: Path) -> None:
    cells = [Cell(world, 0.3, "rising", 20, "modern artists") for world in ("flat", "step", "ramp")]
    validate(cells, 10, tmp_path / "one", workers=1)
    validate(cells, 10, tmp_path / "two", workers=2)
    assert (tmp_path / "one" / "table.csv").read_bytes() == (tmp_path / "two" / "table.csv").read_bytes()


def test_the_quick_study_holds_what_is_required(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What `mimetic2 validate --quick --check` shows in CI: errors held, coverage held, steps found at n = 418."""
    code = run(["validate", "--quick", "--check", "--json", "--runs", "30", "--workers", "1", "--out", str(tmp_path)])
    found = json.loads(capsys.readouterr().out)
    assert code == 0
    assert all(row["holds"] for row in found["required"])
    assert len(found["required"]) > 4, "the verdict's four and some beside it"
    assert (tmp_path / "table.md").read_text().count("| 418 |") >= len(WORLDS)


def test_a_missed_requirement_is_exit_4(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sabotage: a rule that calls everything a step must be caught."""
    from mimetic2.threshold import batch, verdict

    monkeypatch.setattr(batch, "decide", lambda fits, tests: verdict.Verdict.STEP)
    assert run(["validate", "--quick", "--check", "--runs", "10", "--workers", "1", "--out", str(tmp_path)]) == 4
