"""What a distrustful statistician found in the answers: each test states one objection that no longer holds."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import t as student_t

from mimetic2.errors import InputError
from mimetic2.threshold import SideColumns, find_threshold, threshold_of
from mimetic2.threshold.digits import decimals
from mimetic2.threshold.intervals import from_count, hansen_critical, ramp_midpoint, step_interval
from mimetic2.threshold.rise_bound import rise_bound, student_quantile
from mimetic2.threshold.shapes import Design
from mimetic2.threshold.text import prediction_text
from mimetic2.threshold.weights import concept_weights

FRACTIONS = st.floats(0, 50, allow_nan=False).map(lambda value: round(value, 2))


@settings(max_examples=200, deadline=None)
@given(
    counts=st.lists(FRACTIONS, min_size=8, max_size=30, unique=True),
    place=st.integers(1, 7),
    noise=st.integers(0, 2**31),
)
def test_a_step_lies_inside_its_interval_whatever_fractions_the_counts_are(
    counts: list[float], place: int, noise: int
) -> None:
    ordered = np.sort(np.array(counts))
    rng = np.random.default_rng(noise)
    scores = 0.3 * (np.arange(len(ordered)) >= place) + rng.normal(0, 0.1, len(ordered))
    design = Design(ordered)
    fit = design.fit(scores)["step"]
    found = step_interval(design, scores, fit, 0.95, rng, 19)
    assert found.low <= from_count(design, fit.column) <= found.high


def test_the_threshold_of_fractional_counts_is_the_first_whole_number_of_the_upper_level() -> None:
    counts = np.concatenate([np.linspace(0, 8, 15), [10.3], [10.45], np.geomspace(12, 5000, 15)])
    found = find_threshold(counts, 0.5 * (counts >= 10.4), draws=99)
    assert (found.threshold, found.interval) == (11, (11, 11))
    assert found.shapes is not None
    assert found.shapes["step"]["count"] == 11
    near = next(row for row in found.assumptions if row["name"] == "counts near the threshold")
    assert "there are 11 concepts below and 4 from it on" in near["finding"]


def _study(seed: int, noise: float, n: int = 400, most: float = 4) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    counts = np.sort(np.round(10 ** rng.uniform(0, most, n)))
    return counts, np.log10(1 + counts), rng.normal(0, noise, n)


def test_half_of_the_rise_is_said_only_where_foot_and_top_are_seen() -> None:
    counts, x, noise = _study(0, 0.03)
    cut_off = find_threshold(counts, 0.5 * np.exp(1.9 * (x - 4)) + noise, draws=99)
    assert cut_off.threshold_kind == "midpoint"
    assert cut_off.interval is None
    assert "; half of the rise is reached" not in cut_off.sentence
    assert "its top lies beyond the observed counts" in cut_off.sentence
    seen = cut_off.details["half_of_rise_seen"]
    half = np.mean([cut_off.predict(count).score for count in (counts[0], counts[-1])])
    assert cut_off.predict(seen).score == pytest.approx(half, abs=0.02)  # the program's own curve agrees
    counts, x, noise = _study(0, 0.05)
    whole = find_threshold(counts, 0.3 / (1 + np.exp(-(x - 2) / 0.25)) + noise, draws=99)
    assert "; half of the rise is reached at about" in whole.sentence
    assert whole.details["beyond_counts"] == []


@pytest.mark.parametrize("middle", [0.7, 1.5, 2.5, 3.3])
def test_the_half_seen_is_where_the_fitted_ramp_is_halfway_between_its_ends(middle: float) -> None:
    counts, x, noise = _study(1, 0.01)
    design = Design(counts)
    scores = 1 / (1 + np.exp(-(x - middle) / 0.3)) + noise
    fit = design.fit(scores)["ramp"]
    found = ramp_midpoint(design, scores, fit, 0.95)
    halfway = np.interp((fit.levels[0] + fit.levels[-1]) / 2, fit.levels, design.x)
    assert np.log10(1 + found.half_seen) == pytest.approx(halfway, abs=0.05)  # whole counts
    assert ("foot" in found.beyond) == (middle < 0.9)
    assert ("top" in found.beyond) == (middle > 3.4)


def test_a_hump_is_told_and_is_not_said_to_be_more_above() -> None:
    rng = np.random.default_rng(0)
    counts = np.round(10 ** rng.uniform(0, 4, 120))
    hump = np.where((counts > 50) & (counts < 1000), 0.3, 0) + rng.normal(0, 0.05, 120)
    found = find_threshold(counts, hump, draws=99)
    assert found.verdict == "step"
    assert "above it more" not in found.sentence
    assert "it also falls" in found.sentence
    assert any(warning.startswith("the score does not only rise") for warning in found.warnings)
    rising = find_threshold(counts, 0.3 * (counts > 50) + rng.normal(0, 0.05, 120), draws=99)
    assert "above it more" in rising.sentence
    assert not any("only rise" in warning for warning in rising.warnings)


def test_the_warning_of_unequal_variances_names_the_critical_value_that_was_used() -> None:
    kinds = set()
    for seed in range(4):
        rng = np.random.default_rng(seed)
        counts = np.sort(np.round(10 ** rng.uniform(0, 4.5, 120)))
        spread = 0.02 + 0.2 * (counts > 2000) if seed % 2 else 0.05 + 0.03 * np.log10(1 + counts)
        found = find_threshold(counts, 0.5 * (counts >= 200) + rng.normal(0, 1, 120) * spread, draws=199)
        if not found.details.get("unequal_variances"):
            continue
        bootstrap = found.details["critical_value"] > hansen_critical(0.95) + 1e-6
        (warning,) = (text for text in found.warnings if "variance" in text)
        assert ("has a wild bootstrap's critical value" in warning) == bootstrap
        kinds.add(bootstrap)
    assert kinds


def test_the_finding_on_equal_variance_says_what_the_tests_draw() -> None:
    counts, x, noise = _study(2, 0.05, 60)
    found = find_threshold(counts, 0.1 * x + noise, draws=99)
    finding = next(row["finding"] for row in found.assumptions if row["name"] == "equal variance")
    assert "own scatter" not in finding
    assert "nearest" in finding


@settings(max_examples=50, deadline=None)
@given(st.lists(st.sampled_from([0.0, 0.01, 0.02, 0.05]), min_size=20, max_size=20).filter(any))
def test_weights_are_finite_however_many_standard_errors_are_zero(errors: list[float]) -> None:
    rng = np.random.default_rng(3)
    counts = np.arange(1.0, 21)
    weights, tau2 = concept_weights(counts, 0.3 * (counts > 9) + rng.normal(0, 0.02, 20), np.array(errors))
    assert np.isfinite(weights).all()
    assert (weights > 0).all()
    assert tau2 >= 0
    assert weights.max() / weights.min() <= (10 * max(errors) / min(e for e in errors if e > 0)) ** 2 + 1e-6


TABLE = "".join(f"c{row},{10 * row},{0.01 * row}" + "{more}\n" for row in range(12))


@pytest.mark.parametrize(
    ("columns", "more", "says"),
    [
        (",rivals,rivals_better", ",5,6", "row 2: column 'rivals_better': is greater than rivals (6 > 5)"),
        (",rivals,rivals_better", ",30,0.5", "row 2: column 'rivals_better': is not whole"),
        (",count_low", ",0", "row 2: column 'count_high': is missing beside a count_low"),
        (",count_low,count_high", ",,200", "row 2: column 'count_low': is missing beside a count_high"),
        (",score_se", ",1_0", "row 2: column 'score_se': is not a number ('1_0')"),
    ],
)
def test_what_a_table_says_of_itself_must_be_possible(tmp_path: Path, columns: str, more: str, says: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text(f"concept,count,score{columns}\n" + TABLE.format(more=more))
    with pytest.raises(InputError) as caught:
        threshold_of(path)
    assert str(caught.value).startswith(f"{path}: {says}")


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ("".join(f"c{row},0,0.1\n" for row in range(12)), "column 'count': has 1 distinct count among the rows"),
        ("a,1,0.1\n", "has 1 row with a score"),
    ],
)
def test_too_little_data_is_told_with_the_file(tmp_path: Path, rows: str, says: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text(f"concept,count,score\n{rows}")
    with pytest.raises(InputError) as caught:
        threshold_of(path)
    assert str(caught.value).startswith(f"{path}: {says}")


def _true_rise(kind: str, x: np.ndarray) -> np.ndarray:
    if kind == "ramp":
        return 0.15 / (1 + np.exp(-(x - 3.2) / 0.2))
    if kind == "few high counts":
        return 0.2 * (x > 3.85)
    return 0.2 * (x > 0.5)


@pytest.mark.parametrize("kind", ["few high counts", "few low counts", "ramp"])
@pytest.mark.parametrize("noise", ["even", "rising"])
def test_the_bound_holds_wherever_the_true_rise_lies(kind: str, noise: str) -> None:
    wrong = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        counts = np.sort(np.round(10 ** rng.uniform(0, 4, 44)))
        x = np.log10(1 + counts)
        mean = _true_rise(kind, x)
        scores = mean + 0.1 * rng.normal(0, 1, 44) * (0.5 + x / 4 if noise == "rising" else 1)
        design = Design(counts)
        bound = rise_bound(design, scores, 0.95)
        rise = mean[-1] - mean[0]
        middle = int(np.searchsorted(mean, mean[0] + rise / 2))
        inside = min(middle, 44 - middle) >= bound.beside
        wrong += bound.anywhere < rise or (inside and bound.inner < rise)
        assert bound.inner <= bound.anywhere
        step = design.fit(scores)["step"]
        assert bound.anywhere >= step.gain  # what the program's own step rises is never excluded
    assert wrong <= 4  # of 60: 97.5 % and more are wanted


def test_equal_scores_exclude_nothing() -> None:
    found = find_threshold(np.arange(20), np.full(20, 0.4))
    assert found.verdict == "none"
    assert "excludes" in found.sentence
    assert "0.000" not in found.sentence


def test_the_sentence_of_no_rise_names_both_bounds_rounded_up() -> None:
    rng = np.random.default_rng(1)
    found = find_threshold(np.round(10 ** rng.uniform(0, 4, 40)), rng.normal(0, 0.05, 40), draws=99)
    assert found.verdict == "none"
    inner, anywhere = found.details["largest_rise"], found.details["largest_rise_anywhere"]
    said = [float(number) for number in re.findall(r"more than (0\.\d+)", found.sentence)]
    assert len(said) == 2
    assert all(0 <= number - bound < 0.0011 for number, bound in zip(said, (inner, anywhere), strict=True))


@pytest.mark.parametrize("freedom", [6, 9, 28, 102])
@pytest.mark.parametrize("probability", [0.75, 0.975, 0.995])
def test_students_quantile(freedom: int, probability: float) -> None:
    assert student_quantile(probability, freedom) == pytest.approx(student_t.ppf(probability, freedom), rel=2e-3)


COUNTS = np.arange(0, 120, 10.0)


@pytest.mark.parametrize(
    ("low", "high", "says"),
    [
        (COUNTS + 1, COUNTS + 9, "row 1: column 'count_low': leaves the count outside (1, the count is 0)"),
        (COUNTS - 0, COUNTS - 1, "row 1: column 'count_high': leaves the count outside (-1, the count is 0)"),
        (COUNTS - 0, None, "row 1: column 'count_high': is missing beside the other end"),
    ],
)
def test_a_count_lies_in_its_interval_also_in_python(low: np.ndarray, high: np.ndarray | None, says: str) -> None:
    beside = SideColumns(count_low=low, count_high=high)
    with pytest.raises(InputError, match=re.escape(says)):
        find_threshold(COUNTS, 0.01 * COUNTS, beside=beside)


def test_counts_beyond_every_data_set_are_refused() -> None:
    with pytest.raises(InputError, match="row 12: column 'counts': is too large"):
        find_threshold(COUNTS * 1e20, 0.01 * COUNTS)


@pytest.mark.parametrize("unit", [1e-9, 1e-4, 1.0])
def test_predictions_show_scores_of_any_size(unit: float) -> None:
    rng = np.random.default_rng(1)
    counts = np.round(10 ** rng.uniform(0, 4, 60))
    scores = 0.3 * (counts >= 150) + rng.normal(0, 0.05, 60)
    found = find_threshold(counts, scores * unit, null_score=rng.normal(0, 0.02, 60) * unit, draws=99)
    at = found.predict(300)
    assert at.score == pytest.approx(0.3 * unit, rel=0.1)
    assert at.score_interval is not None
    assert at.score_interval[0] < at.score < at.score_interval[1]
    assert "0.000" not in prediction_text(at, 0.95)
    assert found.null_band is not None
    assert found.null_band.high > 0.01 * unit
    assert found.shapes is not None
    assert found.shapes["step"]["top"] == pytest.approx(0.3 * unit, rel=0.1)


@settings(max_examples=200, deadline=None)
@given(st.floats(-1, 1), st.integers(-30, 2), st.floats(0.01, 1))
def test_decimals_keep_four_digits_of_the_range_and_never_less_than_six(base: float, power: int, span: float) -> None:
    places = decimals([base, base + span * 10.0**power])
    assert places >= 6
    if power > -10:
        assert places == 6 or 10.0**-places <= 1.1e-3 * span * 10.0**power
