"""threshold.json from a run, and as lines for a terminal."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mimetic2.errors import InputError
from mimetic2.threshold.curve import Prediction
from mimetic2.threshold.digits import shown
from mimetic2.threshold.find import threshold_of


def as_text(document: Mapping[str, Any]) -> str:
    """The sentence, then one line for each number there is, then warnings."""
    lines = [document["sentence"], ""]
    if document["verdict"] is not None:
        lines.append(f"verdict         {document['verdict']}")
    if document["threshold"] is not None:
        lines.append(f"threshold       {document['threshold']:,}{_interval(document['interval'])}")
    onset = document["onset"]
    if onset is not None:
        lines.append(f"onset           {onset['count']:,}{_interval(onset['interval'])}")
    ranked = document["identification"]
    if ranked is not None:
        for name in ("n50", "n90"):
            value = ranked[name]
            shown = f"{value:,}{_bounds(ranked[name + '_bounds'])}" if value is not None else "–"
            note = ranked[name + "_note"]
            lines.append(f"{name.upper()}             {shown}" + (f"  ({note})" if note else ""))
    if document["method"] != "paper":
        paper = document["paper"]["threshold"]
        lines.append(f"paper's rule    {'no threshold' if paper is None else format(paper, ',')}")
        shapes = sorted(document["shapes"].items(), key=lambda item: item[1]["bic"])
        lines.append("BIC above best  " + ", ".join(f"{name} {row['delta']:.1f}" for name, row in shapes))
        lines += _checks(document)
    excluded = sum(document["excluded"].values())
    lines.append(f"concepts        {document['n_concepts']:,}" + (f" ({excluded:,} excluded)" if excluded else ""))
    lines += [f"  excluded: {reason} ({number:,})" for reason, number in document["excluded"].items()]
    lines += [f"warning: {warning}" for warning in document["warnings"]]
    return "\n".join(lines)


def _checks(document: Mapping[str, Any]) -> list[str]:
    """One-sided bounds, how many other choices agree, and which assumptions are doubtful."""
    lines = []
    bounds = document["bounds"]
    for key, text in (("not_imitated_up_to", "not imitated    up to"), ("imitated_from", "imitated        from")):
        if bounds[key] is not None:
            lines.append(f"{text} {bounds[key]:,} (one-sided, {100 * bounds['level']:g} %)")
    tested = [row for row in document["sensitivity"] if row["outcome"] != "not testable"]
    changed = [f"{row['name']} ({row['note']})" for row in tested if row["outcome"] == "changed"]
    same = f"{len(tested) - len(changed)} of {len(tested)} give the same answer"
    lines.append(f"other choices   {same}" + "".join(f"\n  changed: {text}" for text in changed))
    doubtful = [f"'{row['name']}'" for row in document["assumptions"] if row["outcome"] == "doubtful"]
    which = f"assumed: {', '.join(doubtful)}" if doubtful else "no assumption that could be tested"
    lines.append(f"doubtful        {which}")
    return lines


def _bounds(pair: list[int | None]) -> str:
    low, high = ("?" if end is None else format(end, ",") for end in pair)
    return "" if pair == [None, None] else f" ({low} to {high})"


def _interval(pair: list[int] | None) -> str:
    return "" if pair is None else f" ({pair[0]:,} to {pair[1]:,})"


def load_document(run: Path) -> dict[str, Any]:
    """threshold.json of a run directory or of that name; else found anew from scores.csv or the table named."""
    if run.is_dir():
        candidates = [run / "threshold.json", run / "scores.csv"]
        found = [path for path in candidates if path.exists()]
        if not found:
            raise InputError("holds neither threshold.json nor scores.csv", file=run, accepted="a run directory")
        run = found[0]
    if run.suffix != ".json":
        return threshold_of(run).to_dict()
    try:
        document = json.loads(run.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"cannot be read ({error})", file=run) from error
    if not isinstance(document, dict) or document.get("schema_version") != 1 or "curve" not in document:
        raise InputError("is not a threshold.json of schema version 1", file=run)
    return document


def prediction_text(prediction: Prediction, level: float) -> str:
    """Lines for ``predict``."""
    if prediction.score is None:
        return prediction.note
    lines = [f"at {prediction.count:,.10g} training images ({100 * level:g} % intervals; {prediction.note})"]
    rows = (
        ("score, mean of concepts", prediction.score, prediction.score_interval),
        ("score, a single concept", None, prediction.concept_interval),
        ("P(identified)", prediction.identified, prediction.identified_interval),
    )
    for name, value, pair in rows:
        if pair is not None:
            span = pair[1] - pair[0]
            point = "" if value is None else f"{shown(value, span=span)} "
            lines.append(f"{name:<24} {point}({shown(pair[0], span=span)} to {shown(pair[1], span=span)})")
    return "\n".join(lines)
