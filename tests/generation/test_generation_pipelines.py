"""Real diffusers pipelines, tiny and of random weights, and the lab's trained one, through the same function."""

from __future__ import annotations

import itertools
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")
diffusers = pytest.importorskip("diffusers")

from mimetic2.concepts import Concept  # noqa: E402
from mimetic2.errors import InputError, MissingRequirement  # noqa: E402
from mimetic2.generation import Sampling, generate_images, generate_with  # noqa: E402
from mimetic2.generation.models import resolve_model  # noqa: E402
from mimetic2.generation.pipeline import LocalModel, PipelineBackend  # noqa: E402
from mimetic2.generation.presets import presets  # noqa: E402
from mimetic2.generation.prompts import jobs_of  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")
FAMILIES = ("sd", "sdxl", "sd3", "flux", "pixart")
PROMPTS = ["a painting of a house by {concept}", "a painting of a tree by {concept}"]
ADA = Concept("Ada Keller")
Tiny = Callable[[str], Path]


def pictures(out: Path) -> dict[str, Any]:
    return {p.relative_to(out).as_posix(): np.asarray(Image.open(p)).astype(int) for p in out.rglob("*.png")}


def opened(model: str, sampling: Sampling | None = None, **more: Any) -> PipelineBackend:
    return PipelineBackend(LocalModel(resolve_model(model), sampling or Sampling(), **more))


def painted(backend: Any, jobs: Any) -> list[Any]:
    return [each.picture for _, made in backend.render([jobs]) for each in made]


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_generates(tiny: Tiny, tmp_path: Path, family: str) -> None:
    sampling = Sampling(steps=2, width=16, height=16)
    table = generate_images(str(tiny(family)), [ADA], PROMPTS, tmp_path, images=2, batch_size=3, sampling=sampling)
    assert set(table["status"]) == {"ok"}
    made = pictures(tmp_path)
    assert len(made) == 4
    assert all(picture.shape == (16, 16, 3) for picture in made.values())
    assert all((a != b).any() for a, b in itertools.combinations(made.values(), 2))


@pytest.mark.parametrize("family", FAMILIES)
def test_cached_embeddings_paint_what_the_words_paint(tiny: Tiny, family: str) -> None:
    sampling = Sampling(steps=2, width=16, height=16)
    backend = opened(str(tiny(family)), sampling)
    jobs = jobs_of(ADA.name, PROMPTS, 2, 0)
    ours = painted(backend, jobs)
    generators = [torch.Generator().manual_seed(job.seed) for job in jobs]
    options = {"num_inference_steps": 2, "width": 16, "height": 16, "output_type": "np"}
    if family == "pixart":
        options |= {"use_resolution_binning": False, "clean_caption": False}
    plain = backend._pipeline([job.text for job in jobs], generator=generators, **options).images
    for picture, expected in zip(ours, plain, strict=True):
        assert picture is not None
        assert np.abs(picture.astype(int) - np.rint(expected * 255)).max() <= 1


@pytest.mark.parametrize("family", [*FAMILIES, "lab"])
def test_batch_size_moves_an_image_by_one_grey_level_at_most(tiny: Tiny, tmp_path: Path, family: str) -> None:
    model = "lab" if family == "lab" else str(tiny(family))
    sampling = Sampling() if family == "lab" else Sampling(steps=3, width=16, height=16)
    backend = opened(model, sampling)
    made = []
    for size in (1, 3, 7):
        generate_with(backend, [ADA], PROMPTS, tmp_path / str(size), images=4, batch_size=size)
        made.append(pictures(tmp_path / str(size)))
    for one, other in itertools.combinations(made, 2):
        assert one.keys() == other.keys()
        assert max(np.abs(one[name] - other[name]).max() for name in one) <= 1


@pytest.mark.parametrize("family", FAMILIES)
def test_a_batch_is_the_same_bytes_whatever_was_painted_before(tiny: Tiny, family: str) -> None:
    sampling = Sampling(steps=2, width=16, height=16)
    if family != "flux":  # which takes no negative prompt
        sampling = Sampling(steps=2, width=16, height=16, guidance=3.0, negative_prompt="a boat")
    jobs = jobs_of(ADA.name, PROMPTS, 3, 0)
    batches = [jobs[:1], jobs[1:4], jobs[4:]]
    model = str(tiny(family))
    forwards = [np.stack(painted(opened(model, sampling), batch)) for batch in batches]
    backend = opened(model, sampling)
    backwards = [np.stack(painted(backend, batch)) for batch in reversed(batches)][::-1]
    assert all((one == other).all() for one, other in zip(forwards, backwards, strict=True))


