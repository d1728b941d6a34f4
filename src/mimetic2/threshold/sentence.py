"""The verdict in one sentence for a reader without statistics."""

from __future__ import annotations

from typing import Any

from mimetic2.threshold.paper import PaperThreshold
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
        low, high = facts["interval"]
        return (
            f"Over {n:,} concepts the imitation score jumps at about {facts['threshold']:,} training images "
            f"({percent} interval {low:,} to {high:,}): below it the model reproduces a concept less, above it more."
        )
    if verdict is Verdict.GRADUAL:
        start = f"Over {n:,} concepts the imitation score rises gradually with the number of training images"
        if facts["threshold"] is None:
            return f"{start}; no single number of images separates concepts that are imitated from those that are not."
        text = f"{start}; half of the rise is reached at about {facts['threshold']:,} images"
        if facts["interval"] is None:
            return f"{text} (its interval leaves the observed counts)."
        return f"{text} ({percent} interval {facts['interval'][0]:,} to {facts['interval'][1]:,})."
    if verdict is Verdict.NONE:
        if facts["falls"]:
            return (
                f"Over {n:,} concepts the imitation score does not rise with the number of training images; it falls."
            )
        return (
            f"Over {n:,} concepts the imitation score shows no rise with the number of training images; "
            f"a rise of more than {facts['largest_rise']:.3f} over the observed counts is excluded (at {percent})."
        )
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
