"""`mimetic2 concepts`: check a concept list, choose from it, invent names that occur nowhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

_Concepts = Annotated[Path, typer.Option(help="Concept list: CSV, JSON lines or Parquet.")]
_Captions = Annotated[list[str] | None, typer.Option(help="File, folder or glob of captions; may be given again.")]


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
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Find duplicates, shared aliases, names inside names, letters not folded and, in captions, common words."""
    import json
    import tempfile

    from mimetic2.concepts import read_concepts
    from mimetic2.concepts.checking import check_concepts

    listed = read_concepts(concepts)
    with tempfile.TemporaryDirectory() as folder:
        found = check_concepts(listed, captions or (), common=common, out=Path(folder) / "mentions.csv")
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
) -> None:
    """Choose concepts evenly over the logarithm of their counts, reproducibly."""
    from mimetic2.concepts import read_concepts, write_concepts
    from mimetic2.concepts.choosing import sample_concepts
    from mimetic2.tables import names, numbers, read_table

    table = read_table(counts, ["concept"])
    column = "count" if "count" in table.columns else "mentions"
    table = read_table(counts, ["concept", column])
    values = numbers(table, column, file=counts, minimum=0, missing=True)
    known = {name: value for name, value in zip(names(table, file=counts), values, strict=True) if value is not None}
    chosen = sample_concepts(read_concepts(concepts), known, number, bins=bins, seed=seed)
    write_concepts(out, chosen)
    print(f"{len(chosen)} concepts: {out}")


def controls(
    concepts: _Concepts,
    number: Annotated[int, typer.Option(min=1, help="How many names to invent.")],
    out: Annotated[Path, typer.Option(help="Concept list to write.")],
    captions: _Captions = None,
    group: Annotated[str | None, typer.Option(help="Group of the controls.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the names.")] = 0,
) -> None:
    """Invent names like those of the list that are not in it and, with captions, in no caption."""
    import tempfile

    from mimetic2.concepts import read_concepts, write_concepts
    from mimetic2.concepts.controls import invent_controls

    listed = read_concepts(concepts)
    with tempfile.TemporaryDirectory() as folder:
        counts = Path(folder) / "mentions.csv"
        invented = invent_controls(listed, number, seed=seed, captions=captions or (), out=counts, group=group)
    write_concepts(out, invented)
    checked = "in no caption" if captions else "not looked for in captions"
    print(f"{len(invented)} invented names, {checked}: {out}")
