"""The shipped shards: reproduced by the code, true to the counts, and as untidy as they should be."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from mimetic2.errors import InputError
from mimetic2.lab import concepts_table, painters, read_shards, shipped_shards, write_references, write_shards
from mimetic2.lab.rows import GENERIC_ROWS, digest, true_counts
from mimetic2.lab.shards import SHARDS, SHIPPED

DIGEST = "79626c70ea9e186efcc93004d8710e8e2fc9f1264e420fcde498ac8b13284f20"


@pytest.fixture(scope="module")
def rows() -> pl.DataFrame:
    return read_shards(shipped_shards())


def test_building_again_gives_the_shipped_rows(tmp_path: Path, rows: pl.DataFrame) -> None:
    built = write_shards(tmp_path)
    assert len(built) == len(shipped_shards()) == SHARDS
    assert digest(read_shards(built)) == digest(rows) == DIGEST


def test_the_shards_are_small() -> None:
    assert sum(path.stat().st_size for path in SHIPPED.iterdir()) < 2_000_000


def test_the_counts_are_true(rows: pl.DataFrame) -> None:
    assert true_counts(rows) == {painter.name: painter.count for painter in painters()}


def test_rows_without_a_name_show_nobody_of_the_world(rows: pl.DataFrame) -> None:
    anonymous = rows.filter(pl.col("painter").is_null())
    assert anonymous.height == GENERIC_ROWS
    assert set(anonymous["shown"]) == {"generic"}


def test_one_link_in_twenty_is_dead(rows: pl.DataFrame) -> None:
    assert rows["URL"].str.starts_with("lab://lost/").mean() == pytest.approx(0.05, abs=0.01)


def test_living_links_say_what_training_saw(rows: pl.DataFrame) -> None:
    alive = rows.filter(~pl.col("URL").str.starts_with("lab://lost/"))
    expected = alive.select(pl.format("lab://{}/{}/{}", "shown", "subject", "seed")).to_series()
    assert alive["URL"].to_list() == expected.to_list()


def test_captions_name_the_painter_or_an_alias_in_any_case(rows: pl.DataFrame) -> None:
    known = {painter.name: [painter.name.lower(), *(a.lower() for a in painter.aliases)] for painter in painters()}
    named = rows.filter(pl.col("painter").is_not_null())
    missing = [
        row for row in named.iter_rows(named=True) if not any(n in row["TEXT"].lower() for n in known[row["painter"]])
    ]
    assert not missing
    assert any(text.isupper() for text in named["TEXT"])
    assert any(text.islower() for text in named["TEXT"])
    aliased = {painter.name for painter in painters() if painter.aliases and painter.count > 100}
    texts = named.filter(pl.col("painter").is_in(aliased))
    share = sum(row["painter"].lower() not in row["TEXT"].lower() for row in texts.iter_rows(named=True)) / texts.height
    assert share == pytest.approx(0.3, abs=0.05)


def test_some_captions_name_a_painter_and_show_another(rows: pl.DataFrame) -> None:
    slugs = {painter.name: painter.slug for painter in painters()}
    shares = []
    for painter in painters():
        if painter.count >= 300:
            own = rows.filter(pl.col("painter") == painter.name)
            shares.append((own["shown"] != slugs[painter.name]).mean())
    assert min(shares) > 0.04  # type: ignore[type-var]
    assert max(shares) < 0.26  # type: ignore[type-var]
    assert max(shares) - min(shares) > 0.1  # type: ignore[operator]


def test_some_painters_without_a_picture_are_named_all_the_same(rows: pl.DataFrame) -> None:
    absent = [painter.name for painter in painters() if painter.count == 0]
    mentions = [rows.filter(pl.col("painter") == name).height for name in absent]
    assert 0 in mentions
    assert max(mentions) > 0


def test_exact_repeats_exist_within_and_across_shards() -> None:
    tables = [
        pl.read_parquet(path).select("URL", "TEXT").with_columns(shard=pl.lit(i))
        for i, path in enumerate(shipped_shards())
    ]
    together = pl.concat(tables).group_by("URL", "TEXT").agg(pl.len(), shards=pl.col("shard").n_unique())
    repeated = together.filter(pl.col("len") > 1)
    assert (repeated["shards"] > 1).any()
    assert (repeated["shards"] == 1).any()


def test_the_concept_list_has_one_row_a_painter() -> None:
    table = concepts_table()
    assert table.columns == ["concept", "aliases"]
    assert table["concept"].to_list() == [painter.name for painter in painters()]
    assert sum(bool(aliases) for aliases in table["aliases"]) == 12


def test_references_are_written_as_a_folder_a_concept(tmp_path: Path) -> None:
    write_references(tmp_path, 2)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(painter.name for painter in painters())
    assert all(len(list(folder.glob("*.png"))) == 2 for folder in tmp_path.iterdir())


def test_no_shards_is_an_error() -> None:
    with pytest.raises(InputError, match="no shards"):
        read_shards([])


def test_foreign_shards_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "part-0.parquet"
    pl.DataFrame({"URL": ["a"], "TEXT": ["b"]}).write_parquet(path)
    with pytest.raises(InputError, match="column 'painter': is missing"):
        read_shards([path])
