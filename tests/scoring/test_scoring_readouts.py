"""CSLS and the scaled readout against loops by definition; fitness and standard errors against scipy."""

import itertools

import numpy as np
import polars as pl
import pytest
from scipy.stats import t as student_t
from test_scoring_scores import rows_of, table, world

from mimetic2.errors import InputError
from mimetic2.scoring import score_concepts
from mimetic2.scoring.readout import NEIGHBOURS


def mean_pairs(made, real, a, b):
    return float(np.mean([u @ v for u, v in itertools.product(rows_of(made, a), rows_of(real, b))]))


def csls_by_definition(made, real, names):
    """Conneau et al. 2018 with concepts for words: 2 cos - r_references(images) - r_images(references)."""
    fit = {(a, b): mean_pairs(made, real, a, b) for a in names for b in names}
    near_references = {a: np.mean(sorted((fit[a, b] for b in names), reverse=True)[:NEIGHBOURS]) for a in names}
    near_images = {b: np.mean(sorted((fit[a, b] for a in names), reverse=True)[:NEIGHBOURS]) for b in names}
    return {(a, b): 2 * fit[a, b] - near_references[a] - near_images[b] for a in names for b in names}


@pytest.mark.parametrize("concepts", [4, 13])
def test_csls_equals_its_definition(concepts):
    made, real = world(concepts=concepts, images=2, references=3)
    names = [f"c{c}" for c in range(concepts)]
    expected = csls_by_definition(made, real, names)
    for row in score_concepts(made, real, readout="csls").table.iter_rows(named=True):
        own = row["concept"]
        others = [name for name in names if name != own]
        assert row["score"] == pytest.approx(expected[own, own], abs=1e-6)
        assert row["null_score"] == pytest.approx(np.mean([expected[o, own] for o in others]), abs=1e-6)
        assert row["rivals_better"] == sum(expected[own, o] >= expected[own, own] for o in others)


def test_csls_finds_concepts_whose_images_a_hub_attracts():
    """Everybody's images lean to one direction, in which one concept's references lie: by cosine that one attracts."""
    rng = np.random.default_rng(5)
    eye = np.eye(6)
    lean = 1.5 * eye[5]

    def images(centre, number, spread):
        return [centre + rng.normal(0, spread, 6) for _ in range(number)]

    made = table([(f"c{c}", "0", i, v) for c in range(5) for i, v in enumerate(images(eye[c] + lean, 4, 0.05))])
    centres = [*(eye[c] for c in range(4)), eye[4] + lean]
    real = table([(f"c{c}", "", i, v) for c in range(5) for i, v in enumerate(images(centres[c], 4, 0.05))])
    assert score_concepts(made, real).table["identified"].to_list() == [False, False, False, False, True]
    assert score_concepts(made, real, readout="csls").table["identified"].all()


def scaled_by_definition(made, real, own, others):
    real_rows = rows_of(real, own)
    null = np.mean([mean_pairs(made, real, other, own) for other in others])
    ceiling = np.mean([u @ v for u, v in itertools.combinations(real_rows, 2)])
    return (mean_pairs(made, real, own, own) - null) / (ceiling - null)


def test_the_scaled_readout_equals_its_definition():
    made, real = world(strength=6.0)
    names = [f"c{c}" for c in range(6)]
    raw = score_concepts(made, real).table
    for row, plain in zip(
        score_concepts(made, real, readout="scaled").table.iter_rows(named=True),
        raw.iter_rows(named=True),
        strict=True,
    ):
        others = [name for name in names if name != row["concept"]]
        assert row["excluded"] == ""
        assert row["score"] == pytest.approx(scaled_by_definition(made, real, row["concept"], others), abs=1e-5)
        assert row["null_score"] == pytest.approx(0, abs=1e-9)
        assert row["identified"] == plain["identified"]


def test_real_images_scale_to_about_one_and_anybody_s_to_about_zero():
    rng = np.random.default_rng(7)
    centres = rng.normal(size=(8, 6)) * 3
    own = {c: centres[c] if c < 4 else centres[(c + 1) % 8] for c in range(8)}
    made = table([(f"c{c}", "0", i, own[c] + rng.normal(size=6)) for c in range(8) for i in range(40)])
    real = table([(f"c{c}", "", i, centres[c] + rng.normal(size=6)) for c in range(8) for i in range(10)])
    scores = score_concepts(made, real, readout="scaled").table["score"].to_list()
    assert scores[:4] == pytest.approx([1] * 4, abs=0.15)
    assert max(scores[4:7]) < 0.5


