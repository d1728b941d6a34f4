"""Plans: what they cost, what they rest on, that simulation knows the truth, and the command."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from planned import N, write, write_run

import mimetic2
from mimetic2.cli.main import run as command
from mimetic2.errors import InputError
from mimetic2.planning.assumptions import Given
from mimetic2.planning.plan import make_plan
from mimetic2.planning.power import rate_error, simulate
from mimetic2.planning.scenarios import supposed
from mimetic2.planning.text import as_text
from mimetic2.threshold import threshold_of

RUNS = 4


def test_counts_alone_give_cost_and_power(folder: Path) -> None:
    plan = mimetic2.make_plan(folder / "study.yaml", runs=RUNS)
    assert plan.cost.images == plan.cost.most == N * 5 * 4
    # by hand: 25 steps/s, 50 steps an image of the model that the rate is for
    assert plan.cost.hours == pytest.approx(1200 * 50 / 25 / 3600)
    assert plan.cost.gigabytes == pytest.approx(1200 * 512 * 512 * 1.6 / 1e9)
    assert any("ASSUMED" in rate for rate in plan.cost.rates)
    assert plan.basis.verdict is None
    assert "22 celebrities" in plan.basis.noise.source
    assert {60, 90} <= {row.concepts for row in plan.growth.power} <= {60, 90, 120, 180}
    assert {row.truth for row in plan.growth.power} == {"flat", "linear", "ramp", "step"}
    for row in plan.growth.power:
        assert sum(row.rates.values()) == pytest.approx(1)
        assert row.right + row.wrong + row.rates["undecided"] == pytest.approx(1)
    assert sum(row.add for row in plan.growth.proposal) == plan.growth.more
    assert plan.growth.more in {30, 60, 120}
    assert json.dumps(plan.to_dict(), allow_nan=False)
    text = as_text(plan)
    assert "images to generate  1,200" in text
    assert f"proposal: {plan.growth.more} further concepts" in text
    assert "what they change" in text


def test_a_given_speed_replaces_the_assumption(folder: Path) -> None:
    plan = make_plan(folder / "study.yaml", runs=RUNS, images_per_second=2.0)
    assert plan.cost.hours == pytest.approx(1200 / 2 / 3600)
    assert "speed: 2 images/s, as given" in plan.cost.rates


def test_adaptive_images_are_expected_from_variances(folder: Path) -> None:
    write(folder, model="sd-1.5", images=2, adaptive={"most": 50, "budget": 1000})
    plan = make_plan(folder / "study.yaml", runs=RUNS)
    assert (plan.cost.images, plan.cost.most) == (1000, 1000)
    write(folder, model="sd-1.5", images=2, adaptive={"most": 50})
    plan = make_plan(folder / "study.yaml", runs=RUNS)
    # by hand from the faces' components: .020² / (.05 (.019² + .004²)) = 21.2 images, 5 for each of 5 prompts
    assert (plan.cost.images, plan.cost.most, plan.images) == (60 * 25, 60 * 250, 25)
    assert "1,500 (expected; at most 15,000)" in as_text(plan)


def test_given_images_cost_nothing(folder: Path) -> None:
    for name, number in (("c1", 3), ("c2", 5)):
        (folder / "generated" / name).mkdir(parents=True)
        for index in range(number):
            (folder / "generated" / name / f"{index}.png").touch()
    write(folder, generated="generated")
    plan = make_plan(folder / "study.yaml", runs=RUNS)
    assert plan.images == 4
    assert (plan.cost.images, plan.cost.hours) == (0, None)
    assert (plan.precision, plan.useful) == ((), None)
    text = as_text(plan)
    assert "nothing to generate" in text
    assert "images a concept" not in text
    assert "per prompt" not in text
    for options in ({"budget": 100}, {"images_per_second": 2.0}):
        with pytest.raises(InputError, match="the study's images are given: none are made"):
            make_plan(folder / "study.yaml", runs=RUNS, **options)


def test_a_run_is_the_pilot(folder: Path) -> None:
    write_run(folder)
    plan = make_plan(folder / "study.yaml", runs=RUNS)
    assert plan.basis.noise.between == pytest.approx(0.1, rel=0.25)
    assert plan.basis.noise.within == pytest.approx(np.full(N, 0.2), rel=0.15)
    assert plan.basis.verdict == threshold_of(folder / "study-run/scores.csv").verdict == "step"
    step = [row for row in plan.growth.power if row.truth == "step"]
    assert all("at 9" in row.words or "at 1" in row.words for row in step)
    assert step[-1].right >= 0.9
    assert plan.useful == pytest.approx(0.04 / (0.05 * (plan.basis.noise.between**2 + 0.0004)), rel=0.1)
    # a millionth image cannot undo what concepts differ by
    assert plan.precision[-1].wider == pytest.approx(0, abs=1e-9)
    assert [row.wider for row in plan.precision] == sorted((row.wider for row in plan.precision), reverse=True)


def test_a_run_without_variances_still_has_noise(folder: Path) -> None:
    run = write_run(folder, variances=False)
    plan = make_plan(folder / "study.yaml", run=run, runs=RUNS)
    assert plan.precision == ()
    assert plan.useful is None
    assert plan.basis.noise.between == pytest.approx(np.hypot(0.1, 0.2 / np.sqrt(20)), rel=0.25)
    assert "the images' share is unknown" in as_text(plan)


def test_an_undecided_run_and_its_plan_say_the_same(folder: Path) -> None:
    for seed in range(20):
        run = write_run(folder, "weak", seed=seed)
        result = threshold_of(run / "scores.csv")
        if result.verdict == "undecided" and "at least" in result.sentence:
            break
        for path in sorted(run.rglob("*"), reverse=True):
            path.unlink() if path.is_file() else path.rmdir()
        run.rmdir()
    else:
        pytest.fail("no undecided run among twenty weak ones")
    line = next(
        line for line in as_text(make_plan(folder / "study.yaml", runs=RUNS)).splitlines() if "at least" in line
    )
    assert line in result.sentence


def test_a_budget_limits_what_is_proposed(folder: Path) -> None:
    plan = make_plan(folder / "study.yaml", runs=RUNS, budget=20 * 70)
    assert plan.affordable == 70
    assert {row.concepts for row in plan.growth.power} == {60, 70}
    assert sum(row.add for row in plan.growth.proposal) == 10
    poor = make_plan(folder / "study.yaml", runs=RUNS, budget=20)
    assert (poor.affordable, poor.growth.more, poor.growth.proposal) == (1, 0, ())


def test_more_concepts_are_narrower_and_more_often_right() -> None:
    rows = []
    for n in (40, 160, 640):
        counts = 10 ** np.linspace(0, 3.5, n)
        scenario = supposed(counts, 0.3)[3]
        assert scenario.shape == "step"
        rows.append(simulate(counts, np.full(n, 0.2), scenario, runs=30, seed=1, level=0.95))
    assert rows[0].right <= rows[1].right <= rows[2].right
    assert rows[2].right >= 0.9
    assert rows[1].factor > rows[2].factor


def test_growing_ends_where_every_rise_is_told(folder: Path) -> None:
    certain = make_plan(folder / "study.yaml", runs=30, given=Given(between=0.001, within=0.002, rise=0.9)).growth
    assert {row.concepts for row in certain.power} == {N, 90}
    assert (certain.more, certain.enough_now, certain.enough) == (30, True, True)
    hopeless = make_plan(folder / "study.yaml", runs=RUNS, given=Given(between=5.0)).growth
    assert {row.concepts for row in hopeless.power} == {N, 90, 120, 180}
    assert (hopeless.more, hopeless.enough_now, hopeless.enough) == (30, False, False)


@pytest.mark.parametrize("hits", [0, 7, 30])
def test_the_error_of_a_rate_is_that_of_many_simulations(hits: int) -> None:
    # of rates near hits/30; a rate of 0 or 1 is as uncertain as if two more studies had come out each way
    share = (hits + 2) / 34
    rates = np.random.default_rng(1).binomial(34, share, 20_000) / 34
    assert rate_error(hits, 30) == pytest.approx(rates.std(), rel=0.03)


def test_progress_counts_every_study_once() -> None:
    counts, seen = 10 ** np.linspace(0, 3, 20), []
    simulate(counts, np.full(20, 0.2), supposed(counts, 0.3)[0], runs=25, seed=1, level=0.95, advance=seen.append)
    assert seen == [10, 10, 5]


def test_simulated_studies_know_their_truth() -> None:
    counts = 10 ** np.linspace(0, 3.5, 300)
    for scenario in supposed(counts, 0.6):
        row = simulate(counts, np.full(300, 0.1), scenario, runs=20, seed=0, level=0.95)
        assert row.right >= 0.9, scenario.words
    same = simulate(counts, np.full(300, 0.1), supposed(counts, 0.6)[2], runs=20, seed=0, level=0.95)
    assert same == simulate(counts[::-1], np.full(300, 0.1), supposed(counts, 0.6)[2], runs=20, seed=0, level=0.95)


def test_given_noise_and_rise_replace_the_assumed_ones(folder: Path) -> None:
    path = folder / "study.yaml"
    quiet = make_plan(path, runs=RUNS, given=Given(between=0.001, within=0.002, rise=0.9))
    assert [row.right for row in quiet.growth.power if row.concepts == N and row.truth in ("step", "linear")] == [1, 1]
    assert quiet.basis.noise.source.endswith("; as given: between 0.001, within 0.002")
    assert "a rise of 0.9: as given" in quiet.basis.scenarios_source
    loud = make_plan(path, runs=RUNS, given=Given(between=5.0))
    assert all(row.right == 0 for row in loud.growth.power if row.truth == "step")
    run = write_run(folder)
    assert make_plan(path, runs=RUNS, given=Given(within=0.4)).useful == pytest.approx(
        4 * make_plan(path, runs=RUNS).useful, rel=0.15
    )
    with pytest.raises(InputError, match="a rise cannot be given"):
        make_plan(path, run=run, runs=RUNS, given=Given(rise=0.1))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"runs": 0}, "runs is 0; accepted: a whole number from 1"),
        ({"runs": "x"}, "runs is str 'x'"),
        ({"budget": -1}, "budget is -1"),
        ({"images_per_second": 0}, "the speed is 0"),
        ({"images_per_second": "fast"}, "the speed is str 'fast'"),
    ],
)
def test_numbers_that_make_no_plan(folder: Path, options: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        make_plan(folder / "study.yaml", **options)


@pytest.mark.parametrize("given", [{"between": -1.0}, {"between": 0}, {"rise": 0.0}, {"within": -1}, {"rise": "x"}])
def test_noise_that_cannot_be(given: dict[str, object]) -> None:
    with pytest.raises(InputError):
        Given(**given)


def test_concepts_not_counted_yet_are_assumed(folder: Path) -> None:
    (folder / "captions.csv").write_text("TEXT,URL\na,b\n")
    (folder / "concepts.csv").write_text("concept,minor\n" + "".join(f"c{i},{i == 0}\n".lower() for i in range(31)))
    write(folder, counts=None, captions="captions.csv", concepts="concepts.csv", model="lab", domain="lab")
    plan = make_plan(folder / "study.yaml", runs=RUNS)
    assert "ASSUMED" in plan.basis.counts_source
    assert plan.cost.concepts == 30
    assert plan.cost.to_fetch == 3000


def test_mentions_say_what_is_fetched(folder: Path) -> None:
    (folder / "captions.csv").write_text("TEXT,URL\na,b\n")
    (folder / "concepts.csv").write_text("concept\nc1\n")
    write(folder, counts=None, captions="captions.csv", concepts="concepts.csv", model="lab", domain="lab", sample=50)
    (folder / "study-run").mkdir()
    pl.read_csv(folder / "counts.csv").with_columns(pl.lit(30).alias("mentions")).write_csv(
        folder / "study-run/counts.csv"
    )
    assert make_plan(folder / "study.yaml", runs=RUNS).cost.to_fetch == 30 * N


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ("concept,count\na,1\n", "has 1 concepts with a count, .* accepted: 8 concepts and 5 distinct"),
        ("concept,count\n" + "".join(f"c{i},7\n" for i in range(20)), "has 20 concepts with a count, 1 of them"),
        ("concept,count\na,x\n", r"row 2: column 'count': is not a number"),
    ],
)
def test_counts_that_carry_no_threshold(folder: Path, counts: str, message: str) -> None:
    (folder / "counts.csv").write_text(counts)
    with pytest.raises(InputError, match=message):
        make_plan(folder / "study.yaml", runs=RUNS)


def test_a_run_that_is_none(folder: Path) -> None:
    with pytest.raises(InputError, match=r"holds no scores\.csv"):
        make_plan(folder / "study.yaml", run=folder, runs=RUNS)
    run = write_run(folder)
    table = pl.read_csv(run / "score/variances.csv")
    table.filter(pl.col("concept") != "c7").write_csv(run / "score/variances.csv")
    with pytest.raises(InputError, match=r"variances\.csv: has no row for 'c7'"):
        make_plan(folder / "study.yaml", runs=RUNS)


def test_the_command_prints_text_and_json(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(["plan", str(folder / "study.yaml"), "--runs", "10"]) == 0
    text = capsys.readouterr().out
    assert text.startswith("planned: 60 concepts, 5 prompts\n")
    assert command(["plan", str(folder / "study.yaml"), "--runs", "10", "--json", "--budget", "1300"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["schema_version"] == 1
    assert document["affordable_concepts"] == 65
    assert document["cost"]["images"] == 1200
    assert command(["plan", str(folder / "none.yaml")]) == 2
    assert "no such file" in capsys.readouterr().err
