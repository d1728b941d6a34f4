"""Opening a pipeline folder or a single checkpoint with diffusers: offline, safetensors only, quietly."""

from __future__ import annotations

from typing import Any

from mimetic2.errors import InputError
from mimetic2.generation.models import ModelSource
from mimetic2.quieting import quiet


def load_pipeline(source: ModelSource, *, safety_checker: bool, dtype: Any) -> Any:
    """The text-to-image pipeline of ``source`` on the CPU.

    Raises :class:`InputError` for weights that do not fit their configuration and :class:`MissingRequirement` for a
    single checkpoint without a configuration folder.
    """
    index = source.index
    with quiet():
        import diffusers

        given: dict[str, Any] = {"local_files_only": True}
        if "safety_checker" in index and not safety_checker:
            given |= {"safety_checker": None, "requires_safety_checker": False}
        try:
            if source.single_file:
                family = getattr(diffusers, str(index["_class_name"]))
                given.pop("requires_safety_checker", None)
                return family.from_single_file(source.path, config=str(source.config), torch_dtype=dtype, **given)
            auto = diffusers.AutoPipelineForText2Image
            return auto.from_pretrained(source.path, torch_dtype=dtype, use_safetensors=True, **given)
        except (OSError, ValueError, KeyError, AttributeError, RuntimeError) as error:
            raise InputError(f"cannot be loaded ({' '.join(str(error).split())[:300]})", file=source.path) from error
