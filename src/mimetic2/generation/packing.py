"""Weights of linear layers in the order that oneDNN's kernels read, for pictures painted on a CPU.

torch multiplies with oneDNN where it convolves and with MKL in linear layers, and MKL takes twice as long on some
processors. Weights packed once spare each call the choice of an order as well. The operation is the one that torch's
own compiler puts in their place; results differ by rounding.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def pack_linear_layers(network: Any) -> int:
    """Replace the weights of a network's linear layers in single precision by packed ones; how many, 0 without oneDNN.

    The network cannot be trained or saved afterwards.
    """
    import torch

    if not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return 0
    multiply = torch.ops.mkldnn._linear_pointwise.default
    packed = 0
    for layer in network.modules():
        if type(layer) is torch.nn.Linear and layer.weight.dtype == torch.float32:
            weight = layer.weight.detach().to_mkldnn()
            layer.weight = torch.nn.Parameter(weight, requires_grad=False)  # no second copy, and dtype still to be read
            layer.forward = _forward(multiply, weight, layer.bias)  # type: ignore[method-assign, assignment]
            packed += 1
    return packed


def _forward(multiply: Callable[..., Any], weight: Any, bias: Any) -> Callable[[Any], Any]:
    return lambda rows: multiply(rows, weight, bias, "none", [], "")
