"""The options about fetching that several verbs share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Block = Annotated[Path | None, typer.Option(help="Links, MD5 or SHA-256 that are not fetched or kept.")]
UnsafeAbove = Annotated[float, typer.Option(min=0, max=1, help="Rows with a higher punsafe or NSFW are not fetched.")]
Concurrency = Annotated[int, typer.Option(min=1, help="Requests at once.")]
PerHost = Annotated[int, typer.Option(min=1, help="Requests at once for one host.")]
Timeout = Annotated[float, typer.Option(min=0.1, help="Seconds for one request.")]
MaxMegabytes = Annotated[float, typer.Option(min=0.001, help="Larger files are not fetched.")]
Attempts = Annotated[int, typer.Option(min=1, help="Attempts per link.")]
UserAgent = Annotated[str | None, typer.Option(help="What hosts are told who asks; add a contact.")]
AllowLoopback = Annotated[
    bool, typer.Option("--allow-loopback", help="Allow this machine's own servers; never private networks.")
]