def test_other_concepts_change_no_byte(tmp_path: Path) -> None:
    backend = opened("lab")
    others = [Concept("Bruno Corvo"), ADA, Concept("Carla Novak")]
    generate_with(backend, others, PROMPTS, tmp_path / "three", images=3)
    generate_with(backend, [ADA], PROMPTS, tmp_path / "one", images=3)
    for path in (tmp_path / "one").rglob("*.png"):
        assert path.read_bytes() == (tmp_path / "three" / path.relative_to(tmp_path / "one")).read_bytes()


def test_the_lab_model_brings_its_own_settings() -> None:
    identity = opened("lab").identity()
    assert (identity["num_inference_steps"], identity["guidance_scale"]) == (6, 2.5)


def test_a_negative_prompt_is_used(tiny: Tiny) -> None:
    jobs = jobs_of(ADA.name, PROMPTS, 1, 0)
    model = str(tiny("sd"))
    plain = painted(opened(model, Sampling(steps=2)), jobs)[0]
    negative = painted(opened(model, Sampling(steps=2, negative_prompt="a boat")), jobs)[0]
    assert (plain != negative).any()


def test_nan_weights_give_a_reason_and_no_file(tiny: Tiny, tmp_path: Path) -> None:
    backend = opened(str(tiny("sd")), Sampling(steps=2))
    with torch.no_grad():
        backend._pipeline.unet.conv_out.bias.fill_(float("nan"))
    table = generate_with(backend, [ADA], PROMPTS, tmp_path, images=1)
    assert set(table["reason"]) == {"not a number"}
    assert not list(tmp_path.rglob("*.png"))


def test_what_a_safety_checker_blanks_is_a_reason_and_no_file(
    tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = opened(str(tiny("sd")), Sampling(steps=1))

    def paint(pipeline: Any, jobs: Any) -> Any:
        pictures = np.random.default_rng(0).random((len(jobs), 8, 8, 3), np.float32)
        blanked = [job.prompt == 1 for job in jobs]
        return call(lambda **_: SimpleNamespace(images=pictures, nsfw_content_detected=blanked), jobs)

    call = backend._call
    monkeypatch.setattr(backend, "_call", paint)
    table = generate_with(backend, [ADA], PROMPTS, tmp_path, images=2)
    assert table["reason"].to_list() == [None, None, *["blanked by the safety checker"] * 2]
    assert len(list(tmp_path.rglob("*.png"))) == 2


def test_pickled_weights_are_refused(tiny: Tiny, tmp_path: Path) -> None:
    for name in ("model.ckpt", "model.bin", "model.pt"):
        with pytest.raises(InputError, match="no such file"):
            resolve_model(str(tmp_path / name))
        (tmp_path / name).touch()
        with pytest.raises(MissingRequirement, match="mimetic2 convert"):
            resolve_model(str(tmp_path / name))
    folder = tmp_path / "pickled"
    shutil.copytree(tiny("sd"), folder)
    for weights in folder.rglob("*.safetensors"):
        weights.rename(weights.with_suffix(".bin"))
    with pytest.raises(MissingRequirement, match="mimetic2 convert"):
        resolve_model(str(folder))


@pytest.mark.parametrize(
    ("model", "error", "message"),
    [
        ("sd15", InputError, "did you mean 'sd-1.5'"),
        ("no-such-model", InputError, "accepted: a preset"),
        ("missing.safetensors", InputError, "no such file"),
        ("sdxl-base", MissingRequirement, "--allow-download"),
        ("somebody/some-model", MissingRequirement, "--allow-download"),
    ],
)
def test_models_that_are_not_here(
    model: str, error: type[Exception], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=message):
        resolve_model(model)


def test_a_folder_without_a_pipeline_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"model_index\.json"):
        resolve_model(str(tmp_path))
    (tmp_path / "model_index.json").write_text(json.dumps({"_class_name": "StableDiffusionPipeline"}))
    with pytest.raises(InputError, match=r"no \.safetensors"):
        resolve_model(str(tmp_path))


def test_a_single_checkpoint_asks_for_its_configuration(tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    save_file({"x": np.zeros(1, np.float32)}, tmp_path / "model.safetensors")
    with pytest.raises(MissingRequirement, match="--pipeline-config"):
        opened(str(tmp_path / "model.safetensors"))


def test_presets_say_what_is_known() -> None:
    wanted = {f"sd-1.{n}" for n in range(1, 6)}
    wanted |= {"sd-2.1", "sd-2.1-base", "sdxl-base", "sd-3.5-medium", "flux-schnell", "pixart-sigma"}
    assert set(presets()) == wanted
    assert all(preset.unverified and all(each.source for each in preset.repositories) for preset in presets().values())
