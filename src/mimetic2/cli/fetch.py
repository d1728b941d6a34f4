"""`mimetic2 fetch`: the images behind a sample's links, politely, into a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mimetic2.cli import fetch_options as web


def register(app: typer.Typer) -> None:
    """Add the verb ``fetch``."""
    app.command()(fetch)


def fetch(
    sample: Annotated[Path, typer.Option(help="Sample that `count` wrote (concept, url, caption, multiplicity).")],
    out: Annotated[Path, typer.Option(help="Folder for the images, in img2dataset's layout.")],
    concepts: Annotated[Path | None, typer.Option(help="Concept list: rows of others are not fetched.")] = None,
    block: web.Block = None,
    unsafe_above: web.UnsafeAbove = 0.5,
    retry: Annotated[bool, typer.Option("--retry", help="Ask again for links that failed before.")] = False,
    concurrency: web.Concurrency = 32,
    per_host: web.PerHost = 2,
    timeout: web.Timeout = 30.0,
    max_megabytes: web.MaxMegabytes = 20.0,
    attempts: web.Attempts = 3,
    user_agent: web.UserAgent = None,
    allow_loopback: web.AllowLoopback = False,
    json: Annotated[bool, typer.Option("--json", help="Print the funnel as JSON.")] = False,
) -> None:
    """Fetch a sample's images. Run again to resume."""
    from json import dumps

    from mimetic2.concepts import read_concepts
    from mimetic2.counting.fetching import Blocklist, fetch_sample
    from mimetic2.counting.fetching.client import limits_of
    from mimetic2.tables import read_table

    limits = limits_of(
        concurrency=concurrency,
        per_host=per_host,
        timeout=timeout,
        max_megabytes=max_megabytes,
        attempts=attempts,
        user_agent=user_agent,
        allow_loopback=allow_loopback,
    )
    fetched = fetch_sample(
        read_table(sample, ["concept", "url"]),
        out,
        concepts=[c.name for c in read_concepts(concepts) if not c.minor] if concepts is not None else None,
        block=Blocklist.read(block) if block is not None else None,
        unsafe_above=unsafe_above,
        retry=retry,
        limits=limits,
    )
    if json:
        print(dumps(fetched.funnel, ensure_ascii=False))
        return
    for reason, number in fetched.funnel.items():
        print(f"{number:>9,} {reason}")
