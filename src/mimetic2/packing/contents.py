"""What a pack holds. Anything that is not on this list stays in the run directory."""

from __future__ import annotations

import re

NEEDED = ("manifest.json", "threshold.json", "counts.csv", "scores.csv", "study.yaml")
OPTIONAL = (
    "count/concepts.csv",
    "count/mentions.csv",
    "count/mentions.json",
    "domain.yaml",
    "verify/funnel.json",
    "score/summary.json",
    "threshold/deviations.json",
    "captionless.csv",
)
TABLES = re.compile(r"score/(prompts|prompt_effects|variances|nulls|fitness|identification|controls)\.csv")
"""Tables of the score stage: a line a concept or a prompt. Those that list images name paths and links."""
PAGE = "report.html"
INDEX = "pack.json"

MOST_FILES, MOST_BYTES = 200, 256 << 20
"""A pack is small; what is larger was not made here and is not unpacked."""


def allowed(name: str) -> bool:
    """Whether a pack may hold a file of this name."""
    return name in (*NEEDED, *OPTIONAL, PAGE, INDEX) or TABLES.fullmatch(name) is not None
