"""Packed linear layers compute what plain ones compute."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mimetic2.generation.packing import pack_convolutions, pack_linear_layers

torch = pytest.importorskip("torch")


@pytest.mark.parametrize("shape", [(7,), (1, 7), (3, 5, 7), (2, 3, 4, 7)])
@pytest.mark.parametrize("bias", [True, False])
def test_a_packed_layer_multiplies(shape: tuple[int, ...], bias: bool) -> None:
    torch.manual_seed(0)
    layer, rows = torch.nn.Linear(7, 11, bias=bias), torch.randn(shape)
    weight, shift = layer.weight.detach().numpy().copy(), layer.bias.detach().numpy() if bias else 0
    assert pack_linear_layers(layer) == 1
    with torch.inference_mode():
        np.testing.assert_allclose(layer(rows).numpy(), rows.numpy() @ weight.T + shift, atol=1e-6)
    assert layer.weight.dtype == torch.float32


def test_only_plain_layers_in_single_precision_are_packed() -> None:
    class Own(torch.nn.Linear):  # type: ignore[misc]
        """A layer of another's making, which may compute something else."""

    network = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.ReLU(), Own(4, 4), torch.nn.Linear(4, 4).bfloat16())
    assert pack_linear_layers(network) == 1
    assert "forward" in vars(network[0])
    assert "forward" not in vars(network[2])
    assert "forward" not in vars(network[3])


@pytest.mark.parametrize(
    "given",
    [{}, {"padding": 1}, {"stride": 2, "padding": 1}, {"bias": False}, {"groups": 2}, {"dilation": 2, "padding": 2}],
)
def test_a_packed_convolution_gives_the_same_bytes(given: dict[str, Any]) -> None:
    torch.manual_seed(0)
    layer = torch.nn.Conv2d(4, 6, 3, **given).to(memory_format=torch.channels_last)
    shapes = [(2, 4, 8, 8), (5, 4, 8, 8), (2, 4, 16, 12), (2, 4, 8, 8)]
    maps = [torch.randn(shape).contiguous(memory_format=torch.channels_last) for shape in shapes]
    with torch.inference_mode():
        expected = [layer(each).numpy() for each in maps]
        assert pack_convolutions(layer) == 1
        for before, each in zip(expected, maps, strict=True):
            np.testing.assert_array_equal(layer(each).numpy(), before)


def test_unusual_convolutions_stay() -> None:
    kinds = [{"padding_mode": "reflect", "padding": 1}, {"padding": "same"}]
    network = torch.nn.Sequential(*(torch.nn.Conv2d(2, 2, 3, **kind) for kind in kinds))
    assert pack_convolutions(network) == 0


def test_without_onednn_nothing_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    def no() -> Any:
        return False

    monkeypatch.setattr(torch.backends.mkldnn, "is_available", no)
    layer = torch.nn.Linear(4, 4)
    assert pack_linear_layers(layer) == pack_convolutions(torch.nn.Conv2d(4, 4, 3)) == 0
    assert layer.weight.layout == torch.strided
