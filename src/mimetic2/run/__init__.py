"""The run directory: stages in order, each done at most once, resumable after any interruption."""
