"""The two networks in a folder of ONNX files: which is the detector, which the recogniser, and how to run them.

Packs of face models hold others too (landmarks, age); roles are told by the graphs' inputs and outputs, not by names.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mimetic2.embedding.alignment import SIZE
from mimetic2.embedding.scrfd import LEVELS, Values
from mimetic2.errors import InputError, MissingRequirement

DETECTOR, RECOGNISER = "detector", "recogniser"
WANTED = "a folder with one SCRFD detector that gives landmarks (…kps) and one ArcFace network, both .onnx"
_DETECTION_SIZE = 640
_WITHOUT_LANDMARKS = (6, 10)
_CPU, _GPU = "CPUExecutionProvider", "CUDAExecutionProvider"


@dataclass(frozen=True, slots=True)
class Graph:
    """What a file's graph says of itself.

    ``size`` of the square input (None where it is free), ``outputs``, ``width`` of the first output's rows, whether
    the network brings its pixels to [-1, 1] itself.
    """

    path: Path
    size: int | None
    outputs: int
    width: int | None
    normalises: bool

    @property
    def role(self) -> str | None:
        """Detector, recogniser, or neither."""
        if self.outputs in LEVELS:
            return DETECTOR
        return RECOGNISER if self.outputs == 1 and self.size == SIZE and self.width else None

    @property
    def detection_size(self) -> int:
        """The side of the square in which faces are looked for."""
        return self.size or _DETECTION_SIZE


def find_models(folder: Path) -> tuple[Graph, Graph]:
    """Detector and recogniser of a folder; raises where there is not exactly one of each."""
    for package in ("onnxruntime", "onnx"):
        if importlib.util.find_spec(package) is None:
            raise MissingRequirement.extra(package, "onnx", "the embedder arcface-onnx")  # noqa: S610 - no database here
    if not folder.is_dir():
        raise InputError("is a file" if folder.exists() else "no such folder", file=folder, accepted=WANTED)
    graphs = [read_graph(path) for path in sorted(folder.glob("*.onnx"))]
    detector, recogniser = (_only(graphs, role, folder) for role in (DETECTOR, RECOGNISER))
    return detector, recogniser


def _only(graphs: Sequence[Graph], role: str, folder: Path) -> Graph:
    found = [graph for graph in graphs if graph.role == role]
    if len(found) == 1:
        return found[0]
    names = ", ".join(graph.path.name for graph in found)
    problem = f"holds {len(found)} networks that can be the {role} ({names})" if found else f"holds no {role}"
    blind = [graph.path.name for graph in graphs if graph.outputs in _WITHOUT_LANDMARKS]
    if role == DETECTOR and not found and blind:
        problem += f"; {blind[0]} gives no landmarks"
    raise InputError(problem, file=folder, accepted=WANTED)


def read_graph(path: Path) -> Graph:
    """The facts of an ONNX file, without its weights being run."""
    import onnx
    from google.protobuf.message import DecodeError

    try:
        graph = onnx.load(path, load_external_data=False).graph
    except DecodeError as error:
        raise InputError("is no ONNX file", file=path, accepted=WANTED) from error
    weights = {tensor.name for tensor in graph.initializer}
    inputs = [_shape(each) for each in graph.input if each.name not in weights]
    square = len(inputs) == 1 and len(inputs[0]) == 4 and inputs[0][2] == inputs[0][3]
    first = {node.op_type for node in graph.node[:8]}
    return Graph(
        path=path,
        size=inputs[0][2] if square else None,
        outputs=len(graph.output),
        width=(_shape(graph.output[0]) or [None])[-1] if graph.output else None,
        # Networks exported from MXNet begin with a subtraction and a scaling; the others get (x - 127.5) / 127.5.
        normalises="Sub" in first and bool(first & {"Mul", "Div"}),
    )


def _shape(value: Any) -> list[int | None]:
    """Sides of a tensor; None where they are free."""
    return [side.dim_value or None for side in value.type.tensor_type.shape.dim]


def open_model(path: Path, providers: Sequence[Any]) -> Callable[[Values], list[Values]]:
    """A function from the only input to all outputs of the file's network."""
    import onnxruntime

    settings = onnxruntime.SessionOptions()
    settings.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(str(path), settings, providers=list(providers))
    except Exception as error:  # onnxruntime's exceptions have no common base but this
        problem = " ".join(str(error).split())[:200]
        raise InputError(f"cannot be run ({problem})", file=path, accepted=WANTED) from error
    if providers[0] != _CPU and session.get_providers()[0] == _CPU:  # it changes to the CPU without saying so
        raise MissingRequirement("onnxruntime cannot use the GPU here: mend its CUDA libraries, or give --device cpu")
    name = session.get_inputs()[0].name
    return lambda values: list(session.run(None, {name: values}))


def providers_for(device: str | None) -> list[Any]:
    """onnxruntime's providers for a device as torch names it; without one, a GPU if onnxruntime was built for one."""
    import onnxruntime

    for_gpu = _GPU in onnxruntime.get_available_providers()
    kind, _, number = (device or ("cuda" if for_gpu else "cpu")).partition(":")
    if kind == "cpu" and not number:
        return [_CPU]
    if kind != "cuda" or (number and not number.isdecimal()):
        raise InputError(f"unknown device '{device}'", accepted="cpu, cuda, cuda:N")
    if not for_gpu:
        raise MissingRequirement(f"the device {device} needs onnxruntime-gpu: install it in place of onnxruntime")
    return [(_GPU, {"device_id": int(number or 0)})]
