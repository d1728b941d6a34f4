"""Optimisers and weight averaging, with their whole state open to the training loop.

Muon (Jordan et al. 2024, https://kellerjordan.github.io/posts/muon/) replaces the momentum of a weight matrix by the
nearest orthogonal matrix; on this small denoiser it beats AdamW clearly at equal time. Vectors, embeddings and the
first and last layers stay with AdamW, as its authors advise.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch


def orthogonalise(matrices: torch.Tensor, iterations: int = 5) -> torch.Tensor:
    """Newton-Schulz iteration on a stack (k, rows, columns) with rows <= columns, in bfloat16.

    Singular vectors stay, all singular values move to roughly 1 (within about .7 to 1.2), whatever the scale.
    """
    x = matrices.bfloat16()
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(iterations):
        gram = x @ x.mT
        x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
    orthogonal: torch.Tensor = x.float()
    return orthogonal


class Muon:
    """Momentum with orthogonalised updates; parameters of equal shape are updated as one stack."""

    def __init__(
        self, parameters: Sequence[torch.nn.Parameter], rate: float, momentum: float = 0.95, decay: float = 0.01
    ) -> None:
        self.rate, self.momentum, self.decay = rate, momentum, decay
        self.groups: dict[tuple[int, int], list[torch.nn.Parameter]] = {}
        for parameter in parameters:
            shape = (parameter.shape[0], parameter.numel() // parameter.shape[0])
            self.groups.setdefault(shape, []).append(parameter)
        self.momenta = {shape: torch.zeros(len(group), *shape) for shape, group in self.groups.items()}

    @torch.no_grad()
    def step(self, scale: float) -> None:
        """One update with the learning rate times ``scale``; gradients must be present."""
        for (rows, columns), group in self.groups.items():
            gradients = torch.stack([_gradient(parameter).reshape(rows, columns) for parameter in group])
            momentum = self.momenta[rows, columns]
            momentum.lerp_(gradients, 1 - self.momentum)
            update = gradients.lerp(momentum, self.momentum)
            update = orthogonalise(update) if rows <= columns else orthogonalise(update.mT).mT
            update = update * max(1.0, rows / columns) ** 0.5
            for parameter, change in zip(group, update, strict=True):
                parameter.mul_(1 - self.rate * scale * self.decay)
                parameter.add_(change.reshape(parameter.shape), alpha=-self.rate * scale)

    def tensors(self) -> dict[str, torch.Tensor]:
        """The momenta, named by shape."""
        return {f"{rows}x{columns}": momentum for (rows, columns), momentum in self.momenta.items()}


def _gradient(parameter: torch.nn.Parameter) -> torch.Tensor:
    assert parameter.grad is not None, "backward() comes before step()"
    return parameter.grad


class Adam:
    """`torch.optim.AdamW` whose moments exist from the start, so that they can be saved and restored in place."""

    def __init__(
        self, parameters: Sequence[torch.nn.Parameter], rate: float, betas: tuple[float, float], decay: float
    ) -> None:
        self.rate = rate
        self.parameters = list(parameters)
        self.optimiser = torch.optim.AdamW(self.parameters, rate, betas=betas, weight_decay=decay, fused=True)
        for parameter in self.parameters:
            self.optimiser.state[parameter] = {
                "step": torch.zeros((), dtype=torch.float32),
                "exp_avg": torch.zeros_like(parameter, memory_format=torch.preserve_format),
                "exp_avg_sq": torch.zeros_like(parameter, memory_format=torch.preserve_format),
            }

    def step(self, scale: float) -> None:
        """One update with the learning rate times ``scale``."""
        self.optimiser.param_groups[0]["lr"] = self.rate * scale
        self.optimiser.step()

    def tensors(self) -> dict[str, torch.Tensor]:
        """Step counts and moments, named by the parameter's place."""
        return {
            f"{place}.{name}": tensor
            for place, parameter in enumerate(self.parameters)
            for name, tensor in self.optimiser.state[parameter].items()
        }


class Average:
    """Exponential moving average of parameters, warmed up so that early steps do not linger."""

    def __init__(self, parameters: Sequence[torch.nn.Parameter], decay: float) -> None:
        self.parameters, self.decay = list(parameters), decay
        self.averages = [parameter.detach().clone() for parameter in self.parameters]

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take in the parameters after step number ``step`` (from 0)."""
        weight = 1 - min(self.decay, (step + 2) / (step + 11))
        torch._foreach_lerp_(self.averages, [parameter.detach() for parameter in self.parameters], weight)

    @torch.no_grad()
    def apply(self) -> None:
        """Put the averages into the model; the raw parameters are gone afterwards."""
        for parameter, average in zip(self.parameters, self.averages, strict=True):
            parameter.copy_(average)

    def tensors(self) -> dict[str, torch.Tensor]:
        """The averages, named by the parameter's place."""
        return {str(place): average for place, average in enumerate(self.averages)}
