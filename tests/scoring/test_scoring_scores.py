"""Scores against brute-force loops, scipy and simulation."""

import itertools
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import hypergeom
from scipy.stats import t as student_t

from mimetic2.embedding import DECODER, EmbeddingTable, Identity
from mimetic2.errors import InputError
from mimetic2.scoring import rank1_among, reference_centre, score_concepts, similarity
from mimetic2.scoring.standard_error import standard_error
from mimetic2.scoring.student import quantile

SHARED = Path(__file__).resolve().parents[2].parent / "shared"


def table(rows, *, centred=False, dim=6, version="1"):
    """rows: (concept, prompt, index, vector or reason)."""
    vectors = np.full((len(rows), dim), np.nan, np.float32)
    reasons = []
    for place, (*_, value) in enumerate(rows):
        reasons.append(value if isinstance(value, str) else None)
        if not isinstance(value, str):
            vectors[place] = value if centred else value / np.linalg.norm(value)
    frame = pl.DataFrame(
        {
            "concept": [row[0] for row in rows],
            "prompt": [row[1] for row in rows],
            "index": [row[2] for row in rows],
            "path": [f"{row[0]}/{row[1]}/{row[2]}.png" for row in rows],
            "sha256": [f"{place:064x}" for place in range(len(rows))],
            "reason": pl.Series(reasons, dtype=pl.String),
            "fingerprint": pl.Series([None] * len(rows), dtype=pl.Binary),
        }
    )
    return EmbeddingTable(Identity("test", version, "0" * 64, DECODER, dim, centred), frame, vectors)


def world(seed=0, concepts=6, images=4, references=5, centred=False, strength=2.0):
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(concepts, 6)) * strength
    made = [
        (f"c{c}", str(p), i, centres[c] + rng.normal(size=6))
        for c in range(concepts)
        for p in range(2)
        for i in range(images)
    ]
    real = [(f"c{c}", "", i, centres[c] + rng.normal(size=6)) for c in range(concepts) for i in range(references)]
    return table(made, centred=centred), table(real, centred=centred)


def rows_of(tab, name, centre=None):
    vectors = [
        v
        for v, c, r in zip(tab.vectors, tab.frame["concept"], tab.frame["reason"], strict=True)
        if c == name and r is None
    ]
    vectors = [np.asarray(v, float) - (0 if centre is None else centre) for v in vectors]
    return [v / np.linalg.norm(v) for v in vectors]


@pytest.mark.parametrize("centred", [False, True])
def test_score_null_and_rank_equal_plain_loops(centred):
    made, real = world(centred=centred)
    result = score_concepts(made, real)
    centre = reference_centre(real)
    names = [f"c{c}" for c in range(6)]

    def mean_pairs(a, b):
        return np.mean([u @ v for u, v in itertools.product(rows_of(made, a, centre), rows_of(real, b, centre))])

    for row in result.table.iter_rows(named=True):
        own = row["concept"]
        rivals = [mean_pairs(own, other) for other in names if other != own]
        assert row["score"] == pytest.approx(mean_pairs(own, own), abs=1e-6)
        assert row["null_score"] == pytest.approx(np.mean([mean_pairs(o, own) for o in names if o != own]), abs=1e-6)
        assert row["identified"] == (row["score"] > max(rivals))
    better = dict(result.identification.select("concept", "better").iter_rows())
    assert better == dict(result.table.select("concept", "rivals_better").iter_rows())
    assert set(result.table["rivals"]) == {5}
    assert better["c0"] == sum(mean_pairs("c0", o) >= mean_pairs("c0", "c0") for o in names[1:])


def test_null_stays_within_the_group():
    made, real = world()
    groups = {f"c{c}": "ab"[c % 2] for c in range(6)}
    result = score_concepts(made, real, groups=groups)
    expected = np.mean([u @ v for o in ("c2", "c4") for u in rows_of(made, o) for v in rows_of(real, "c0")])
    assert result.table["null_score"][0] == pytest.approx(expected, abs=1e-6)


