"""The verdict in one sentence for a reader without statistics."""

from __future__ import annotations

import math
from typing import Any

from mimetic2.threshold.paper import PaperThreshold
from mimetic2.threshold.rise_bound import RiseBound
from mimetic2.threshold.verdict import Verdict


def paper_sentence(result: PaperThreshold) -> str:
    """What the paper's rule says, and that it names a threshold on smooth rises too."""
    if result.threshold is None:
        return f"The paper's rule (PELT, penalty {result.penalty:g}) names no threshold in these scores."
    ties = ""
    if result.tie_range and result.tie_range[0] != result.tie_range[1]:
        ties = f" (between {result.tie_range[0]:,} and {result.tie_range[1]:,} depending on the order of tied counts)"
    return (
        f"The paper's rule (PELT, penalty {result.penalty:g}) names {result.threshold:,} training images{ties} "
        "as the imitation threshold; it names one on smooth rises too, and gives no uncertainty."
    )


def robust_sentence(verdict: Verdict, facts: dict[str, Any]) -> str:
    """``facts``: n, level, threshold, interval, and what the verdict needs (see :mod:`mimetic2.threshold.find`)."""
    n, percent = facts["n"], f"{100 * facts['level']:g} %"
    if verdict is Verdict.STEP:
        interval = "" if facts["interval"] is None else f" ({percent} interval {_pair(facts['interval'])})"
        start = f"Over {n:,} concepts the imitation score jumps at about {facts['threshold']:,} training images"
        if facts["fall"]:
            return f"{start}{interval}, but it does not stay there: it also falls, which no shape considered can show."
        return f"{start}{interval}: below it the model reproduces a concept less, above it more."
    if verdict is Verdict.GRADUAL:
        return _gradual(facts, percent)
    if verdict is Verdict.NONE:
        return _none(facts, percent)
    left = " and ".join(facts["left"]) if len(facts["left"]) < 3 else ", ".join(facts["left"])
    text = (
        f"{n:,} concepts do not decide how the imitation score depends on the number of training images: {left} remain"
    )
    if facts["needed"] is None:
        return f"{text} possible; these counts would not tell them apart."
    needed, (low, high) = facts["needed"]
    return (
        f"{text} possible; at least {needed:,} concepts, added mostly at {low:,} to {high:,} images, would be needed."
    )


def _none(facts: dict[str, Any], percent: str) -> str:
    """No rise is shown: what rise the data exclude, or why none."""
    n = facts["n"]
    if facts["constant"]:
        return f"The imitation scores of all {n:,} concepts are equal: they show no rise, and nothing excludes one."
    if facts["falls"]:
        return f"Over {n:,} concepts the imitation score does not rise with the number of training images; it falls."
    bound: RiseBound = facts["bound"]
    return (
        f"Over {n:,} concepts the imitation score shows no rise with the number of training images; excluded "
        f"(at {percent}) is a rise of more than {_score(bound.inner)} whose middle has at least {bound.beside:,} "
        "concepts on either side, and wherever it lies within the observed counts one of more than "
        f"{_score(bound.anywhere)}."
    )


def _gradual(facts: dict[str, Any], percent: str) -> str:
    """A midpoint is half of the rise only where the fitted curve's foot and top lie within the observed counts."""
    text = f"Over {facts['n']:,} concepts the imitation score rises gradually with the number of training images"
    if facts["fall"]:
        text += ", though it also falls in places"
    if facts["threshold"] is None:
        return f"{text}; no single number of images separates concepts that are imitated from those that are not."
    interval = (
        "its interval leaves the observed counts"
        if facts["interval"] is None
        else f"{percent} interval {_pair(facts['interval'])}"
    )
    place = f"about {facts['threshold']:,} images ({interval})"
    if not facts["beyond"]:
        return f"{text}; half of the rise is reached at {place}."
    ends = " and ".join(facts["beyond"])
    lie = "lies" if len(facts["beyond"]) == 1 else "lie"
    return (
        f"{text}; the midpoint of the fitted curve lies at {place}, but its {ends} {lie} beyond the observed counts: "
        f"half of the rise within them is reached at about {facts['half_seen']:,}."
    )


def _score(value: float) -> str:
    """Rounded up, so that what is excluded stays excluded."""
    return f"{math.ceil(value * 1000) / 1000:.3f}"


def _pair(pair: tuple[int, int]) -> str:
    return f"{pair[0]:,} to {pair[1]:,}"
