"""Concepts: lists of them, the folding of their names, checks of a list, a choice from it, and invented controls."""

from __future__ import annotations

from mimetic2.concepts.folding import fold, words
from mimetic2.concepts.lists import Concept, check_searchable, folded_alike, read_concepts, write_concepts

__all__ = ["Concept", "check_searchable", "fold", "folded_alike", "read_concepts", "words", "write_concepts"]
