"""What stands beside the verdict: other choices, one-sided bounds, groups, controls, rank 1 among 20."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mimetic2.report.labels import Labels
from mimetic2.report.numerals import as_pair, count, decimal, interval, percent

OUTCOMES = {"same": "same answer", "changed": "another answer", "not testable": "not testable"}


def sensitivity(threshold: Mapping[str, Any]) -> list[dict[str, str]]:
    """A line a choice: what it says instead, and what changed; those that the table does not allow come last."""
    rows = [
        {
            "name": str(row["name"]),
            "outcome": OUTCOMES.get(row["outcome"], str(row["outcome"])),
            "style": str(row["outcome"]).replace(" ", "-"),
            "verdict": row.get("verdict") or "",
            "threshold": "" if row.get("threshold") is None else count(row["threshold"]),
            "interval": interval(as_pair(row.get("interval"))),
            "note": str(row.get("note") or ""),
        }
        for row in threshold.get("sensitivity") or []
    ]
    return sorted(rows, key=lambda row: row["style"] == "not-testable")


def bounds(threshold: Mapping[str, Any]) -> list[str]:
    """One-sided statements, each with its level; empty where there is none."""
    found = threshold.get("bounds")
    if not isinstance(found, dict):
        return []
    level = f"(one-sided, {percent(found.get('level') or 0.95)})"
    texts = {
        "imitated_from": "From {} images on the expected score lies above the null band (a milder demand than onset)",
        "not_imitated_up_to": "Up to {} images the expected score lies below the top of the null band",
        "threshold_at_least": "The threshold is at least {}",
        "threshold_at_most": "The threshold is at most {}",
    }
    return [f"{text.format(count(found[key]))} {level}." for key, text in texts.items() if found.get(key) is not None]


def groups(threshold: Mapping[str, Any], labels: Labels) -> dict[str, Any] | None:
    """The groups' table and the tests between them; None without groups."""
    found = threshold.get("groups")
    if not isinstance(found, dict):
        return None
    tests = (("one curve for all", "same_curve_p"), ("one place of the rise", "same_place_p"))
    return {
        "rows": [_group(row, labels) for row in found["groups"]],
        "tests": [(text, f"{found[key]:.3f}") for text, key in tests if found.get(key) is not None],
        "spread": None if found.get("spread") is None else decimal(found["spread"], 2),
        "note": labels.mask(str(found.get("note") or "")),
    }


def _group(row: Mapping[str, Any], labels: Labels) -> dict[str, str]:
    needs = row.get("needs")
    own = row.get("verdict") or "too thin"
    if row.get("threshold") is not None:
        own += f": {count(row['threshold'])}"
    ends = interval(as_pair(row.get("interval")))
    more = ""
    if needs:
        more = f"about {count(needs['concepts'])} more, spread over {interval(as_pair(needs['counts']))} images"
    return {
        "group": labels.mask(str(row["group"])),
        "n": count(row["n_concepts"]),
        "own": own + (f" ({ends})" if ends else ""),
        "pooled": "" if row.get("pooled_threshold") is None else count(row["pooled_threshold"]),
        "pooled_interval": interval(as_pair(row.get("pooled_interval"))),
        "borrowed": "" if row.get("borrowed") is None else percent(row["borrowed"]),
        "offset": decimal(row.get("offset")),
        "needs": more,
    }


def controls(threshold: Mapping[str, Any], labels: Labels) -> dict[str, Any] | None:
    """Controls of both kinds and the default concepts, under the names that the page shows; None without controls."""
    found = threshold.get("controls")
    if not isinstance(found, dict):
        return None
    defaults = [
        {
            "name": labels.mask(str(row["concept"])),
            "n": count(row["n_controls"]),
            "count": count(row.get("count")),
            "group": labels.mask(str(row.get("group") or "")),
            "identified": {True: "yes", False: "no"}.get(row.get("identified"), "–"),
        }
        for row in found.get("default_concepts") or []
    ]
    note = str(found.get("note") or "")
    p = found.get("p_default")
    return {
        "note": f"{note[:1].upper()}{note[1:]}." if note else "",
        "defaults": defaults,
        "p": None if p is None else "below 0.001" if p < 0.001 else decimal(p),
        "has_groups": any(row["group"] for row in defaults),
    }


def among_twenty(threshold: Mapping[str, Any]) -> str:
    """Rank 1 among 20 in a sentence; empty where nobody was ranked among so many."""
    found = (threshold.get("identification") or {}).get("among_20")
    if not isinstance(found, dict):
        return ""
    rate = percent(found["rate"])
    text = (
        f"Against only 19 random others, which studies of different size have in common, a concept ranks first with "
        f"probability {rate} (chance 5\u202f%)"
    )
    if found.get("n50") is None:
        return f"{text}."
    ends = interval(as_pair(found.get("n50_bounds")))
    half = f"half do so at {count(found['n50'])} images{f' ({ends})' if ends else ''}"
    return f"{text}; {half}, in a fit of its own: not the N50 above, which is against all others."
