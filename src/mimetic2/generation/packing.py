"""Weights in the order that oneDNN's kernels read, for pictures painted on a CPU.

torch multiplies with MKL in linear layers, which takes twice as long as oneDNN on some processors, and brings the
weights of a convolution into order at each call, which takes a tenth of a call where batches are small. The operations
are those that torch's own compiler puts in their place; they are not of its public interface, so a torch without them
does without. Those of linear layers round differently; convolutions give the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def pack_linear_layers(network: Any) -> int:
    """Replace the weights of a network's linear layers in single precision by packed ones; how many, 0 without oneDNN.

    The network cannot be trained or saved afterwards.
    """

    def packed(layer: Any) -> Callable[[Any], Any]:
        import torch

        weight, bias, multiply = layer.weight.detach().to_mkldnn(), layer.bias, torch.ops.mkldnn._linear_pointwise
        layer.weight = torch.nn.Parameter(weight, requires_grad=False)  # no second copy, and dtype still to be read
        return lambda rows: multiply.default(rows, weight, bias, "none", [], "")

    return _replace(network, "Linear", packed)


def pack_convolutions(network: Any) -> int:
    """Let a network's convolutions in single precision keep packed weights beside the plain ones; how many.

    The order depends on the shape of what comes in; it is found again when another shape comes.
    """

    def packed(layer: Any) -> Callable[[Any], Any]:
        import torch

        plain, bias = layer.weight.detach().to_mkldnn(), layer.bias
        how = (layer.padding, layer.stride, layer.dilation, layer.groups)
        convolve = torch.ops.mkldnn._convolution_pointwise.default
        reorder: Any = torch._C._nn.mkldnn_reorder_conv2d_weight
        known: tuple[Any, Any] = (None, None)

        def forward(maps: Any) -> Any:
            nonlocal known
            shape, weight = known  # one object, as threads may replace it meanwhile
            if shape != maps.shape:
                weight = reorder(plain, *how, list(maps.shape))
                known = (maps.shape, weight)
            return convolve(maps, weight, bias, *how, "none", [], "")

        return forward

    def plain_padding(layer: Any) -> bool:
        return layer.padding_mode == "zeros" and not isinstance(layer.padding, str)

    return _replace(network, "Conv2d", packed, plain_padding)


def _replace(
    network: Any,
    kind: str,
    packed: Callable[[Any], Callable[[Any], Any]],
    fits: Callable[[Any], bool] = lambda layer: True,
) -> int:
    import torch

    if not _has_operations():
        return 0
    found = [each for each in network.modules() if type(each) is getattr(torch.nn, kind) and fits(each)]
    found = [each for each in found if each.weight.dtype == torch.float32]
    for layer in found:
        layer.forward = packed(layer)
    return len(found)


def _has_operations() -> bool:
    import torch

    there: bool = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    packed = all(hasattr(torch.ops.mkldnn, name) for name in ("_linear_pointwise", "_convolution_pointwise"))
    return there and packed and hasattr(torch._C._nn, "mkldnn_reorder_conv2d_weight")
