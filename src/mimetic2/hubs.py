"""What the name of a repository on the Hugging Face hub looks like; nothing here asks the hub."""

from __future__ import annotations

import re

_HUB_ID = re.compile(r"\w[\w.-]*/\w[\w.-]*")


def is_hub_id(text: str) -> bool:
    """Whether ``text`` reads ``owner/name``; ``./folder`` and ``../folder`` do not."""
    return _HUB_ID.fullmatch(text) is not None
