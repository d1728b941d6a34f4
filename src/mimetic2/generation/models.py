"""What may stand for a model, and where its weights are.

A model is ``lab``, a preset's name, a folder in the diffusers layout, a single ``.safetensors`` checkpoint, or a hub
id. Pickled checkpoints are refused: unpickling runs whatever code they contain.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import shlex
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mimetic2.errors import InputError, MissingRequirement
from mimetic2.files import sha256
from mimetic2.generation.presets import Preset, presets
from mimetic2.hubs import is_hub_id

LAB, LAB_SETTINGS = "lab", "lab.json"
ACCEPTED = "a preset, lab, a diffusers pipeline folder, a .safetensors file, or a hub id"
AS_ONE_FILE = ("StableDiffusionPipeline", "StableDiffusionXLPipeline")
"""Families whose checkpoints in the original layout are read; tested with each text encoder that they come with."""
_TRANSFORMERS_NAME = "model.safetensors"
"""What transformers calls the safetensors of a ``pytorch_model.bin``; diffusers keeps the name."""
PICKLED = (".bin", ".ckpt", ".pt", ".pth", ".pkl")


@dataclass(frozen=True, slots=True)
class ModelSource:
    """A model whose weights are local: a pipeline folder or a single checkpoint."""

    name: str
    path: Path
    steps: int | None = None
    guidance: float | None = None
    config: Path | None = None
    repository: str | None = None
    revision: str | None = None

    @property
    def index(self) -> dict[str, Any]:
        """The pipeline's ``model_index.json``: its class and the classes of its parts.

        Raises :class:`MissingRequirement` for a single checkpoint without a configuration folder.
        """
        folder = self.config if self.single_file else self.path
        if folder is None:
            raise MissingRequirement(
                f"{self.path}: a single checkpoint needs the configuration of its pipeline, which is not in the file: "
                "name a folder with model_index.json and the parts' config.json files with --pipeline-config DIR"
            )
        content: dict[str, Any] = json.loads((folder / "model_index.json").read_text(encoding="utf-8"))
        return content

    @property
    def family(self) -> str:
        """The class of the pipeline, such as ``StableDiffusionPipeline``."""
        return str(self.index.get("_class_name"))

    @property
    def sampler(self) -> str:
        """The class of the scheduler."""
        return str((self.index.get("scheduler") or ["", ""])[1])

    @property
    def has_transformer(self) -> bool:
        """Whether a transformer denoises, rather than a U-Net."""
        return "transformer" in self.index

    @property
    def single_file(self) -> bool:
        """Whether the model is one checkpoint file rather than a pipeline folder."""
        return self.path.is_file()

    @property
    def of_lab(self) -> bool:
        """Whether the lab trained it, so that its training data are known to the last row."""
        return (self.path / LAB_SETTINGS).is_file()

    def digest(self) -> str:
        """SHA-256 over names and contents of the weights and configurations."""
        if self.single_file:
            return sha256(self.path)  # its configuration's choices stand in family and sampler
        total = hashlib.sha256()
        for path in sorted(self.path.rglob("*")):
            if path.suffix in (".safetensors", ".json", ".txt", ".model") and path.name != LAB_SETTINGS:
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
        return _of_hub(model, preset.ids, preset, allow_download)
    path = Path(model)
    if path.suffix.lower() in PICKLED:
        if not path.is_file():
            raise InputError("no such file", file=path, accepted=ACCEPTED)
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
    if is_hub_id(model):
        return _of_hub(model, (model,), None, allow_download)
    close = difflib.get_close_matches(model, [LAB, *presets()], n=1, cutoff=0.65)
    if close:
        raise InputError(f"there is no model '{model}'; did you mean '{close[0]}'?", accepted=ACCEPTED)
    raise InputError(f"there is no model '{model}'", accepted=f"{ACCEPTED}; presets: {', '.join(presets())}")


def _single_file(path: Path, name: str, config: Path | None) -> ModelSource:
    if not path.is_file():
        raise InputError("no such file", file=path, accepted=ACCEPTED)
    if config is not None and not (config / "model_index.json").is_file():
        raise InputError("holds no model_index.json", file=config, accepted="the configuration of a pipeline")
    source = ModelSource(name, path, config=config)
    if config is not None and source.family not in AS_ONE_FILE:
        problem = f"a {source.family} in one file is not read"
        raise InputError(
            problem, file=path, accepted=f"a folder in the layout of diffusers, or {' '.join(AS_ONE_FILE)}"
        )
    return source


def _of_hub(name: str, ids: tuple[str, ...], preset: Preset | None, allow_download: bool) -> ModelSource:
    from mimetic2.generation.hub import snapshot

    found = snapshot(name, ids, preset.licence if preset else None, allow_download=allow_download)
    source = replace(_folder(found.folder, name), repository=found.repository, revision=found.revision)
    return replace(source, steps=preset.steps, guidance=preset.guidance) if preset else source


def _folder(path: Path, name: str) -> ModelSource:
    if not (path / "model_index.json").is_file():
        raise InputError("holds no model_index.json", file=path, accepted="a folder in the layout of diffusers")
    _refuse_pickles(path)
    if not any(path.rglob("*.safetensors")):
        raise InputError("holds no .safetensors weights", file=path)
    steps, guidance = _own_settings(path)
    return ModelSource(name, path, steps, guidance)


def _refuse_pickles(path: Path) -> None:
    """Raise :class:`MissingRequirement` for a part of the pipeline whose weights are pickled only.

    The safety checker may be: it is loaded on request alone, and often there is no other file of it.
    """
    for weights in sorted(p for p in path.rglob("*") if p.suffix.lower() in PICKLED):
        beside = path.rglob("*.safetensors") if weights.parent == path else weights.parent.glob("*.safetensors")
        if any(beside) or weights.parent.name == "safety_checker":
            continue
        name = _TRANSFORMERS_NAME if weights.stem == "pytorch_model" else None
        out = f" --out {shlex.quote(str(weights.with_name(name)))}" if name else ""
        raise MissingRequirement(
            f"{path}: its weights are pickled ({weights.relative_to(path)}), which can run code when opened; "
            f"make safetensors of them first: mimetic2 convert {shlex.quote(str(weights))}{out}"
        )


def _own_settings(path: Path) -> tuple[int | None, float | None]:
    """Steps and guidance that a lab model was trained for, as `lab train` writes them into ``lab.json``."""
    file = path / LAB_SETTINGS
    if not file.is_file():
        return None, None
    settings = json.loads(file.read_text(encoding="utf-8")).get("generation", {})
    return settings.get("num_inference_steps"), settings.get("guidance_scale")
