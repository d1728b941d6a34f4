"""What a study will cost: images, hours, disk, images to fetch; each with the rate it rests on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mimetic2.planning import assumptions as given

if TYPE_CHECKING:
    from mimetic2.study import Study


@dataclass(frozen=True)
class Cost:
    """``images`` to generate (expected, and at most ``most``, where later ones depend on the first), ``hours`` on one
    device, ``gigabytes`` on disk, ``to_fetch`` images of captions; None: not known, or nothing to do."""

    concepts: int
    prompts: int
    images: int
    most: int
    hours: float | None
    gigabytes: float | None
    to_fetch: int | None
    rates: tuple[str, ...]


def cost_of(
    study: Study,
    concepts: int,
    prompts: int,
    *,
    images: float,
    mentions: list[float] | None = None,
    images_per_second: float | None = None,
) -> Cost:
    """Of generating ``images`` images for each of ``concepts`` concepts, on average.

    ``mentions``: rows that name each concept, where that is known.
    """
    to_fetch, rates = None, []
    if study.captions is not None:
        known = mentions is not None
        to_fetch = int(sum(min(study.sample, m) for m in mentions)) if mentions is not None else study.sample * concepts
        rates.append("images to fetch: " + ("as counted" if known else f"at most, {study.sample} a concept"))
    if study.model is None:
        return Cost(concepts, prompts, 0, 0, None, None, to_fetch, (*rates, "images are given: nothing to generate"))
    total = most = round(concepts * images)
    if study.adaptive is not None:
        first, limit = concepts * prompts * study.images, concepts * prompts * study.adaptive.most
        most = max(first, min(limit, study.adaptive.budget or limit))
    rate, said = _rate(study.model, images_per_second)
    size, size_said = _size(study.model)
    hours = None if rate is None else total / rate / 3600
    gigabytes = None if size is None else total * size / 1e9
    return Cost(concepts, prompts, total, most, hours, gigabytes, to_fetch, (*rates, said, size_said))


def _rate(model: str, images_per_second: float | None) -> tuple[float | None, str]:
    from mimetic2.generation.presets import presets

    if images_per_second is not None:
        return images_per_second, f"speed: {images_per_second:g} images/s, as given"
    if model == "lab":
        rate = given.LAB_IMAGES_PER_SECOND
        return rate, f"speed: {rate:g} images/s, measured on one core of a shared machine"
    preset = presets().get(model)
    if preset is None:
        return None, "speed: not known for this model; --images-per-second gives it"
    share = preset.size**2 / given.GPU_PIXELS * preset.memory / given.GPU_MEMORY
    rate = given.GPU_STEPS_PER_SECOND / (preset.steps * share)
    return rate, (
        f"speed: {rate:.3g} images/s, ASSUMED, not measured: {given.GPU_STEPS_PER_SECOND:g} denoising steps a second "
        f"of a 512 px, {given.GPU_MEMORY:g} GB model, {preset.steps} steps at {preset.size} px, {preset.memory:g} GB"
    )


def _size(model: str) -> tuple[float | None, str]:
    from mimetic2.generation.presets import presets

    if model == "lab":
        return given.LAB_IMAGE_BYTES, f"disk: {given.LAB_IMAGE_BYTES:,} bytes an image, measured"
    preset = presets().get(model)
    if preset is None:
        return None, "disk: not known for this model"
    return preset.size**2 * given.BYTES_PER_PIXEL, f"disk: {given.BYTES_PER_PIXEL:g} bytes a pixel, ASSUMED, as PNG"
