"""LoRA adapters: does a fine-tune imitate? Named by path, safetensors only."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mimetic2.errors import InputError, MissingRequirement
from mimetic2.files import sha256

_WRITTEN = re.compile(r"(?P<path>.+?\.safetensors)(?::(?P<scale>.+))?", re.IGNORECASE)
ACCEPTED = "FILE.safetensors or FILE.safetensors:SCALE, for example style.safetensors:0.8"


@dataclass(frozen=True, slots=True)
class Adapter:
    """A LoRA file and how strongly it is applied: 0 not at all, 1 as trained."""

    path: Path
    scale: float = 1.0

    @classmethod
    def parse(cls, text: str) -> Adapter:
        """``FILE.safetensors`` or ``FILE.safetensors:SCALE``; raises :class:`InputError` for anything else."""
        written = _WRITTEN.fullmatch(text)
        if written is None:
            pickled = Path(text.rpartition(":")[0] or text)
            if pickled.suffix.lower() in (".bin", ".ckpt", ".pt", ".pth"):
                if not pickled.is_file():
                    raise InputError("no such file", file=pickled, accepted=ACCEPTED)
                raise MissingRequirement(
                    f"{text}: is pickled, which can run code when opened; make safetensors of it first: "
                    f"mimetic2 convert {text}"
                )
            raise InputError(f"'{text}' is no LoRA adapter", accepted=ACCEPTED)
        try:
            scale = float(written["scale"] or 1)
        except ValueError:
            raise InputError(f"'{written['scale']}' is no scale", file=written["path"], accepted=ACCEPTED) from None
        if not abs(scale) <= 100:
            raise InputError(f"the scale is {scale:g}", file=written["path"], accepted="numbers such as 0.8")
        path = Path(written["path"])
        if not path.is_file():
            raise InputError("no such file", file=path, accepted=ACCEPTED)
        return cls(path, scale)

    def identity(self) -> dict[str, Any]:
        """What images depend on: the file's content and the scale, not its name."""
        return {"sha256": sha256(self.path), "scale": self.scale}


def apply(pipeline: Any, adapters: Sequence[Adapter]) -> None:
    """Add the adapters to the weights, once and for all: images then cost no more than without.

    Raises :class:`InputError` for a file that is not a LoRA of the pipeline's family.
    """
    if not adapters:
        return
    if importlib.util.find_spec("peft") is None:
        raise MissingRequirement.extra("peft", "diffusion", "a LoRA adapter")  # noqa: S610 - no database here
    names = [f"adapter{number}" for number in range(len(adapters))]
    for name, adapter in zip(names, adapters, strict=True):
        try:
            folder, file = str(adapter.path.resolve().parent), adapter.path.name
            pipeline.load_lora_weights(folder, weight_name=file, adapter_name=name, local_files_only=True)
        except (OSError, ValueError, KeyError, AttributeError, RuntimeError) as error:
            problem = f"is not a LoRA of a {type(pipeline).__name__} ({' '.join(str(error).split())[:200]})"
            raise InputError(problem, file=adapter.path) from error
        if not any(name in found for found in pipeline.get_list_adapters().values()):
            raise InputError(f"changes nothing in a {type(pipeline).__name__}", file=adapter.path)
    pipeline.set_adapters(names, [adapter.scale for adapter in adapters])
    pipeline.fuse_lora(adapter_names=names)
    pipeline.unload_lora_weights()
