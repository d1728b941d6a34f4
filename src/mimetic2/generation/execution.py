"""How a local pipeline computes: device, precision, memory layout, attention, compilation, workers.

What is left open takes the device's default:

========================  ====================  ================================================
choice                    CPU                   GPU
========================  ====================  ================================================
precision                 float32               float16; bfloat16 for transformers where it can
channels last             yes                   yes
attention                 torch's own           torch's own (chooses flash or efficient kernels)
compile                   no                    no
workers                   one                   one a GPU
========================  ====================  ================================================
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from mimetic2.errors import InputError
from mimetic2.generation.packing import pack_convolutions, pack_linear_layers

Precision = Literal["float32", "float16", "bfloat16"]
PRECISIONS = ("float32", "float16", "bfloat16")
AUTO = "auto"


@dataclass(frozen=True, slots=True)
class Execution:
    """How to compute; None leaves a choice to the device. ``attention`` is one of diffusers' attention backends.

    ``workers`` are processes with a pipeline each; ``engine`` and ``address`` say where they run (see
    :mod:`mimetic2.engines`). Images of different devices, precisions, attention backends and of compiled models differ
    by rounding, and more than that where sampling amplifies it.
    """

    device: str = AUTO
    dtype: Precision | None = None
    channels_last: bool = True
    attention: str | None = None
    compile: bool = False
    workers: int | None = None
    engine: str = "local"
    address: str | None = None

    def __post_init__(self) -> None:
        if self.dtype is not None and self.dtype not in PRECISIONS:
            raise InputError(f"there is no precision '{self.dtype}'", accepted=" ".join(PRECISIONS))
        if self.device.split(":")[0] not in (AUTO, "cpu", "cuda", "mps"):
            raise InputError(f"there is no device '{self.device}'", accepted="auto, cpu, cuda, cuda:NUMBER, mps")
        if self.workers is not None and self.workers < 1:
            raise InputError(f"workers is {self.workers}", accepted="whole numbers from 1")

    def kind(self) -> str:
        """``cpu``, ``cuda`` or ``mps``; raises :class:`InputError` where torch has no such device here."""
        import torch

        kind = self.device.split(":")[0]
        if kind == AUTO:
            return "cuda" if torch.cuda.is_available() else "cpu"
        if self.engine != "local":
            return kind  # the cluster's machines have it, not this one
        there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
        if not there[kind]:
            found = ", ".join(name for name, is_there in there.items() if is_there)
            raise InputError(f"torch finds no device '{self.device}' on this machine", accepted=f"auto, {found}")
        return kind

    def number_of_workers(self) -> int:
        """As asked for; else one a GPU, where all GPUs may be used, and one otherwise."""
        if self.workers is not None:
            return self.workers
        import torch

        return torch.cuda.device_count() if self.device in (AUTO, "cuda") and self.kind() == "cuda" else 1

    def precision(self, *, transformer: bool) -> str:
        """The precision to compute in; ``transformer``: the family denoises with a transformer, not a U-Net.

        Those families bring the text encoder T5, whose activations overflow float16.
        """
        if self.dtype is not None:
            return self.dtype
        if self.kind() != "cuda":
            return "float32"
        import torch

        elsewhere = self.engine != "local"
        return "bfloat16" if transformer and (elsewhere or torch.cuda.is_bf16_supported()) else "float16"


def usable_memory() -> int:
    """Bytes of memory of this machine, or of the control group that this process is confined to."""
    import psutil

    limits = [int(psutil.virtual_memory().total)]
    with contextlib.suppress(OSError, ValueError):  # "max" where there is no limit
        limits.append(int(Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii")))
    return min(limits)


def place(pipeline: Any, execution: Execution, device: str, *, small: bool) -> None:
    """Move a pipeline to its device and set it up there as asked; ``small``: small pictures on a CPU (see `lanes`).

    Raises :class:`InputError` for an attention backend that diffusers does not know or that cannot run here.
    """
    import torch

    pipeline.to(device)
    denoiser = getattr(pipeline, "transformer", None) or pipeline.unet
    if execution.channels_last:
        for part in pipeline.components.values():
            if isinstance(part, torch.nn.Module) and any(p.dim() == 4 for p in part.parameters()):
                part.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    if execution.attention is not None:
        from diffusers.models.attention_dispatch import AttentionBackendName

        known = [backend.value for backend in AttentionBackendName]
        if execution.attention not in known:
            raise InputError(f"there is no attention '{execution.attention}'", accepted=", ".join(known))
        try:
            denoiser.set_attention_backend(execution.attention)
        except (ValueError, RuntimeError, ImportError) as error:
            problem = f"attention '{execution.attention}' is not to be had ({' '.join(str(error).split())[:200]})"
            raise InputError(problem, accepted="native, or another attention backend of diffusers") from error
    if device == "cpu" and (small or not execution.compile):  # torch's compiler would pack them itself
        pack_linear_layers(denoiser)
    if small and not execution.compile:
        pack_convolutions(denoiser)
    if execution.compile:
        # Batches have one shape a concept, so compiled code is used again instead of being compiled for each shape.
        # Small pictures lose their time in Python between the kernels: there it is enough to record the operations
        # once and replay them, which takes seconds instead of minutes and rounds as before.
        denoiser.compile(dynamic=False, backend="eager" if small else "inductor")
