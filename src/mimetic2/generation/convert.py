"""A pickled checkpoint of plain tensors made into safetensors, without running what the pickle may contain."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mimetic2.errors import InputError
from mimetic2.files import atomic
from mimetic2.generation.models import PICKLED
from mimetic2.generation.pipeline import need_diffusion

_NESTED = ("state_dict", "model_state_dict", "model")


def convert(file: Path, out: Path | None = None) -> Path:
    """Write the tensors of ``file`` (.bin, .ckpt, .pt, .pth) as safetensors; returns the new file's path.

    Opens the file with ``weights_only=True``: a pickle that asks for anything but tensors and plain containers is
    refused with :class:`InputError`. A state dict nested under ``state_dict`` or ``model`` is found; entries that are
    no tensors (step counts, settings) are left out.
    """
    if file.suffix.lower() not in PICKLED:
        raise InputError("is not a pickled checkpoint", file=file, accepted=" ".join(PICKLED))
    if not file.is_file():
        raise InputError("no such file", file=file)
    out = out or file.with_suffix(".safetensors")
    if out.suffix != ".safetensors":
        raise InputError("has another ending", file=out, accepted=".safetensors")
    if out.exists():
        raise InputError("exists already", file=out, accepted="a name that is free: --out FILE")
    need_diffusion("convert")
    import torch
    from safetensors.torch import save_file

    try:
        content = torch.load(file, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError) as error:
        reason = "holds more than tensors, or is damaged, and is not opened"
        raise InputError(f"{reason} ({str(error).strip().splitlines()[0][:160]})", file=file) from error
    tensors = _tensors(content, file)
    with atomic(out) as temporary:
        save_file(tensors, temporary)
    return out


def _tensors(content: Any, file: Path) -> dict[str, Any]:
    import torch

    for name in _NESTED:
        if isinstance(content, Mapping) and isinstance(content.get(name), Mapping):
            content = content[name]
    if not isinstance(content, Mapping):
        raise InputError("is not a state dict", file=file, accepted="names with tensors")
    # Cloned, because safetensors refuses tensors that share memory.
    found = {
        str(name): value.detach().clone().contiguous() for name, value in content.items() if torch.is_tensor(value)
    }
    if not found:
        raise InputError("holds no tensor", file=file, accepted="a state dict: names with tensors")
    return found
