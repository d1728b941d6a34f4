"""What a concept is called on the page: its name, made printable, or a code.

Codes are numbers in the order of a keyed hash. The key is random and stays in the run directory (mode 0600), so that
the codes are the same whenever the report is written again, and nobody who has only the page can work the names out
by hashing candidates. Counts may still single a concept out for somebody who has the same tables; the page says so.
"""

from __future__ import annotations

import hmac
import os
import re
import secrets
import unicodedata
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from mimetic2.files import folder_name

KEY_FILE = ".pseudonyms.key"
# First strong isolate and pop: a right-to-left name must not reorder the words around it.
_ISOLATE, _POP = "\u2068", "\u2069"


def printable(text: str) -> str:
    """``text`` with control characters and bidirectional overrides shown as a replacement character."""
    return "".join("\ufffd" if _is_control(character) else character for character in text)


def isolated(text: str) -> str:
    """``text`` between isolating marks, for places that take no markup (titles, alternative texts)."""
    return f"{_ISOLATE}{text}{_POP}"


def _is_control(character: str) -> bool:
    category = unicodedata.category(character)
    return category in ("Cc", "Cs") or character in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


class Labels:
    """Names as the page may show them.

    ``mask`` is for sentences of other rooms (warnings, reasons, commands): under pseudonyms every name and alias in
    them, in any case and as a folder's name, becomes its code.
    """

    def __init__(
        self, names: Iterable[str], *, key: bytes | None = None, aliases: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        distinct = sorted(set(names))
        self.pseudonyms = key is not None
        if key is None:
            self._labels = {name: printable(name) for name in distinct}
            self._pattern = None
            return
        order = sorted(distinct, key=lambda name: hmac.digest(key, name.encode("utf-8", "surrogatepass"), "sha256"))
        width = max(3, len(str(len(order))))
        self._labels = {name: f"C{number:0{width}d}" for number, name in enumerate(order, 1)}
        spellings = dict(self._labels)
        spellings.update({alias: self._labels[name] for alias, name in aliases.items() if name in self._labels})
        self._codes: dict[str, str] = {}
        for name, code in spellings.items():
            for spelling in (name, printable(name), folder_name(name), name.replace(" ", "_"), name.replace(" ", "-")):
                self._codes.setdefault(spelling.casefold(), code)
        longest_first = sorted(filter(None, self._codes), key=len, reverse=True)
        body = "|".join(re.escape(spelling) for spelling in longest_first) or r"(?!)"
        self._pattern = re.compile(rf"(?<!\w)(?:{body})(?!\w)", re.IGNORECASE)

    def __getitem__(self, name: str) -> str:
        return self._labels[name]

    def mask(self, text: Any) -> str:
        """Free text as the page may show it."""
        plain = printable(str(text).replace("\n", " "))
        if self._pattern is None:
            return plain
        return self._pattern.sub(lambda found: self._codes.get(found.group().casefold(), "a concept"), plain)


def pseudonym_key(run: Path) -> bytes:
    """The run's key, made at first use."""
    path = run / KEY_FILE
    if path.exists():
        return path.read_bytes()
    key = secrets.token_bytes(32)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as handle:
        handle.write(key)
    return key
