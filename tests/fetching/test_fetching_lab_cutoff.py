"""The lab's stored cut-off is what calibration gives, and it counts the lab's painters rightly."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from mimetic2.counting.calibration import calibrate
from mimetic2.counting.correction import ErrorRates
from mimetic2.counting.effective import effective_counts
from mimetic2.counting.lab_pairs import REFERENCES, lab_pairs
from mimetic2.counting.sources import source_of
from mimetic2.counting.verification import verify_sample
from mimetic2.domains import load_domain
from mimetic2.embedding import get_embedder
from mimetic2.lab import painters, read_shards, shipped_shards, write_references

pytest.importorskip("torch")
STORED = load_domain("lab").cutoffs[0]


@pytest.mark.slow
def test_the_stored_cut_off_is_reproduced() -> None:
    result = calibrate(lab_pairs(get_embedder("style-lite"), "max_cosine", seed=0))
    assert result.cutoff == pytest.approx(STORED.value, abs=1e-4)
    assert STORED.rates is not None
    assert result.rates == ErrorRates(**STORED.rates.model_dump())
    assert STORED.references == REFERENCES


def _count(number: int, per_concept: int, folder: Path) -> pl.DataFrame:
    """Counts of every ``number``-th painter with rising count, from at most ``per_concept`` sampled pairs each."""
    chosen = sorted((painter for painter in painters() if painter.count), key=lambda painter: painter.count)[::number]
    names = pl.DataFrame({"concept": [p.name for p in chosen], "true": [p.count for p in chosen]})
    rows = read_shards(shipped_shards()).rename({"painter": "concept", "URL": "url"})
    mentions = names.join(rows.group_by("concept").len("mentions"), on="concept", how="left", maintain_order="left")
    pairs = rows.group_by("concept", "url", "TEXT").len("multiplicity").join(names, on="concept", how="semi")
    order = pairs.with_columns(pl.struct("url", "TEXT").hash(7).alias("order")).sort("order", "url", "TEXT")
    sample = order.group_by("concept", maintain_order=True).head(per_concept)
    write_references(folder / "reference", REFERENCES)
    embedder = get_embedder("style-lite")
    verified = verify_sample(sample, source_of(None), embedder, folder / "reference", domain=load_domain("lab"))
    return effective_counts(mentions, verified)


@pytest.mark.slow
def test_the_labs_painters_are_counted(tmp_path: Path) -> None:
    table = _count(3, 60, tmp_path).filter(pl.col("status") == "ok")
    covered = table.select(pl.col("true").is_between("count_low", "count_high").mean()).item()
    assert covered >= 0.9
    ratio = table.filter(pl.col("true") >= 20).select((pl.col("count") / pl.col("true")).mean()).item()
    assert ratio == pytest.approx(1, abs=0.05)
