"""Which rows of a sample are asked for at all: listed concepts only, nothing flagged unsafe, nothing blocked."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from mimetic2.counting.fetching.failures import BLOCKED, NOT_LISTED, UNSAFE
from mimetic2.counting.fetching.links import canonical
from mimetic2.errors import InputError

UNSAFE_ABOVE = 0.5
UNSAFE_COLUMNS = ("punsafe", "PUNSAFE", "nsfw", "NSFW")
_UNSAFE_WORDS = frozenset({"nsfw", "unsafe", "true", "porn", "explicit"})
_DIGEST = re.compile(r"[0-9a-fA-F]{32}|[0-9a-fA-F]{64}")


@dataclass(frozen=True, slots=True)
class Blocklist:
    """Canonical links and digests (MD5, SHA-256; lower case) that are never fetched, or never kept."""

    urls: frozenset[str] = frozenset()
    digests: frozenset[str] = frozenset()

    @classmethod
    def read(cls, path: Path) -> Blocklist:
        """One link, MD5 or SHA-256 a line; empty lines and lines that start with # are ignored."""
        if not path.is_file():
            raise InputError("no such file", file=path, accepted="a list of links, MD5 or SHA-256, one a line")
        urls, digests = set(), set()
        for row, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            entry = line.strip()
            if not entry or entry.startswith("#"):
                continue
            if _DIGEST.fullmatch(entry):
                digests.add(entry.lower())
            elif "://" in entry:
                urls.add(canonical(entry))
            else:
                accepted = "a link, 32 (MD5) or 64 (SHA-256) hexadecimal digits"
                raise InputError(f"'{entry[:60]}' is neither", file=path, row=row, accepted=accepted)
        return cls(frozenset(urls), frozenset(digests))

    def has(self, data: bytes) -> bool:
        """Whether the content is blocked, under either digest."""
        if not self.digests:
            return False
        md5 = hashlib.md5(data, usedforsecurity=False).hexdigest()
        return md5 in self.digests or hashlib.sha256(data).hexdigest() in self.digests


def refusals(
    sample: pl.DataFrame,
    *,
    concepts: Collection[str] | None = None,
    block: Blocklist | None = None,
    unsafe_above: float = UNSAFE_ABOVE,
) -> list[str | None]:
    """Per row of ``sample`` (concept, url, optionally punsafe or NSFW): why it is not fetched, or None.

    A link that is flagged unsafe in any row is unsafe in all. Raises `InputError` for a flag that cannot be read.
    """
    unsafe = _unsafe_links(sample, unsafe_above)
    listed = None if concepts is None else set(concepts)
    blocked = block.urls if block is not None else frozenset()
    result: list[str | None] = []
    for concept, url in zip(sample["concept"], sample["url"], strict=True):
        if listed is not None and concept not in listed:
            result.append(NOT_LISTED)
        elif url in unsafe:
            result.append(UNSAFE)
        else:
            result.append(BLOCKED if canonical(url) in blocked else None)
    return result


def refused_links(sample: pl.DataFrame, *, unsafe_above: float = UNSAFE_ABOVE) -> dict[str, str]:
    """The links of ``sample`` that are flagged unsafe in any row, with that reason: they are not looked at either,
    whoever fetched them."""
    return dict.fromkeys(_unsafe_links(sample, unsafe_above), UNSAFE)


def _unsafe_links(sample: pl.DataFrame, above: float) -> set[str]:
    unsafe: set[str] = set()
    for column in UNSAFE_COLUMNS:
        if column not in sample.columns:
            continue
        for row, (url, flag) in enumerate(zip(sample["url"], sample[column], strict=True), 2):
            if _is_unsafe(flag, above, column, row):
                unsafe.add(url)
    return unsafe


def _is_unsafe(flag: object, above: float, column: str, row: int) -> bool:
    """A probability, a boolean, or a word of LAION's (UNLIKELY, UNSURE, NSFW); an empty cell flags nothing."""
    text = "" if flag is None else str(flag).strip().lower()
    if text in ("", "unlikely", "unsure", "false"):
        return False
    if text in _UNSAFE_WORDS:
        return True
    try:
        return float(text) > above
    except ValueError:
        accepted = "a probability, true, false, NSFW, UNSURE or UNLIKELY"
        raise InputError(f"is '{flag}'", row=row, column=column, accepted=accepted) from None
