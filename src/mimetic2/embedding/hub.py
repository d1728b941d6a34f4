"""Where a transformers model's files are: a folder of the user's, or the hub's cache; downloads only where allowed."""

from __future__ import annotations

from pathlib import Path

from mimetic2.embedding.weights import combined
from mimetic2.errors import InputError, MissingRequirement
from mimetic2.files import sha256
from mimetic2.hubs import is_hub_id
from mimetic2.progress import log

_WANTED = [
    *("config.json", "preprocessor_config.json", "model*.safetensors", "model.safetensors.index.json"),
    *("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.json", "merges.txt"),
]
_PICKLED = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.msgpack", "*.h5")


def model_folder(name: str, weights: Path | None, default: str, licence: str, *, allow_download: bool) -> Path:
    """The folder with ``config.json`` and safetensors of ``weights`` (a folder or a hub id) or of the default hub id.

    Raises `InputError` for what is neither and `MissingRequirement` for a model that is not on this machine.
    """
    if weights is None:
        return _snapshot(name, default, licence, allow_download)
    if weights.is_dir():
        return weights
    if weights.exists():
        raise InputError("is a file", file=weights, accepted="a folder with config.json and model.safetensors")
    if is_hub_id(weights.as_posix()):
        return _snapshot(name, weights.as_posix(), "its licence stands on its page", allow_download)
    raise InputError("no such folder", file=weights, accepted="a folder with config.json and model.safetensors")


def safetensors_of(folder: Path) -> list[Path]:
    """The weights' files, sorted; raises where there are none or only pickled ones."""
    found = sorted(folder.glob("model*.safetensors"))
    if found:
        return found
    pickled = sorted(path for pattern in _PICKLED for path in folder.glob(pattern))
    if pickled:
        raise MissingRequirement(
            f"{folder}: its weights are not safetensors ({pickled[0].name}), and pickles are never opened here: "
            f"mimetic2 convert {pickled[0]} --out {folder / 'model.safetensors'}"
        )
    raise InputError("holds no model.safetensors", file=folder, accepted="a folder with config.json and safetensors")


def digest(files: list[Path]) -> str:
    """One SHA-256 of the weights: the file's own where there is only one."""
    return combined([sha256(path) for path in files])


def _snapshot(name: str, repository: str, licence: str, allow_download: bool) -> Path:
    """The model's files from the hub's local cache or, if allowed, from the hub (written, not run: no hub here)."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    if allow_download:
        log(f"downloading {repository} (licence: {licence})")
    try:
        return Path(snapshot_download(repository, local_files_only=not allow_download, allow_patterns=_WANTED))
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError) as error:
        if allow_download:
            raise MissingRequirement(f"{repository} could not be downloaded ({type(error).__name__})") from error
        raise MissingRequirement(
            f"{name}: its weights are not on this machine: name a folder with config.json and model.safetensors "
            f"(--weights, in a study embedder_weights), or let `mimetic2 embed` fetch {repository} with "
            f"--allow-download (licence: {licence})"
        ) from error
