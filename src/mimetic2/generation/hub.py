"""Models from the hub: a snapshot of the local cache or, only where that is allowed, a download.

The hub's client resolves the commit that a repository is at and keeps its files in a folder of that name: the revision
that is recorded is the one whose files were used. What is in the cache is used as it is, even if the hub has moved on.
Only configurations, tokenizers and safetensors are fetched.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mimetic2.errors import MissingRequirement
from mimetic2.progress import log

# Of a repository: the parts' weights, not the single checkpoints that lie beside them, nor weights of other frameworks.
WANTED = ("*.json", "*.txt", "*.model", "*/*.safetensors")
UNWANTED = ("*.fp16.safetensors", "*.non_ema.safetensors")
_FILTERS: dict[str, Any] = {"allow_patterns": list(WANTED), "ignore_patterns": list(UNWANTED)}


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A repository's files at one commit."""

    folder: Path
    repository: str
    revision: str


def snapshot(name: str, ids: Sequence[str], licence: str | None, *, allow_download: bool) -> Snapshot:
    """The first of the repositories ``ids`` that is in the local cache or, if allowed, on the hub.

    Raises :class:`MissingRequirement`, with each repository's reason, when none is to be had.
    """
    if importlib.util.find_spec("huggingface_hub") is None:
        raise MissingRequirement.extra("huggingface_hub", "diffusion", f"the model {name}")  # noqa: S610 - no database here
    shown = f"licence: {licence}" if licence else "its licence stands on its page"
    failures = []
    for repository in ids:
        found = _cached(repository)
        if found is None and allow_download:
            log(f"downloading {repository} ({shown})")
            found, reason = _downloaded(repository)
            failures.append(f"{repository}: {reason}")
        if found is not None:
            return found
    if allow_download:
        raise MissingRequirement(f"the model {name} could not be downloaded ({'; '.join(failures)})")
    raise MissingRequirement(
        f"the model {name} is not on this machine: give the folder of a copy, or --allow-download to fetch "
        f"{ids[0]} from the hub ({shown})"
    )


def _cached(repository: str) -> Snapshot | None:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        folder = Path(snapshot_download(repository, local_files_only=True, **_FILTERS))
    except (LocalEntryNotFoundError, OSError):
        return None
    return Snapshot(folder, repository, folder.name) if is_complete(folder) else None


def _downloaded(repository: str) -> tuple[Snapshot | None, str]:
    """A snapshot, or None and why not."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, RepositoryNotFoundError

    try:
        folder = Path(snapshot_download(repository, **_FILTERS))
    except GatedRepoError:  # a kind of the next one, so it comes first
        return None, "gated: accept its licence on its page and log in with `hf auth login`"
    except RepositoryNotFoundError:
        return None, "not on the hub, or not public"
    except (HfHubHTTPError, OSError) as error:
        return None, type(error).__name__
    if not is_complete(folder):
        return None, "it holds no complete pipeline with weights as safetensors"
    return Snapshot(folder, repository, folder.name), ""


def is_complete(folder: Path) -> bool:
    """Whether every part that ``model_index.json`` names is there, models with weights: no interrupted download."""
    try:
        index = json.loads((folder / "model_index.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    named = [name for name, kind in index.items() if isinstance(kind, list) and kind[:1] != [None]]
    parts = [folder / name for name in named if name != "safety_checker"]  # loaded only on request
    return all(part.is_dir() and (not (part / "config.json").is_file() or _has_weights(part)) for part in parts)


def _has_weights(part: Path) -> bool:
    shards = {
        name
        for index in part.glob("*.safetensors.index.json")
        for name in json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()
    }
    return all((part / name).is_file() for name in shards) if shards else any(part.glob("*.safetensors"))