def test_fitness_equals_plain_loops():
    made, real = world(strength=0.7)
    fitness = score_concepts(made, real).fitness
    own, others = rows_of(real, "c0"), [v for c in range(1, 6) for v in rows_of(real, f"c{c}")]

    def gap(mine):
        same = np.mean([u @ v for u, v in itertools.combinations(mine, 2)])
        return same - np.mean([u @ v for u in mine for v in others])

    assert fitness["gap"][0] == pytest.approx(gap(own), abs=1e-6)
    without = np.array([gap(own[:i] + own[i + 1 :]) for i in range(5)])
    error = np.sqrt(4 / 5 * ((without - without.mean()) ** 2).sum())
    assert fitness["gap_high"][0] == pytest.approx(gap(own) + student_t.ppf(0.975, 4) * error, abs=1e-6)
    assert set(fitness["rank1"].to_list()) <= {i / 5 for i in range(6)}


def test_concepts_whose_references_disagree_are_flagged_and_can_be_left_out():
    eye = np.eye(6)
    tight = [("near", "", i, eye[0] + 0.01 * eye[i]) for i in range(1, 5)]
    spread = [("far", "", i, eye[0] + s * 3 * eye[i]) for i, s in ((1, 1), (2, 1), (3, 1), (4, 1), (5, 1))]
    real = table(tight + spread)
    made = table([(name, "0", i, eye[0] + 0.1 * eye[i]) for name in ("near", "far") for i in range(3)])
    flagged = score_concepts(made, real)
    assert dict(flagged.fitness.select("concept", "not_separated").iter_rows()) == {"near": False, "far": True}
    reasons = dict(score_concepts(made, real, exclude_unfit=True).table.select("concept", "excluded").iter_rows())
    assert reasons == {"near": "", "far": "not separated"}


def test_missing_is_missing():
    made, real = world(concepts=3)
    extra = table(
        [
            *[
                (n, p, i, v)
                for n, p, i, v in zip(
                    *[made.frame[k] for k in ("concept", "prompt", "index")], made.vectors, strict=True
                )
            ],
            ("blind", "0", 0, "no face found"),
            ("ghost", "0", 0, np.ones(6)),
            ("poor", "0", 0, np.ones(6)),
        ]
    )
    refs = table(
        [
            *[
                (n, p, i, v)
                for n, p, i, v in zip(
                    *[real.frame[k] for k in ("concept", "prompt", "index")], real.vectors, strict=True
                )
            ],
            *[("blind", "", i, np.eye(6)[i]) for i in range(3)],
            *[("poor", "", i, np.eye(6)[i]) for i in range(2)],
        ]
    )
    concepts = [
        SimpleNamespace(name=name, group=None, control=name == "ghost", minor=name == "c2")
        for name in ("c0", "c1", "c2", "blind", "ghost", "poor", "nobody")
    ]
    counts = pl.DataFrame(
        {"concept": ["c0", "c1", "c2", "blind", "ghost", "poor", "nobody"], "count": [5, None, 1, 2, 0, 3, 4]}
    )
    result = score_concepts(extra, refs, counts=counts, concepts=concepts)
    assert dict(result.table.select("concept", "excluded").iter_rows()) == {
        "c0": "",
        "c1": "count missing",
        "c2": "minor",
        "blind": "no face found",
        "ghost": "control without references",
        "poor": "fewer than 3 reference images",
        "nobody": "no generated images",
    }
    scores = dict(result.table.select("concept", "score").iter_rows())
    assert {name for name, score in scores.items() if score is not None} == {"c0", "c1"}
    assert result.controls["concept"].to_list() == ["ghost"]
    assert result.excluded["reason"].to_list() == ["no face found"]


