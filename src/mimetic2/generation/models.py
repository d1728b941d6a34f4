"""What may stand for a model, and where its weights are.

A model is ``lab``, a preset's name, a folder in the diffusers layout, a single ``.safetensors`` checkpoint, or a hub
id. Pickled checkpoints are refused: unpickling runs whatever code they contain.
"""

from __future__ import annotations

import difflib
import hashlib
import importlib.util
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mimetic2.errors import InputError, MissingRequirement
from mimetic2.files import sha256
from mimetic2.generation.presets import Preset, presets
from mimetic2.progress import log

LAB = "lab"
ACCEPTED = "a preset, lab, a diffusers pipeline folder, a .safetensors file, or a hub id"
PICKLED = (".bin", ".ckpt", ".pt", ".pth", ".pkl")
_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
_WANTED = ("*.json", "*.txt", "*.model", "*/*.safetensors")


@dataclass(frozen=True, slots=True)
class ModelSource:
    """A model whose weights are local: a pipeline folder or a single checkpoint."""

    name: str
    path: Path
    steps: int | None = None
    guidance: float | None = None
    config: Path | None = None
    revision: str | None = None

    @property
    def single_file(self) -> bool:
        """Whether the model is one checkpoint file rather than a pipeline folder."""
        return self.path.is_file()

    def digest(self) -> str:
        """SHA-256 over names and contents of the weights and configurations."""
        if self.single_file:
            return sha256(self.path)
        total = hashlib.sha256()
        for path in sorted(self.path.rglob("*")):
            if path.suffix in (".safetensors", ".json", ".txt", ".model") and path.name != "lab.json":
                total.update(f"{path.relative_to(self.path).as_posix()}\0{sha256(path)}\n".encode())
        return total.hexdigest()


def resolve_model(model: str, *, allow_download: bool = False, config: Path | None = None) -> ModelSource:
    """Find the weights of ``model``: on this machine, or on the hub where ``allow_download`` is given.

    ``config`` is the folder with the configuration of a single checkpoint's pipeline.
    Raises :class:`InputError` for what is no model and :class:`MissingRequirement` for one that is not here yet.
    """
    if model == LAB:
        from mimetic2.lab import SHIPPED_PIPELINE

        return _folder(SHIPPED_PIPELINE, LAB)
    if model in presets():
        preset = presets()[model]
        return _from_hub(model, preset.ids, allow_download, preset)
    path = Path(model)
    if path.suffix.lower() in PICKLED:
        raise MissingRequirement(
            f"{model}: is a pickled checkpoint, which can run code when opened; make safetensors of it first: "
            f"mimetic2 convert {model}"
        )
    if path.is_dir():
        return _folder(path, model)
    if path.suffix.lower() == ".safetensors":
        return _single_file(path, model, config)
    if path.exists():
        raise InputError("is not a model", file=path, accepted=ACCEPTED)
    if _HUB_ID.fullmatch(model):
        return _from_hub(model, (model,), allow_download, None)
    close = difflib.get_close_matches(model, [LAB, *presets()], n=1)
    hint = f"; did you mean '{close[0]}'?" if close else ""
    raise InputError(f"there is no model '{model}'{hint}", accepted=ACCEPTED)


def _single_file(path: Path, name: str, config: Path | None) -> ModelSource:
    if not path.is_file():
        raise InputError("no such file", file=path, accepted=ACCEPTED)
    if config is not None and not (config / "model_index.json").is_file():
        raise InputError("holds no model_index.json", file=config, accepted="the configuration of a pipeline")
    return ModelSource(name, path, config=config)


def _from_hub(name: str, ids: Sequence[str], allow_download: bool, preset: Preset | None) -> ModelSource:
    """A snapshot from the local cache of the hub or, if allowed, from the hub (written, not run: no hub here)."""
    if importlib.util.find_spec("huggingface_hub") is None:
        raise MissingRequirement.extra("huggingface_hub", "diffusion", f"the model {name}")  # noqa: S610 - no database here
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    licence = f"licence: {preset.licence}" if preset else "its licence stands on its page"
    failures = []
    for repository in ids:
        try:
            if allow_download:
                log(f"downloading {repository} ({licence})")
            folder = Path(
                snapshot_download(repository, local_files_only=not allow_download, allow_patterns=list(_WANTED))
            )
        except (LocalEntryNotFoundError, HfHubHTTPError, OSError) as error:
            failures.append(f"{repository}: {type(error).__name__}")
            continue
        source = _folder(folder, name)
        steps, guidance = (preset.steps, preset.guidance) if preset else (None, None)
        return replace(source, steps=steps, guidance=guidance, revision=folder.name)
    if allow_download:
        raise MissingRequirement(f"the model {name} could not be downloaded ({'; '.join(failures)})")
    raise MissingRequirement(
        f"the model {name} is not on this machine: give the folder of a copy, or --allow-download to fetch "
        f"{ids[0]} from the hub ({licence})"
    )


def _folder(path: Path, name: str) -> ModelSource:
    if not (path / "model_index.json").is_file():
        raise InputError("holds no model_index.json", file=path, accepted="a folder in the layout of diffusers")
    weights = [p for p in path.rglob("*") if p.suffix in (".safetensors", *PICKLED)]
    if not any(p.suffix == ".safetensors" for p in weights):
        if weights:
            raise MissingRequirement(
                f"{path}: its weights are pickled ({weights[0].relative_to(path)}), which can run code when opened; "
                f"make safetensors of them first: mimetic2 convert {weights[0]}"
            )
        raise InputError("holds no .safetensors weights", file=path)
    steps, guidance = _own_settings(path)
    return ModelSource(name, path, steps, guidance)


def _own_settings(path: Path) -> tuple[int | None, float | None]:
    """Steps and guidance that a lab model was trained for, as `lab train` writes them into ``lab.json``."""
    file = path / "lab.json"
    if not file.is_file():
        return None, None
    settings = json.loads(file.read_text(encoding="utf-8")).get("generation", {})
    return settings.get("num_inference_steps"), settings.get("guidance_scale")
