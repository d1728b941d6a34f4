"""The paper's score against a direct loop over section 6 of its description, and its rules one by one."""

import math
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_scoring_scores import table

from mimetic2.errors import InputError
from mimetic2.scoring.paper import ART, FACES, paper_scores, prompt_score


def cosine(a, b):
    return sum(x * y for x, y in zip(a, b, strict=True)) / (math.hypot(*a) * math.hypot(*b))


def score_by_loops(prompts, training, curated, least):
    """Steps 1 to 6 for one concept; ``prompts`` is a list of lists of vectors, None for an image without a vector."""
    rows = training if len(training) >= least else curated
    values = []
    for images in prompts:
        images = [image for image in images if image is not None]
        if not images:
            values.append(0.0)
            continue
        means = [sum(cosine(row, image) for image in images) / len(images) for row in rows]
        best = sorted(range(len(rows)), key=lambda r: means[r])[::-1][:10]
        block = [cosine(rows[r], image) for r in best for image in images]
        values.append(sum(block) / len(block))
    return sum(values) / len(values), values


def worlds(seed, n_training, n_curated=6, prompts=3, images=4):
    rng = np.random.default_rng(seed)
    made, training, curated = {}, {}, {}
    for concept, number in n_training.items():
        centre = rng.normal(size=6)
        made[concept] = [[centre + rng.normal(size=6) for _ in range(images)] for _ in range(prompts)]
        training[concept] = [centre + rng.normal(size=6) for _ in range(number)]
        curated[concept] = [centre + rng.normal(size=6) for _ in range(n_curated)]
    return made, training, curated


def tables_of(made, training, curated):
    return (
        table(
            [
                (c, str(p), i, "no face found" if v is None else v)
                for c, prompts in made.items()
                for p, images in enumerate(prompts)
                for i, v in enumerate(images)
            ]
        ),
        table([(c, "", i, v) for c, rows in curated.items() for i, v in enumerate(rows)]),
        table([(c, "", i, v) for c, rows in training.items() for i, v in enumerate(rows)]),
    )


@settings(max_examples=25)
@given(st.integers(0, 10_000), st.integers(0, 25), st.sampled_from([FACES, ART]), st.data())
def test_scores_equal_the_loops(seed, number, rules, data):
    made, training, curated = worlds(seed, {"a": number, "b": 30})
    for concept in made:
        for images in made[concept]:
            for place in data.draw(st.sets(st.integers(0, 3))):
                images[place] = None
    result = paper_scores(*tables_of(made, training, curated), rules=rules)
    for row in result.table.iter_rows(named=True):
        name = row["concept"]
        expected, values = score_by_loops(made[name], training[name], curated[name], rules.least_training)
        assert row["score"] == pytest.approx(expected, abs=1e-6)
        assert row["prompt_sd"] == pytest.approx(np.std(values, ddof=1), abs=1e-6)
        assert row["prompts_at_zero"] == values.count(0.0)
        own = result.prompts.filter(pl.col("concept") == name)
        np.testing.assert_allclose(own["score"], values, atol=1e-6)


@pytest.mark.parametrize(
    ("rules", "number", "kind"),
    [(FACES, 9, "curated"), (FACES, 10, "training"), (ART, 10, "curated"), (ART, 11, "training")],
)
def test_training_images_from_ten_faces_on_and_from_more_than_ten_pictures(rules, number, kind):
    result = paper_scores(*tables_of(*worlds(1, {"a": number})), rules=rules)
    assert result.table["compared_with"].to_list() == [kind]
    assert result.table["n_reference"].to_list() == [number if kind == "training" else 6]


def test_a_concept_none_of_whose_images_has_one_face_scores_zero_and_one_without_images_is_missing():
    made, training, curated = worlds(2, {"a": 12, "b": 12})
    made["a"] = [[None] * 4 for _ in range(3)]
    counts = pl.DataFrame({"concept": ["a", "b", "c"], "count": [3, 4, 5]})
    rows = {
        row["concept"]: row
        for row in paper_scores(*tables_of(made, training, curated), counts=counts).table.iter_rows(named=True)
    }
    assert (rows["a"]["score"], rows["a"]["excluded"]) == (0.0, "")
    assert (rows["c"]["score"], rows["c"]["excluded"]) == (None, "no generated images")


@pytest.mark.parametrize(("number", "reason"), [(4, "fewer than 5 reference images"), (5, "")])
def test_faces_need_five_curated_references(number, reason):
    made, training, curated = worlds(3, {"a": 2}, n_curated=number)
    assert paper_scores(*tables_of(made, training, curated)).table["excluded"].to_list() == [reason]
    assert paper_scores(*tables_of(made, training, curated), rules=ART).table["excluded"].to_list() == [""]


def test_prompts_weigh_the_same_however_many_images_they_kept():
    made, training, curated = worlds(4, {"a": 20})
    made["a"][0] = [made["a"][0][0], None, None, None]
    expected, _ = score_by_loops(made["a"], training["a"], curated["a"], 10)
    assert paper_scores(*tables_of(made, training, curated)).table["score"][0] == pytest.approx(expected, abs=1e-6)


def test_without_training_images_every_concept_falls_back():
    made, training, curated = worlds(5, {"a": 20, "b": 0})
    generated, references, _ = tables_of(made, training, curated)
    result = paper_scores(generated, references)
    assert set(result.table["compared_with"]) == {"curated"}
    assert result.to_dict()["compared_with"] == {"curated": 2}


def test_ties_come_in_the_reverse_of_the_list_for_faces_and_by_mentions_and_name_for_art():
    made, training, curated = worlds(6, dict.fromkeys("abcd", 12))
    sides = tables_of(made, training, curated)
    concepts = [SimpleNamespace(name=name, group=None, control=False, minor=False) for name in "cadb"]
    counts = pl.DataFrame({"concept": list("abcd"), "count": [0] * 4, "mentions": ["7", "2", "7", ""]})
    faces = paper_scores(*sides, counts=counts, concepts=concepts).table
    art = paper_scores(*sides, counts=counts, concepts=concepts, rules=ART).table
    assert faces["concept"].to_list() == list("bdac")
    assert art["concept"].to_list() == list("dbac")


def test_the_mean_of_the_top_ten_grows_with_the_number_of_images_on_noise():
    rng = np.random.default_rng(0)
    images = rng.normal(size=(50, 64))
    images /= np.linalg.norm(images, axis=1, keepdims=True)
    noise = rng.normal(size=(5000, 64))
    noise /= np.linalg.norm(noise, axis=1, keepdims=True)
    few, many = prompt_score(images, noise[:10]), prompt_score(images, noise)
    sd = (noise @ images.mean(0)).std()
    assert few == pytest.approx(0, abs=sd)
    assert many == pytest.approx(3.1 * sd, rel=0.1)


def test_tables_of_other_weights_are_refused_but_other_face_rules_are_not():
    from dataclasses import replace

    generated, curated, training = tables_of(*worlds(7, {"a": 12}))
    ok = type(training)(replace(training.identity, options="faces=all"), training.frame, training.vectors)
    assert paper_scores(generated, curated, ok).table["score"].null_count() == 0
    other = type(training)(replace(training.identity, weights_sha256="1" * 64), training.frame, training.vectors)
    with pytest.raises(InputError, match="not comparable"):
        paper_scores(generated, curated, other)
