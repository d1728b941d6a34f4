"""The run directory: stages in order, each done at most once, resumable after any interruption."""

from __future__ import annotations

from mimetic2.runs.running import RunResult, default_folder, run

__all__ = ["RunResult", "default_folder", "run"]
