"""The training loop that survives being killed.

A trainer exposes every number it carries from one step to the next as named tensors. They are written to one
safetensors file by atomic rename, now and then; after a kill the loop continues from there. The random draws of a
step depend on (seed, step) alone, so there is no generator state to restore, and a continued training gives the same
weights as an undisturbed one (same machine, same number of threads).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from mimetic2.errors import InputError
from mimetic2.files import atomic

OnStep = Callable[[int, float], None]


class Trainer(Protocol):
    """What the loop needs to know about a model in training."""

    def step(self, step: int) -> float:
        """Do training step number ``step`` (from 0) and return the loss."""

    def tensors(self) -> dict[str, torch.Tensor]:
        """Everything that carries over to the next step, by name; live, not copies."""


def step_generator(seed: int, step: int) -> torch.Generator:
    """The source of randomness of one step; equal arguments give equal draws."""
    (state,) = np.random.SeedSequence([seed, step]).generate_state(1, np.uint64)
    return torch.Generator().manual_seed(int(state) >> 1)


def save_state(path: Path, trainer: Trainer, step: int, fingerprint: str) -> None:
    """Write the trainer's state after ``step`` steps; a reader sees the old file or the new one, never half."""
    tensors = {name: tensor.detach().contiguous().clone() for name, tensor in trainer.tensors().items()}
    with atomic(path) as partial:
        save_file(tensors, str(partial), metadata={"step": str(step), "fingerprint": fingerprint})


def load_state(path: Path, trainer: Trainer, fingerprint: str) -> int:
    """Continue from ``path`` if it exists; returns the number of steps already done (0 without a file).

    Raises `InputError` if the file was written under another recipe or cannot be read.
    """
    if not path.exists():
        return 0
    try:
        with safe_open(str(path), framework="pt") as stored:
            metadata = stored.metadata() or {}
            if metadata.get("fingerprint") != fingerprint:
                raise InputError("belongs to a training with other settings; choose another --out", file=path)
            with torch.no_grad():
                for name, tensor in trainer.tensors().items():
                    tensor.copy_(stored.get_tensor(name))
            return int(metadata["step"])
    except SafetensorError as error:
        raise InputError(f"is no training state ({error}); delete it to start over", file=path) from error


def saved_steps(path: Path) -> int:
    """How many steps the state at ``path`` has behind it; 0 without a readable file."""
    try:
        with safe_open(str(path), framework="pt") as stored:
            return int((stored.metadata() or {}).get("step", 0))
    except (OSError, SafetensorError):
        return 0


def run_steps(
    trainer: Trainer,
    steps: int,
    state: Path,
    fingerprint: str,
    on_step: OnStep | None = None,
    save_every: float = 60.0,
) -> None:
    """Train up to ``steps`` steps, continuing from ``state`` and saving there every ``save_every`` seconds."""
    step = load_state(state, trainer, fingerprint)
    saved = time.monotonic()
    while step < steps:
        loss = trainer.step(step)
        step += 1
        if on_step is not None:
            on_step(step, loss)
        if step == steps or time.monotonic() - saved >= save_every:
            save_state(state, trainer, step, fingerprint)
            saved = time.monotonic()
