"""Which copies of a picture its hash still recognises: shares over the images below a folder.

python benchmarks/copies.py FOLDER
"""

import io
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance, ImageOps

from mimetic2.embedding.decoding import decode, fingerprint
from mimetic2.embedding.finding import image_files
from mimetic2.scoring.duplicates import MAX_BITS

LEAST_SIDE = 100


def jpeg(image: Image.Image, quality: int) -> Image.Image:
    """Through JPEG and back."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return Image.open(buffer).convert("RGB")


def crop(image: Image.Image, share: float) -> Image.Image:
    """Half of the share cut off on each side."""
    width, height = image.size
    return image.crop(tuple(int(side * part) for part in (share / 2, 1 - share / 2) for side in (width, height)))


COPIES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "JPEG 20": lambda image: jpeg(image, 20),
    "half, JPEG 50": lambda image: jpeg(ImageOps.scale(image, 0.5), 50),
    "a third, JPEG 30": lambda image: jpeg(ImageOps.scale(image, 1 / 3), 30),
    "double": lambda image: ImageOps.scale(image, 2),
    "a tenth narrower": lambda image: image.resize((int(image.width * 0.9), image.height)),
    "a fifth brighter": lambda image: ImageEnhance.Brightness(image).enhance(1.2),
    "grey": lambda image: image.convert("L").convert("RGB"),
    "crop of 2 %": lambda image: crop(image, 0.02),
    "crop of 5 %": lambda image: crop(image, 0.05),
    "mirrored": ImageOps.mirror,
}


def main() -> None:
    """Print for each kind of copy the share that is recognised, and how near different images come."""
    images = []
    for path in image_files(Path(sys.argv[1])):
        image, _ = decode(path)
        if image is not None and min(image.size) >= LEAST_SIDE:
            images.append(image)
    own = np.stack([np.frombuffer(fingerprint(image), np.uint8) for image in images])
    print(f"{len(images)} images")
    for name, changed in COPIES.items():
        theirs = np.stack([np.frombuffer(fingerprint(changed(image)), np.uint8) for image in images])
        bits = np.bitwise_count(own ^ theirs).sum(1)
        print(f"{name}: {(bits <= MAX_BITS).mean():.3f} found, {np.median(bits):.0f} bits differ, {bits.max()} at most")
    apart = np.stack([np.bitwise_count(own ^ mark).sum(1) for mark in own])
    np.fill_diagonal(apart, 256)
    print(f"two different images differ in {apart.min()} bits at least")


if __name__ == "__main__":
    main()
