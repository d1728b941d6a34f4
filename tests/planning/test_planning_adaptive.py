"""Whole adaptive studies with known truth: intervals hold it, few images do, and no score is favoured."""

from __future__ import annotations

import dataclasses

import numpy as np
import polars as pl
import pytest

from mimetic2.validation.adaptive import PAPER, RULES, WORLDS, simulate_rules


def rows_of(table: pl.DataFrame) -> dict[str, dict[str, float]]:
    return {row["rule"]: row for row in table.iter_rows(named=True)}


@pytest.mark.parametrize("world", [WORLDS[0], WORLDS[3]], ids=lambda world: world.name)
def test_few_images_reach_the_interval_of_a_thousand(world) -> None:
    found = rows_of(simulate_rules(dataclasses.replace(world, n=80), 12, seed=3))
    assert set(found) == set(RULES)
    assert found[PAPER]["images"] == 1
    adaptive = found["adaptive"]
    assert adaptive["images"] < 0.05
    assert adaptive["ratio"] < 1.25
    assert adaptive["coverage"] >= 0.75
    assert abs(adaptive["score_error"]) < 4 * world.within(np.zeros(1))[0] / np.sqrt(12 * 80 * 10)


def test_where_images_do_help_they_are_made() -> None:
    noisy = dataclasses.replace(WORLDS[4], n=80)
    found = rows_of(simulate_rules(noisy, 6, seed=3))
    assert found["adaptive"]["images"] > 0.1
    assert found["adaptive, budget 5 %"]["images"] == pytest.approx(0.05, abs=1e-3)
    assert found["2 a prompt"]["ratio"] > found["adaptive"]["ratio"]


@pytest.mark.slow
@pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.name)
def test_coverage_under_the_rule(world) -> None:
    runs = 100
    found = rows_of(simulate_rules(world, runs, seed=1))
    for rule in ("adaptive", "adaptive, budget 5 %"):
        assert found[rule]["coverage"] >= 0.93 - 2 * np.sqrt(0.93 * 0.07 / runs), rule
