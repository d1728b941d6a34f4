"""`mimetic2 doctor`: what is ready on this machine, and what to do about the rest."""

from __future__ import annotations

from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the verb ``doctor``."""
    app.command()(doctor)


def doctor(
    embedder: Annotated[str | None, typer.Option(help="Look at this embedder only.")] = None,
    weights: Annotated[str | None, typer.Option(help="With these weights of your own: file, folder or hub id.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say what is ready here: devices, extras, models and embedders, with licences and hashes."""
    import json
    from dataclasses import asdict

    from mimetic2.errors import InputError
    from mimetic2.readiness import examine, examine_embedder

    if weights is not None and embedder is None:
        raise InputError("--weights needs --embedder")
    findings = examine() if embedder is None else [examine_embedder(embedder, weights)]
    if as_json:
        print(json.dumps({"schema_version": 1, "findings": [asdict(each) for each in findings]}, indent=2))
        return
    width = max(len(each.name) for each in findings)
    kind = ""
    for each in findings:
        if each.kind != kind:
            kind = each.kind
            print(f"{kind}s")
        print(f"  {each.state:<10} {each.name:<{width}}  {each.detail}".rstrip())
        if each.remedy:
            print(f"  {'':<10} {'':<{width}}  -> {each.remedy}")
