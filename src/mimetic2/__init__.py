"""The imitation threshold of text-to-image models: how many training images before a concept is imitated.

The names below are the public ones; each is imported when first used, so that `import mimetic2` is quick and needs no
extra.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

_HOMES = {
    "Audit": "mimetic2.audit",
    "Concept": "mimetic2.concepts",
    "EmbeddingTable": "mimetic2.embedding",
    "GateFailed": "mimetic2.errors",
    "InputError": "mimetic2.errors",
    "Interrupted": "mimetic2.errors",
    "Mimetic2Error": "mimetic2.errors",
    "MissingRequirement": "mimetic2.errors",
    "Pack": "mimetic2.packing",
    "RunResult": "mimetic2.runs",
    "Sampling": "mimetic2.generation",
    "ScoreResult": "mimetic2.scoring",
    "SideColumns": "mimetic2.threshold",
    "Study": "mimetic2.study",
    "ThresholdResult": "mimetic2.threshold",
    "ThresholdTable": "mimetic2.threshold",
    "calibrate": "mimetic2.counting.calibration",
    "captionless_rows": "mimetic2.counting.captionless",
    "check_concepts": "mimetic2.concepts.checking",
    "check_pack": "mimetic2.packing",
    "compare_runs": "mimetic2.report",
    "count_captions": "mimetic2.counting",
    "demo": "mimetic2.runs.demo",
    "effective_counts": "mimetic2.counting.effective",
    "embed_images": "mimetic2.embedding",
    "fetch_sample": "mimetic2.counting.fetching",
    "find_images": "mimetic2.embedding",
    "find_threshold": "mimetic2.threshold",
    "generate_images": "mimetic2.generation",
    "get_embedder": "mimetic2.embedding",
    "invent_controls": "mimetic2.concepts.controls",
    "labelled_pairs": "mimetic2.counting.labelling",
    "load_domain": "mimetic2.domains",
    "load_study": "mimetic2.study",
    "make_plan": "mimetic2.planning.plan",
    "mentioning_rows": "mimetic2.counting",
    "pack_run": "mimetic2.packing",
    "predict": "mimetic2.threshold",
    "read_concepts": "mimetic2.concepts",
    "read_cutoff": "mimetic2.counting.cutoffs",
    "read_threshold_table": "mimetic2.threshold",
    "recount": "mimetic2.counting",
    "remove_biometrics": "mimetic2.runs.cleaning",
    "run": "mimetic2.runs",
    "sample_concepts": "mimetic2.concepts.choosing",
    "score": "mimetic2.scoring.folders",
    "score_concepts": "mimetic2.scoring",
    "survey_dataset": "mimetic2.counting.dataset",
    "threshold_of": "mimetic2.threshold",
    "verify_sample": "mimetic2.counting.verification",
    "write_comparison": "mimetic2.report",
    "write_report": "mimetic2.report",
    "write_start": "mimetic2.runs.starting",
}

__all__ = sorted([*_HOMES, "__version__"])


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'mimetic2' has no attribute '{name}'")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
