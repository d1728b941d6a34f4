"""Folding: what makes two spellings of one name equal, and the words of a text once it is folded."""

from __future__ import annotations

import re
import unicodedata

_WORD = re.compile(r"\w+")


def fold(text: str) -> str:
    """``text`` in NFKC, case-folded, in NFKD without the characters of non-zero combining class."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    return "".join(character for character in decomposed if not unicodedata.combining(character))


def words(text: str) -> list[str]:
    r"""The words of a text: maximal runs of ``\w`` after folding."""
    return _WORD.findall(fold(text))
