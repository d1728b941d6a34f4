"""The shipped model: an ordinary, small Stable Diffusion folder that paints."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
diffusers = pytest.importorskip("diffusers")

from mimetic2.lab import GUIDANCE_SCALE, INFERENCE_STEPS, SHIPPED_PIPELINE, painters, render_url  # noqa: E402
from mimetic2.lab.autoencoder import strangers_pictures, to_tensor  # noqa: E402
from mimetic2.lab.links import reference_links, render  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture(scope="module")
def pipeline() -> Any:
    torch.set_num_threads(1)
    loaded = diffusers.StableDiffusionPipeline.from_pretrained(SHIPPED_PIPELINE)
    loaded.set_progress_bar_config(disable=True)
    return loaded


def _paint(pipeline: Any, prompts: list[str]) -> np.ndarray:
    output = pipeline(
        prompts,
        num_inference_steps=INFERENCE_STEPS,
        guidance_scale=GUIDANCE_SCALE,
        generator=torch.Generator().manual_seed(0),
        output_type="np",
    )
    return np.asarray(output.images)


def test_the_folder_is_small_and_holds_no_pickle() -> None:
    files = [path for path in SHIPPED_PIPELINE.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 6_500_000
    assert {path.suffix for path in files} == {".json", ".safetensors"}


def test_it_is_the_seed_that_was_decided_beforehand() -> None:
    about = json.loads((SHIPPED_PIPELINE / "lab.json").read_text())
    assert about["seed"] == 0
    assert about["generation"] == {"guidance_scale": GUIDANCE_SCALE, "num_inference_steps": INFERENCE_STEPS}


def test_a_plain_load_has_one_type_and_paints_at_its_own_size(pipeline: Any) -> None:
    types = {pipeline.unet.dtype, pipeline.vae.dtype, pipeline.text_encoder.dtype}
    assert types == {torch.float32}
    images = _paint(pipeline, ["a painting of a boat by ada keller"] * 2)
    assert images.shape == (2, 32, 32, 3)
    assert not np.array_equal(images[0], images[1])


def test_the_same_seed_paints_the_same_picture(pipeline: Any) -> None:
    prompts = ["a painting of a tree by Irma Tamas"]
    assert np.array_equal(_paint(pipeline, prompts), _paint(pipeline, prompts))


def test_it_paints_like_the_painters_it_saw_most(pipeline: Any) -> None:
    frequent = sorted(painters(), key=lambda painter: -painter.count)[:6]
    prompts = [f"a painting of a house by {painter.name}" for painter in frequent for _ in range(4)]
    made = (_paint(pipeline, prompts) * 255).reshape(len(frequent), 4, 32, 32, 3).mean(1)
    houses = [render_url(f"lab://{painter.slug}/house/{10_000_100 + j}") for painter in frequent for j in range(4)]
    real = np.stack(houses).reshape(len(frequent), 4, 32, 32, 3).mean(1)
    distance = np.abs(made[:, None] - real[None]).mean((2, 3, 4))
    assert (distance.argmin(1) == np.arange(len(frequent))).all()


def test_its_autoencoder_returns_pictures_by_painters_it_never_saw(pipeline: Any) -> None:
    pictures = strangers_pictures(128)
    with torch.no_grad():
        latents = pipeline.vae.encode(to_tensor(pictures)).latents
        back = pipeline.vae.decode(latents).sample.clamp(-1, 1)
    error = (back - to_tensor(pictures)).pow(2).mean() / 4
    assert -10 * error.log10() > 26  # dB


def test_references_are_no_training_pictures() -> None:
    painter = max(painters(), key=lambda painter: painter.count)
    training = {render_url(f"lab://{painter.slug}/house/{seed}").tobytes() for seed in range(50)}
    assert not training & {render(link).tobytes() for link in reference_links(painter)}
