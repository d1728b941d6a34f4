"""How often a caption file is tried: network drives and object stores fail now and then, and mend."""

from __future__ import annotations

import time
from collections.abc import Iterator

from mimetic2.progress import log

ATTEMPTS = 3
PAUSE_SECONDS = 0.2


def attempts() -> Iterator[int]:
    """Count the attempts from 0, with a growing pause before each but the first."""
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(PAUSE_SECONDS * 4**attempt)
        yield attempt


def tell_unreadable(shard: str, reason: str | None) -> None:
    """Say that a file was given up."""
    log(f"{shard}: cannot be read ({reason}), tried {ATTEMPTS} times")
