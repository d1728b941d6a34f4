"""What may be chosen about generating, once for the command line and for the section ``generate:`` of a study."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo

from mimetic2.generation.adapters import Adapter
from mimetic2.generation.api import Api
from mimetic2.generation.backend import Sampling
from mimetic2.generation.execution import AUTO, Execution, Precision


def _placed(value: Any, info: ValidationInfo) -> Path:
    """A path made absolute against the folder of the study, where there is one."""
    if not isinstance(value, str | Path) or not str(value).strip():
        raise ValueError("a path is wanted")
    base: Path = (info.context or {}).get("base", Path())
    return Path(os.path.abspath(base / Path(value).expanduser()))


def _listed(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value if isinstance(value, tuple) else (value,)


PlacedPath = Annotated[Path, BeforeValidator(_placed), Field(strict=False)]


class Generating(BaseModel):
    """Sampling, adapters and execution of a model; None leaves a choice to the domain, the model or the device.

    ``size`` is width and height in pixels, ``lora`` a list of ``FILE`` or ``FILE:SCALE``; see
    :class:`~mimetic2.generation.backend.Sampling`, :class:`~mimetic2.generation.execution.Execution` and
    :class:`~mimetic2.generation.api.Api` for the rest.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    steps: int | None = Field(default=None, ge=1)
    guidance: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    negative_prompt: str | None = None
    size: int | None = Field(default=None, ge=8)
    safety_checker: bool = False
    lora: Annotated[tuple[PlacedPath, ...], BeforeValidator(_listed), Field(strict=False)] = ()
    pipeline_config: PlacedPath | None = None
    device: str = AUTO
    dtype: Precision | None = None
    channels_last: bool = True
    attention: str | None = None
    compile: bool = False
    workers: int | None = Field(default=None, ge=1)
    engine: Literal["local", "ray"] = "local"
    address: str | None = None
    api: Api | None = None

    def sampling(self, *, steps: int | None = None, guidance: float | None = None) -> Sampling:
        """How to sample; ``steps`` and ``guidance`` are the domain's, which an API has no use for."""
        if self.api is not None:
            steps = guidance = None
        return Sampling(
            steps=self.steps if self.steps is not None else steps,
            guidance=self.guidance if self.guidance is not None else guidance,
            negative_prompt=self.negative_prompt,
            width=self.size,
            height=self.size,
            safety_checker=self.safety_checker,
        )

    def adapters(self) -> tuple[Adapter, ...]:
        """The LoRA files and their scales; raises :class:`InputError` for what is none."""
        return tuple(Adapter.parse(str(path)) for path in self.lora)

    def identity(self) -> dict[str, Any]:
        """What the images depend on of these choices, as JSON values; contents of files are apart."""
        apart = {"workers", "engine", "address", "lora", "pipeline_config", "api"}
        chosen = self.model_dump(exclude=apart, exclude_defaults=True)
        if self.lora:
            chosen["lora"] = [adapter.scale for adapter in self.adapters()]
        if self.api is not None:
            chosen["api"] = self.api.model_dump(include={"model", "options"})
        return chosen

    def arguments(self) -> dict[str, Any]:
        """The other choices, as :func:`~mimetic2.generation.generate_images` takes them."""
        names = ("device", "dtype", "channels_last", "attention", "compile", "workers", "engine", "address")
        execution = Execution(**{name: getattr(self, name) for name in names})
        return {
            "lora": self.adapters(),
            "pipeline_config": self.pipeline_config,
            "execution": execution if execution != Execution() else None,
            "api": self.api,
        }