def test_other_concepts_and_row_order_change_no_score():
    made, real = world()
    order = np.random.default_rng(1).permutation(made.frame.height)
    shuffled = EmbeddingTable(made.identity, made.frame[order], made.vectors[order])
    both = [score_concepts(side, real, references=3, seed=4).table for side in (made, shuffled)]
    assert both[0].equals(both[1])
    keep = made.frame["concept"].is_in(["c0", "c1"]).to_numpy()
    few = EmbeddingTable(made.identity, made.frame.filter(pl.Series(keep)), made.vectors[keep])
    fewer = score_concepts(few, real, references=3, seed=4).table
    assert fewer["score"].to_list()[:2] == both[0]["score"].to_list()[:2]


def test_standard_error_is_right_on_average():
    rng = np.random.default_rng(3)
    scores, errors = [], []
    for _ in range(600):
        prompt = np.repeat([0.3, -0.3], 8)
        rows = rng.normal(0, 0.2, 16) + prompt
        pairs = rows[:, None] + rng.normal(0, 0.2, 6) + rng.normal(0, 0.3, (16, 6))
        scores.append(pairs.mean())
        errors.append(standard_error(pairs, np.repeat([0, 1], 8)) ** 2)
    assert np.mean(errors) == pytest.approx(np.var(scores), rel=0.15)


def test_a_single_image_borrows_the_spread_between_images_of_the_others():
    made, real = world(concepts=3)
    keep = ((made.frame["concept"] != "c0") | ((made.frame["prompt"] == "0") & (made.frame["index"] == 0))).to_numpy()
    few = EmbeddingTable(made.identity, made.frame.filter(pl.Series(keep)), made.vectors[keep])
    variances = []
    for name in ("c1", "c2"):
        means = np.array([np.mean([u @ v for v in rows_of(real, name)]) for u in rows_of(made, name)]).reshape(2, 4)
        variances.append(means.var(1, ddof=1).mean())
    columns = np.array([rows_of(few, "c0")[0] @ v for v in rows_of(real, "c0")])
    expected = np.sqrt(np.mean(variances) + columns.var(ddof=1) / 5)
    assert score_concepts(few, real).table["score_se"][0] == pytest.approx(expected, abs=1e-6)


def test_variances_equal_plain_loops():
    made, real = world(concepts=3)
    for name, variance, freedom, reference in score_concepts(made, real, references=5).variances.iter_rows():
        pairs = np.array([[u @ v for v in rows_of(real, name)] for u in rows_of(made, name)])
        assert variance == pytest.approx(pairs.mean(1).reshape(2, 4).var(1, ddof=1).mean(), abs=1e-6)
        assert reference == pytest.approx(pairs.mean(0).var(ddof=1) / 5, abs=1e-6)
        assert freedom == 6


def test_standard_error_of_one_image_is_unknown():
    assert np.isnan(standard_error(np.ones((1, 5)), np.zeros(1, np.intp)))


@given(st.integers(1, 60), st.floats(0.5, 0.999))
def test_student_quantiles_equal_scipy(df, level):
    assert quantile(level, df) == pytest.approx(student_t.ppf((1 + level) / 2, df), rel=1e-8)


@given(st.integers(19, 400), st.data())
def test_rank1_among_20_is_a_hypergeometric_chance(rivals, data):
    better = data.draw(st.integers(0, rivals))
    assert rank1_among(rivals, better) == pytest.approx(hypergeom(rivals, better, 19).pmf(0), rel=1e-6, abs=1e-12)


def test_rank1_among_20_needs_19_rivals():
    assert rank1_among(18, 0) is None


def test_similarity_equals_loops_and_checks_its_input():
    rng = np.random.default_rng(0)
    images, refs = rng.normal(size=(4, 6)), rng.normal(size=(3, 6))
    cosines = np.array([[a @ b / np.linalg.norm(a) / np.linalg.norm(b) for b in refs] for a in images])
    np.testing.assert_allclose(similarity(images, refs, "max_cosine"), cosines.max(1))
    np.testing.assert_allclose(similarity(images, refs, "mean_cosine"), cosines.mean(1))
    with pytest.raises(InputError, match="max_cosine, mean_cosine"):
        similarity(images, refs, "median")
    with pytest.raises(InputError, match="no usable reference"):
        similarity(images, np.full((2, 6), np.nan))


