"""`mimetic2 concepts`: check a concept list, choose from it, invent names that occur nowhere."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from mimetic2.concepts import Concept

_Concepts = Annotated[Path, typer.Option(help="Concept list: CSV, JSON lines or Parquet.")]
_Captions = Annotated[list[str] | None, typer.Option(help="File, folder or glob of captions; may be given again.")]
_TextColumn = Annotated[str | None, typer.Option(help="Column of the captions (default: TEXT, caption, …).")]
_Json = Annotated[bool, typer.Option("--json", help="Print the chosen concepts as JSON.")]


def register(app: typer.Typer) -> None:
    """Add the verbs ``concepts check``, ``concepts sample`` and ``concepts controls``."""
    concepts = typer.Typer(no_args_is_help=True, help="Check a concept list, choose from it, invent controls.")
    concepts.command()(check)
    concepts.command()(sample)
    concepts.command()(controls)
    app.add_typer(concepts, name="concepts")


def check(
    concepts: _Concepts,
    captions: _Captions = None,
    common: Annotated[float, typer.Option(min=0, max=1, help="Share of captions from which a name is common.")] = 0.001,
    text_column: _TextColumn = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Find duplicates, shared aliases, names inside names, letters not folded and, in captions, common words."""
    import json
    import tempfile

    from mimetic2.concepts import read_concepts
    from mimetic2.concepts.checking import check_concepts

    listed = read_concepts(concepts)
    with tempfile.TemporaryDirectory() as folder:
        counts = Path(folder) / "mentions.csv"
        found = check_concepts(listed, captions or (), common=common, out=counts, text_column=text_column)
    if as_json:
        print(json.dumps(found.to_dicts(), indent=2, ensure_ascii=False))
        return
    for kind, name, other, detail in found.iter_rows():
        print(f"{kind}: {name}{f' and {other}' if other else ''}: {detail}")
    print(f"{len(listed)} concepts, {len(found)} findings")


def sample(
    concepts: _Concepts,
    counts: Annotated[Path, typer.Option(help="Table with the columns concept and count (or mentions).")],
    number: Annotated[int, typer.Option(min=1, help="How many concepts to choose.")],
    out: Annotated[Path, typer.Option(help="Concept list to write.")],
    bins: Annotated[int, typer.Option(min=1, help="Bins of log10(1 + count).")] = 10,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the choice.")] = 0,
    as_json: _Json = False,
) -> None:
    """Choose concepts evenly over the logarithm of their counts, reproducibly."""
    from mimetic2.concepts import read_concepts
    from mimetic2.concepts.choosing import sample_concepts
    from mimetic2.countstable import read_counts
    from mimetic2.files import keep_inputs
    from mimetic2.tables import check_ending, names, numbers, read_table

    check_ending(out)
    keep_inputs([out], [concepts, counts])
    table = read_table(counts, ["concept"])
    column = "count" if "count" in table.columns else "mentions"
    table = read_counts(counts) if column == "count" else read_table(counts, ["concept", column])
    values = numbers(table, column, file=counts, minimum=0, missing=True)
    known = {name: value for name, value in zip(names(table, file=counts), values, strict=True) if value is not None}
    chosen = sample_concepts(read_concepts(concepts), known, number, bins=bins, seed=seed)
    _write(chosen, out, f"{len(chosen)} concepts: {out}", as_json)


def controls(
    concepts: _Concepts,
    number: Annotated[int, typer.Option(min=1, help="How many names to invent.")],
    out: Annotated[Path, typer.Option(help="Concept list to write.")],
    captions: _Captions = None,
    group: Annotated[str | None, typer.Option(help="Group of the controls.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the names.")] = 0,
    text_column: _TextColumn = None,
    as_json: _Json = False,
) -> None:
    """Invent names like those of the list that are not in it and, with captions, in no caption."""
    import tempfile

    from mimetic2.concepts import read_concepts
    from mimetic2.concepts.controls import invent_controls
    from mimetic2.counting.captions import find_shards
    from mimetic2.files import keep_inputs
    from mimetic2.tables import check_ending

    check_ending(out)
    keep_inputs([out], [concepts, *(find_shards(captions, quiet=True) if captions else ())])
    listed = read_concepts(concepts)
    with tempfile.TemporaryDirectory() as folder:
        counts = Path(folder) / "mentions.csv"
        invented = invent_controls(
            listed, number, seed=seed, captions=captions or (), out=counts, group=group, text_column=text_column
        )
    checked = "in no caption" if captions else "not looked for in captions"
    _write(invented, out, f"{len(invented)} invented names, {checked}: {out}", as_json)


def _write(concepts: Sequence[Concept], out: Path, said: str, as_json: bool) -> None:
    """Write a list, and print the sentence about it or, as JSON, what it names."""
    import json
    from dataclasses import asdict

    from mimetic2.concepts import write_concepts

    write_concepts(out, concepts)
    if not as_json:
        print(said)
        return
    rows = [asdict(each) for each in concepts]
    print(json.dumps([{"concept": row.pop("name")} | row for row in rows], indent=2, ensure_ascii=False))