def test_a_ceiling_that_is_not_surely_above_the_null_gives_no_scaled_score():
    eye = np.eye(6)
    apart = [("apart", "", i, eye[i]) for i in range(4)]
    tight = [("tight", "", i, eye[5] + 0.1 * eye[i]) for i in range(4)]
    made = table([(name, "0", i, np.ones(6) + 0.1 * eye[i]) for name in ("apart", "tight") for i in range(3)])
    result = score_concepts(made, table(apart + tight), readout="scaled").table
    rows = {row["concept"]: row for row in result.iter_rows(named=True)}
    assert rows["apart"]["excluded"] == "ceiling not surely above the null"
    assert rows["apart"]["score"] is None
    assert rows["tight"]["excluded"] == ""


def test_one_concept_alone_has_no_null_to_scale_by():
    made, real = world(concepts=1)
    assert score_concepts(made, real, readout="scaled").table["excluded"].to_list() == ["no null score to scale by"]


def test_the_error_of_the_scaled_readout_takes_in_the_ceiling():
    """Against a simulation in which images, references and so the ceiling are drawn anew."""
    rng = np.random.default_rng(11)
    centres = rng.normal(size=(5, 6)) * 2
    scores, errors = [], []
    for _ in range(150):
        made = [(f"c{c}", "0", i, centres[c] + 1.5 * rng.normal(size=6)) for c in range(5) for i in range(8)]
        real = [(f"c{c}", "", i, centres[c] + rng.normal(size=6)) for c in range(5) for i in range(8)]
        row = score_concepts(table(made), table(real), readout="scaled").table.row(0, named=True)
        scores.append(row["score"])
        errors.append(row["score_se"])
    assert np.sqrt(np.mean(np.square(errors))) == pytest.approx(np.std(scores), rel=0.2)


def test_the_default_is_the_mean_cosine_and_others_are_named():
    made, real = world()
    assert score_concepts(made, real).readout == "mean"
    assert score_concepts(made, real, readout="csls").to_dict()["readout"] == "csls"
    with pytest.raises(InputError, match="mean, csls, scaled"):
        score_concepts(made, real, readout="median")


@pytest.mark.parametrize("readout", ["mean", "csls", "scaled"])
def test_no_images_at_all_is_no_error(readout):
    made, real = world(concepts=2)
    made = type(made)(made.identity, made.frame[:0], made.vectors[:0])
    assert score_concepts(made, real, readout=readout).table["excluded"].unique().to_list() == ["no generated images"]


def test_prompt_effects_are_differences_within_concepts():
    made, real = world(concepts=7)
    result = score_concepts(made, real)

    def mean(name, prompt):
        return np.mean([u @ v for u in rows_of(made, name)[4 * prompt :][:4] for v in rows_of(real, name)])

    grid = np.array([[mean(f"c{c}", prompt) for prompt in (0, 1)] for c in range(7)])
    effects = grid - grid.mean(1, keepdims=True)
    half = student_t.ppf(0.975, 6) * effects.std(0, ddof=1) / np.sqrt(7)
    table_ = result.prompt_effects
    assert table_["n_concepts"].to_list() == [7, 7]
    np.testing.assert_allclose(table_["effect"], effects.mean(0), atol=1e-6)
    np.testing.assert_allclose(table_["effect_high"] - table_["effect"], half, atol=1e-6)


def test_prompts_that_some_concepts_lack_do_not_bias_the_effects():
    made, real = world(concepts=5)
    keep = ~((made.frame["concept"] == "c0") & (made.frame["prompt"] == "1")).to_numpy()
    fewer = type(made)(made.identity, made.frame.filter(pl.Series(keep)), made.vectors[keep])
    assert score_concepts(fewer, real).prompt_effects["n_concepts"].to_list() == [4, 4]


def test_one_prompt_has_no_effect_to_report():
    made, real = world(concepts=3)
    keep = (made.frame["prompt"] == "0").to_numpy()
    one = type(made)(made.identity, made.frame.filter(pl.Series(keep)), made.vectors[keep])
    assert score_concepts(one, real).prompt_effects.is_empty()


def test_the_null_s_detail_equals_loops():
    made, real = world(concepts=5)
    groups = {f"c{c}": "ab"[c % 2] for c in range(5)}
    nulls = {row["concept"]: row for row in score_concepts(made, real, groups=groups).nulls.iter_rows(named=True)}
    values = {o: mean_pairs(made, real, o, "c0") for o in ("c2", "c4")}
    assert nulls["c0"]["n_others"] == 2
    assert nulls["c0"]["null_sd"] == pytest.approx(np.std(list(values.values()), ddof=1), abs=1e-6)
    assert nulls["c0"]["null_highest"] == pytest.approx(max(values.values()), abs=1e-6)
    assert nulls["c0"]["nearest"] == max(values, key=values.get)
