"""diffusers and transformers log and draw bars of their own: kept from it where our own lines say what matters."""

from __future__ import annotations

import contextlib
import importlib
import warnings
from collections.abc import Iterator


@contextlib.contextmanager
def quiet(*libraries: str) -> Iterator[None]:
    """Keep these of Hugging Face's ``libraries`` (default: diffusers, transformers) from logging and drawing bars."""
    logs = [
        importlib.import_module(f"{library}.utils.logging") for library in libraries or ("diffusers", "transformers")
    ]
    before = [log.get_verbosity() for log in logs]
    for log in logs:
        log.set_verbosity_error()
        log.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about the libraries' own future
            yield
    finally:
        for log, level in zip(logs, before, strict=True):
            log.set_verbosity(level)
            log.enable_progress_bar()
