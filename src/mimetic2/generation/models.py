"""What may stand for a model, and where its weights are.

A model is ``lab``, a preset's name, a folder in the diffusers layout, a single ``.safetensors`` checkpoint, or a hub
id. Pickled checkpoints are refused: unpickling runs whatever code they contain.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from mimetic2.errors import InputError, MissingRequirement
from mimetic2.files import sha256

LAB = "lab"
ACCEPTED = "a preset, lab, a diffusers pipeline folder, a .safetensors file, or a hub id"
_PICKLED = (".bin", ".ckpt", ".pt", ".pth", ".pkl")


@dataclass(frozen=True, slots=True)
class ModelSource:
    """A model whose weights are local: a pipeline folder or a single checkpoint."""

    name: str
    path: Path
    steps: int | None = None
    guidance: float | None = None

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


def resolve_model(model: str, *, allow_download: bool = False) -> ModelSource:
    """Find the weights of ``model`` on this machine.

    Raises :class:`InputError` for what is no model and :class:`MissingRequirement` for one that is not here yet.
    """
    if model == LAB:
        from mimetic2.lab import SHIPPED_PIPELINE

        return _folder(SHIPPED_PIPELINE, LAB)
    path = Path(model)
    if path.suffix.lower() in _PICKLED:
        raise MissingRequirement(
            f"{model}: is a pickled checkpoint, which can run code when opened; make safetensors of it first: "
            f"mimetic2 convert {model}"
        )
    if path.is_dir():
        return _folder(path, model)
    if path.suffix.lower() == ".safetensors":
        if not path.is_file():
            raise InputError("no such file", file=path, accepted=ACCEPTED)
        return ModelSource(model, path)
    if path.exists():
        raise InputError("is not a model", file=path, accepted=ACCEPTED)
    raise InputError(f"there is no model '{model}'", accepted=ACCEPTED)


def _folder(path: Path, name: str) -> ModelSource:
    if not (path / "model_index.json").is_file():
        raise InputError("holds no model_index.json", file=path, accepted="a folder in the layout of diffusers")
    weights = [p for p in path.rglob("*") if p.suffix in (".safetensors", *_PICKLED)]
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
