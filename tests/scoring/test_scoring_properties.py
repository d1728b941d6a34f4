"""What must hold of every scoring, whatever the numbers; and standard errors against scipy's bootstrap."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import bootstrap
from test_scoring_scores import rows_of, table

from mimetic2.embedding import EmbeddingTable
from mimetic2.scoring import score_concepts
from mimetic2.scoring.standard_error import standard_error

READOUTS = st.sampled_from(["mean", "csls", "scaled"])
COLUMNS = ("score", "score_se", "null_score", "rivals_better", "excluded")


@st.composite
def worlds(draw):
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    concepts = draw(st.integers(2, 7))
    centres = rng.normal(size=(concepts, 6)) * draw(st.floats(0.5, 5))
    sizes = rng.integers(1, 5, concepts), rng.integers(3, 7, concepts)
    made, real = (
        [(f"c{c}", str(i % 2), i, centres[c] + rng.normal(size=6)) for c in range(concepts) for i in range(number[c])]
        for number in sizes
    )
    return table(made), table(real)


def values(result):
    """Concept → its numbers, floats rounded: the order of a sum may change its last bits."""
    return {
        row["concept"]: [round(v, 9) if isinstance(v, float) else v for v in (row[key] for key in COLUMNS)]
        for row in result.table.iter_rows(named=True)
    }


def reordered(side, order):
    return EmbeddingTable(side.identity, side.frame[order], side.vectors[order])


@settings(max_examples=40)
@given(worlds(), READOUTS, st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(sides, readout, random):
    shuffled = []
    for side in sides:
        order = list(range(side.frame.height))
        random.shuffle(order)
        shuffled.append(reordered(side, order))
    assert values(score_concepts(*shuffled, readout=readout)) == values(score_concepts(*sides, readout=readout))


@settings(max_examples=30)
@given(worlds(), READOUTS)
def test_names_carry_no_meaning(sides, readout):
    """Renamed so that their order is reversed, concepts keep their numbers (all references in, so no draw by name)."""
    renamed = [
        EmbeddingTable(
            side.identity,
            side.frame.with_columns(
                (pl.lit("z") + (9 - pl.col("concept").str.slice(1).cast(pl.Int64)).cast(pl.String)).alias("concept")
            ),
            side.vectors,
        )
        for side in sides
    ]
    before, after = (values(score_concepts(*pair, readout=readout)) for pair in (sides, renamed))
    same = {f"z{9 - int(name[1:])}": numbers for name, numbers in before.items()}
    least = min(len(rows_of(sides[1], name)) for name in before)
    most = max(len(rows_of(sides[1], name)) for name in before)
    for name, numbers in same.items():
        kept = range(5) if least == most else (0, 1, 2, 4)  # ranks use the same number for all, drawn by name
        assert [after[name][place] for place in kept] == [numbers[place] for place in kept]


@settings(max_examples=30)
@given(worlds(), st.integers(0, 10_000))
def test_a_rotation_of_the_space_changes_nothing(sides, seed):
    turn, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(6, 6)))
    turned = [EmbeddingTable(side.identity, side.frame, (side.vectors @ turn).astype(np.float32)) for side in sides]
    for column in ("score", "score_se", "null_score"):
        np.testing.assert_allclose(
            score_concepts(*turned).table[column].cast(pl.Float64),
            score_concepts(*sides).table[column].cast(pl.Float64),
            atol=2e-6,
        )


@settings(max_examples=30)
@given(worlds())
def test_the_null_is_what_others_images_score_against_these_references(sides):
    made, real = sides
    result = score_concepts(made, real).table
    names = result["concept"].to_list()
    for name, null in result.select("concept", "null_score").iter_rows():
        rivals = [other for other in names if other != name]
        others = [np.mean([u @ v for u in rows_of(made, o) for v in rows_of(real, name)]) for o in rivals]
        assert null == pytest.approx(np.mean(others), abs=1e-6)


@settings(max_examples=30)
@given(worlds(), st.data())
def test_one_concept_s_images_move_no_other_concept_s_score_or_rank(sides, data):
    made, real = sides
    name = data.draw(st.sampled_from(sorted(set(made.frame["concept"]))))
    own = (made.frame["concept"] == name).to_numpy()
    vectors = made.vectors.copy()
    vectors[own] = -vectors[own]
    before, after = (
        values(score_concepts(side, real)) for side in (made, EmbeddingTable(made.identity, made.frame, vectors))
    )
    for other in before:
        if other != name:
            assert (before[other][0], before[other][1], before[other][3]) == (
                after[other][0],
                after[other][1],
                after[other][3],
            )


@settings(max_examples=30)
@given(worlds())
def test_scores_are_cosines_and_ranks_are_among_the_rivals(sides):
    result = score_concepts(*sides).table
    assert result["score"].is_between(-1, 1).all()
    assert (result["rivals_better"] <= result["rivals"]).all()
    assert (result["identified"] == (result["rivals_better"] == 0)).all()
    assert (result["score_se"].drop_nulls() >= 0).all()


@pytest.mark.parametrize("side", ["images", "references"])
def test_the_standard_error_of_one_side_is_scipy_s_bootstrap(side):
    """With the other side fixed (equal columns, or equal rows) only one side varies, as the plain bootstrap has it."""
    rng = np.random.default_rng(1)
    sample = rng.normal(0.3, 0.1, 40)
    pairs = np.tile(sample[:, None], (1, 30)) if side == "images" else np.tile(sample, (30, 1))
    drawn = bootstrap((sample,), np.mean, n_resamples=4000, rng=rng, method="percentile").standard_error
    exact = sample.std(ddof=1) / np.sqrt(40)
    found = standard_error(pairs, np.zeros(len(pairs), np.intp))
    assert found == pytest.approx(exact, rel=1e-9)
    assert found == pytest.approx(drawn, rel=0.06)


def test_the_standard_error_of_two_sides_is_scipy_s_bootstrap_less_what_it_counts_twice():
    """Both sides resampled by scipy: the variance is rows + columns + interaction; ours has the interaction once."""
    rng = np.random.default_rng(2)
    rows, columns = rng.normal(0, 0.2, 60), rng.normal(0, 0.15, 50)
    pairs = rows[:, None] + columns + rng.normal(0, 0.05, (60, 50))

    def statistic(images, references, axis=-1):
        both = zip(np.atleast_2d(images).astype(int), np.atleast_2d(references).astype(int), strict=True)
        return np.squeeze([pairs[np.ix_(some, others)].mean() for some, others in both])

    samples = (np.arange(60.0), np.arange(50.0))
    drawn = bootstrap(
        samples, statistic, n_resamples=2000, rng=rng, method="percentile", vectorized=True
    ).standard_error
    assert standard_error(pairs, np.zeros(60, np.intp)) == pytest.approx(drawn, rel=0.06)


def test_prompts_are_fixed_in_the_standard_error_as_in_a_stratified_bootstrap():
    rng = np.random.default_rng(3)
    first, second = rng.normal(0.8, 0.1, 25), rng.normal(0.1, 0.2, 25)
    pairs = np.tile(np.concatenate([first, second])[:, None], (1, 20))

    def statistic(a, b, axis=-1):
        return (a.mean(axis) + b.mean(axis)) / 2

    drawn = bootstrap((first, second), statistic, n_resamples=4000, rng=rng, method="percentile").standard_error
    assert standard_error(pairs, np.repeat([0, 1], 25)) == pytest.approx(drawn, rel=0.06)
