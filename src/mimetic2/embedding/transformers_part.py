"""One part of a transformers model, from a folder of safetensors, whole or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mimetic2.errors import InputError
from mimetic2.quieting import quiet


def load_part(loader: str, folder: Path, config: Any) -> Any:
    """The model of transformers' class ``loader``, in float32, ready to be run; raises where a weight is missing."""
    import transformers

    with quiet("transformers"):
        try:
            model, report = getattr(transformers, loader).from_pretrained(
                folder,
                config=config,
                local_files_only=True,
                use_safetensors=True,
                dtype="float32",
                output_loading_info=True,
            )
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            problem = " ".join(str(error).split())[:200]
            raise InputError(f"cannot be loaded ({problem})", file=folder) from error
    # transformers fills what it does not find with random numbers.
    if report["missing_keys"]:
        raise InputError(f"lacks the weights {sorted(report['missing_keys'])[0]}, …", file=folder)
    return model.eval().requires_grad_(False)