def test_vectors_of_other_embedders_are_not_mixed():
    made, real = world()
    with pytest.raises(InputError, match="not comparable"):
        score_concepts(made, table([("c0", "", 0, np.ones(6))], version="2"))
    with pytest.raises(InputError, match="too few"):
        score_concepts(made, real, references=2)


def test_near_duplicates_are_reported_apart():
    made, real = world(concepts=2)
    mark = bytes(range(32))
    frames = [side.frame.with_columns(pl.lit(None, pl.Binary).alias("fingerprint")) for side in (made, real)]
    frames = [
        f.with_columns(pl.when(pl.int_range(pl.len()) == 0).then(pl.lit(mark)).alias("fingerprint")) for f in frames
    ]
    sides = [EmbeddingTable(s.identity, f, s.vectors) for s, f in zip((made, real), frames, strict=True)]
    assert score_concepts(*sides).near_duplicates.select("concept", "bits").rows() == [("c0", 0)]


def test_saved_scores_have_six_decimals(tmp_path):
    score_concepts(*world()).save(tmp_path / "scores.csv")
    header, first = (tmp_path / "scores.csv").read_text().splitlines()[:2]
    assert header.split(",") == [
        *("concept", "count", "score", "score_se", "null_score", "identified", "n_generated", "n_reference"),
        *("excluded", "rivals_better", "rivals", "not_separated"),
    ]
    assert all(len(cell.split(".")[1]) == 6 for cell in first.split(",")[2:5])
    assert first.split(",")[5] in ("true", "false")


@pytest.mark.slow
def test_real_faces_give_the_figures_of_an_independent_script():
    data = SHARED / "data" / "sd11-celebrities"
    if not data.is_dir():
        pytest.skip("the celebrities' images are not here")
    pytest.importorskip("dlib")
    from scipy.stats import spearmanr

    from mimetic2.embedding import embed_images, find_images, get_embedder
    from mimetic2.tables import read_table

    tool, counts = get_embedder("dlib-face"), read_table(data / "counts.csv")
    sides = [
        embed_images(find_images(data / side, counts["concept"].to_list()), tool) for side in ("generated", "reference")
    ]
    scores = score_concepts(*sides, counts=counts).table
    assert spearmanr(scores["count"], scores["score"]).statistic == pytest.approx(0.84, abs=0.01)
    hits = [
        scores.filter(pl.col("count").is_between(*span))["identified"].sum()
        for span in ((0, 129), (130, 134), (135, 10**9))
    ]
    assert hits == [3, 1, 12]


def test_folders_alone_are_matched_as_with_a_list(tmp_path):
    """Without list and counts the references' spelling holds; a concept without a count then has no reason."""
    from PIL import Image

    from mimetic2.scoring.folders import score

    rng = np.random.default_rng(3)
    for side, folder in (("reference", "Ada Keller"), ("generated", "ada-keller"), ("generated", "bo")):
        for index in range(4):
            path = tmp_path / side / folder / f"{index}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(rng.integers(0, 255, (16, 16, 3), np.uint8)).save(path)
    result = score(tmp_path / "generated", tmp_path / "reference", "style-lite").table
    assert dict(result.select("concept", "excluded").iter_rows()) == {
        "Ada Keller": "",
        "bo": "no usable reference images",
    }
    assert result["n_generated"].to_list() == [4, 4]


def test_too_few_references_are_counted_as_they_are():
    made, real = world()
    few = real.frame["concept"].to_list().index("c2")
    keep = [i for i, name in enumerate(real.frame["concept"]) if name != "c2" or i == few]
    less = EmbeddingTable(real.identity, real.frame[keep], real.vectors[keep])
    row = score_concepts(made, less).table.filter(pl.col("concept") == "c2").row(0, named=True)
    assert (row["n_reference"], row["excluded"]) == (1, "fewer than 3 reference images")
