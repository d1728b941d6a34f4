"""`mimetic2 fetch`: the images behind a sample's links, politely, into a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the verb ``fetch``."""
    app.command()(fetch)


def fetch(
    sample: Annotated[Path, typer.Option(help="Sample that `count` wrote (concept, url, caption, multiplicity).")],
    out: Annotated[Path, typer.Option(help="Folder for the images, in img2dataset's layout.")],
    concepts: Annotated[Path | None, typer.Option(help="Concept list: rows of others are not fetched.")] = None,
    block: Annotated[Path | None, typer.Option(help="Links, MD5 or SHA-256 that are not fetched or kept.")] = None,
    unsafe_above: Annotated[
        float, typer.Option(min=0, max=1, help="Rows with a higher punsafe or NSFW are not fetched.")
    ] = 0.5,
    retry: Annotated[bool, typer.Option("--retry", help="Ask again for links that failed before.")] = False,
    concurrency: Annotated[int, typer.Option(min=1, help="Requests at once.")] = 32,
    per_host: Annotated[int, typer.Option(min=1, help="Requests at once for one host.")] = 2,
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds for one request.")] = 30.0,
    max_megabytes: Annotated[float, typer.Option(min=0.001, help="Larger files are not fetched.")] = 20.0,
    attempts: Annotated[int, typer.Option(min=1, help="Attempts per link.")] = 3,
    user_agent: Annotated[str | None, typer.Option(help="What hosts are told who asks; add a contact.")] = None,
    allow_loopback: Annotated[
        bool, typer.Option("--allow-loopback", help="Allow this machine's own servers; never private networks.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the funnel as JSON.")] = False,
) -> None:
    """Fetch a sample's images. Run again to resume."""
    from json import dumps

    from mimetic2.concepts import read_concepts
    from mimetic2.counting.fetching import Blocklist, Limits, fetch_sample
    from mimetic2.counting.fetching.client import USER_AGENT
    from mimetic2.tables import read_table

    limits = Limits(
        concurrency=concurrency,
        per_host=per_host,
        timeout=timeout,
        max_bytes=round(max_megabytes * 1e6),
        attempts=attempts,
        user_agent=user_agent or USER_AGENT,
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
