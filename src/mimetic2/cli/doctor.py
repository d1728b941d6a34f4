"""`mimetic2 doctor`: what is ready on this machine, and what to do about the rest."""

from __future__ import annotations

from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the verb ``doctor``."""
    app.command()(doctor)


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say what is ready here: devices, extras, models and embedders, with licences and hashes."""
    import json
    from dataclasses import asdict

    from mimetic2.readiness import examine

    findings = examine()
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
