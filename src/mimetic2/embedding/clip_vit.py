"""CLIP's image tower under the parameter names of OpenAI's release, so that checkpoints load as they are.

A vision transformer with a class token, pre-normalised blocks and the sigmoid approximation of GELU (Radford et al.
2021; Dosovitskiy et al. 2021). All sizes are read off the weights; a head has 64 channels.
"""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn

HEAD = 64


class QuickGelu(nn.Module):
    """x · sigmoid(1.702 x)."""

    def forward(self, x: Tensor) -> Tensor:
        """Any shape, elementwise."""
        return x * torch.sigmoid(1.702 * x)


class Block(nn.Module):
    """Self-attention and a fourfold hidden layer, each normalised before and added after."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.ln_1, self.ln_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attn = nn.MultiheadAttention(width, width // HEAD, batch_first=True)
        parts = (("c_fc", nn.Linear(width, 4 * width)), ("gelu", QuickGelu()), ("c_proj", nn.Linear(4 * width, width)))
        self.mlp = nn.Sequential(OrderedDict(parts))

    def forward(self, x: Tensor) -> Tensor:
        """(n, tokens, width) to the same."""
        y = self.ln_1(x)
        x = x + self.attn(y, y, y, need_weights=False)[0]
        out: Tensor = x + self.mlp(self.ln_2(x))
        return out


class Blocks(nn.Module):
    """The blocks, one after another."""

    def __init__(self, width: int, layers: int) -> None:
        super().__init__()
        self.resblocks = nn.Sequential(*(Block(width) for _ in range(layers)))

    def forward(self, x: Tensor) -> Tensor:
        """(n, tokens, width) to the same."""
        out: Tensor = self.resblocks(x)
        return out


class ClipViT(nn.Module):
    """(n, 3, s, s) to the class token after the last normalisation, (n, width); the projection is left to others."""

    def __init__(self, width: int, layers: int, patch: int, grid: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, patch, patch, bias=False)
        self.class_embedding = nn.Parameter(torch.zeros(width))
        self.positional_embedding = nn.Parameter(torch.zeros(grid * grid + 1, width))
        self.ln_pre, self.ln_post = nn.LayerNorm(width), nn.LayerNorm(width)
        self.transformer = Blocks(width, layers)

    def forward(self, x: Tensor) -> Tensor:
        """Normalised pixels to features."""
        patches = self.conv1(x).flatten(2).transpose(1, 2)
        first = self.class_embedding.expand(len(x), 1, -1)
        tokens = self.ln_pre(torch.cat([first, patches], 1) + self.positional_embedding)
        out: Tensor = self.ln_post(self.transformer(tokens)[:, 0])
        return out
