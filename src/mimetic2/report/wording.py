"""Sentences of the page that hold for every run, and how texts of other rooms become prose on it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from markupsafe import Markup, escape

FIXED_SENTENCE = (
    "Concepts with this many training images were, on average, reproduced recognisably by this model with these "
    "prompts. This does not show that any image infringes a right, nor that concepts with fewer images cannot be "
    "reproduced. It is not legal advice."
)
NO_NUMBER_SENTENCE = (
    "No number of training images is named here: none can be said to be enough, or too few, for this model to "
    "reproduce a concept with these prompts. Single concepts may be reproduced at any count. This says nothing about "
    "rights in any image, and is no advice on them."
)


def limits(threshold: Mapping[str, Any]) -> str:
    """What a verdict does not show: of a number where threshold.json names one, else of there being none."""
    return NO_NUMBER_SENTENCE if threshold.get("threshold") is None else FIXED_SENTENCE


def prose(text: str) -> Markup:
    """A message of another room as a sentence: a capital first, `code` as code; a name such as score_se stays."""
    first = re.match(r"[a-z]+(?=[\s,:;'’]|$)", text)
    sentence = text[:1].upper() + text[1:] if first else text
    parts = [
        Markup("<code>{}</code>").format(part) if place % 2 else escape(part)  # odd parts stood between backticks
        for place, part in enumerate(sentence.split("`"))
    ]
    return Markup("").join(parts)
