"""A pickled checkpoint of plain tensors made into safetensors, without running what the pickle may contain."""

from __future__ import annotations

import argparse
import pickle
import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mimetic2.errors import InputError
from mimetic2.files import atomic
from mimetic2.generation.models import PICKLED
from mimetic2.generation.pipeline import need_diffusion

_NESTED = ("state_dict", "model_state_dict", "model")
_DAMAGED = (pickle.UnpicklingError, RuntimeError, EOFError, LookupError, ValueError, TypeError, AttributeError)
"""What torch raises for refused pickles and for bytes that are none."""
_ASKED = re.compile(r"GLOBAL (\S+)")


def convert(file: Path, out: Path | None = None) -> Path:
    """Write the tensors of ``file`` (.bin, .ckpt, .pt, .pth) as safetensors; returns the new file's path.

    Opens the file with ``weights_only=True``: a pickle that asks for anything but tensors, plain containers, numpy's
    numbers and ``argparse.Namespace`` is refused with :class:`InputError`. A state dict nested under ``state_dict``,
    ``model_state_dict`` or ``model`` is found; entries that are no tensors (step counts, settings) are left out.
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
    from safetensors.torch import save_file

    tensors = _tensors(_opened(file), file)
    with atomic(out) as temporary:
        save_file(tensors, temporary)
    return out


def _opened(file: Path) -> Any:
    """The content of a pickle that asks for nothing but tensors and plain data."""
    import torch

    try:
        with torch.serialization.safe_globals(_plain_data()), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about pickles of other protocols than torch's own
            return torch.load(file, map_location="cpu", weights_only=True)
    except _DAMAGED as error:
        asked = _ASKED.search(str(error))
        detail = f"it asks for {asked[1]}" if asked else type(error).__name__
        reason = "holds more than tensors and plain data, or is damaged, and is not opened"
        raise InputError(f"{reason} ({detail})", file=file) from error


def _plain_data() -> list[Any]:
    """What training scripts leave beside the tensors: command lines and numpy's numbers, both without behaviour."""
    import numpy as np

    scalar = np.float64(0).__reduce__()[0]  # the function that rebuilds a number from its bytes
    names = ("numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar")
    kinds = [type(np.dtype(kind)) for kind in ("f2", "f4", "f8", "i4", "i8", "?")]
    return [argparse.Namespace, (np.dtype, "numpy.dtype"), *((scalar, name) for name in names), *kinds]


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
