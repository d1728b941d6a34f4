"""Near duplicates: drawn pictures and copies of them, told apart by the picture and by the vector."""

import io
import zlib
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from PIL import Image, ImageDraw, ImageEnhance

from mimetic2.embedding import DECODER, EmbeddingTable, Identity
from mimetic2.embedding.decoding import fingerprint
from mimetic2.errors import InputError
from mimetic2.scoring import score_concepts
from mimetic2.scoring.duplicates import MAX_BITS, near_duplicates


def drawing(seed, side=160):
    rng = np.random.default_rng(seed)
    image = Image.new("RGB", (side, side), tuple(rng.integers(0, 256, 3).tolist()))
    pen = ImageDraw.Draw(image)
    for _ in range(25):
        x, y, r = rng.integers(0, side, 3).tolist()
        pen.ellipse((x - r // 3, y - r // 3, x + r // 3, y + r // 3), fill=tuple(rng.integers(0, 256, 3).tolist()))
    return image


def copy(image, quality=60, scale=0.5):
    small = image.resize((round(image.width * scale), round(image.height * scale)), Image.Resampling.BICUBIC)
    data = io.BytesIO()
    small.save(data, "JPEG", quality=quality)
    return Image.open(data).convert("RGB")


def images(rows, *, vectors=None):
    """rows: (concept, path, image or None)."""
    frame = pl.DataFrame(
        {
            "concept": [row[0] for row in rows],
            "prompt": [""] * len(rows),
            "index": list(range(len(rows))),
            "path": [row[1] for row in rows],
            "sha256": [f"{place:064x}" for place in range(len(rows))],
            "reason": pl.Series([None] * len(rows), dtype=pl.String),
            "fingerprint": pl.Series([None if r[2] is None else fingerprint(r[2]) for r in rows], dtype=pl.Binary),
        }
    )
    seeds = [zlib.crc32(row[1].encode()) for row in rows]
    made = np.asarray([np.random.default_rng(s).normal(size=64) for s in seeds] if vectors is None else vectors)
    made = made / np.linalg.norm(made, axis=1, keepdims=True)
    return EmbeddingTable(Identity("test", "1", "0" * 64, DECODER, made.shape[1]), frame, made.astype(np.float32))


def differing(a, b):
    return int(
        np.bitwise_count(np.frombuffer(fingerprint(a), np.uint8) ^ np.frombuffer(fingerprint(b), np.uint8)).sum()
    )


def test_the_hash_survives_rescaling_recompression_and_brightness_and_tells_drawings_apart():
    pictures = [drawing(seed) for seed in range(30)]
    for change in (copy, lambda image: ImageEnhance.Contrast(image).enhance(0.8)):
        assert sum(differing(picture, change(picture)) <= MAX_BITS for picture in pictures) >= 28
    nearest = min(differing(a, b) for place, a in enumerate(pictures) for b in pictures[:place])
    assert nearest > 2 * MAX_BITS


def test_the_hash_is_the_sign_of_low_frequencies_by_definition():
    image = drawing(3)
    grey = np.asarray(image.convert("L").resize((64, 64), Image.Resampling.BOX), float)
    cosine = [[np.cos(np.pi * k * (2 * x + 1) / 128) for x in range(64)] for k in range(16)]
    low = np.array([[sum(np.outer(cosine[i], cosine[j]).ravel() * grey.ravel()) for j in range(16)] for i in range(16)])
    bits = np.unpackbits(np.frombuffer(fingerprint(image), np.uint8)).reshape(16, 16).astype(bool)
    low[0, 0] = np.median(low)
    away = np.abs(low - np.median(low)) > 0.01
    assert (bits == (low > np.median(low)))[away].all()
    assert away.mean() > 0.95


def test_copies_are_found_with_what_they_copy_and_of_which_kind():
    real = [drawing(seed) for seed in range(6)]
    made = images(
        [("a", "made/copy.png", copy(real[4])), ("a", "made/own.png", drawing(90)), ("b", "made/b.png", real[0])]
    )
    tables = {
        "reference": images([("a", f"ref/{i}.png", real[i]) for i in range(3)]),
        "training": images([("a", f"https://x/{i}", real[i]) for i in (3, 4, 5)]),
    }
    found = near_duplicates(made, tables)
    assert found.select("concept", "generated", "kind", "real", "sign").rows() == [
        ("a", "made/copy.png", "training", "https://x/4", "picture")
    ]
    assert found["bits"][0] <= MAX_BITS


def test_a_vector_nearer_than_any_two_real_ones_is_a_hint_unless_real_ones_are_as_near():
    rng = np.random.default_rng(1)
    base = rng.normal(size=(5, 64))
    rows = [("a", f"{i}", drawing(i)) for i in range(5)]
    made = images(
        [("a", "near", drawing(50)), ("a", "far", drawing(51))], vectors=[base[2] + 1e-3, rng.normal(size=64)]
    )
    found = near_duplicates(made, {"reference": images(rows, vectors=base)})
    assert found.select("generated", "real", "sign").rows() == [("near", "2", "vector")]
    assert found["bits"][0] > MAX_BITS
    twins = np.vstack([base, base[:1]])
    alike = images([*rows, ("a", "5", drawing(70))], vectors=twins)
    assert near_duplicates(made, {"reference": alike}).is_empty()
    copied = images([*rows, ("a", "5", copy(drawing(0)))], vectors=twins)
    assert near_duplicates(made, {"reference": copied}).height == 1


def test_vectors_of_another_embedder_are_refused():
    made, real = images([("a", "x", drawing(1))]), images([("a", "y", drawing(2))])
    other = EmbeddingTable(replace(real.identity, weights_sha256="1" * 64), real.frame, real.vectors)
    with pytest.raises(InputError, match="not comparable"):
        near_duplicates(made, {"reference": other})


def test_images_without_hash_or_vector_are_no_duplicates_of_one_another():
    made = images([("a", "x", None)], vectors=[[np.nan] * 4])
    real = images([("a", "y", None), ("a", "z", drawing(1))], vectors=[[np.nan] * 4, [1, 0, 0, 0]])
    assert near_duplicates(made, {"reference": real}).is_empty()


@pytest.mark.parametrize("kinds", [{}, {"reference": []}])
def test_nothing_real_gives_an_empty_table(kinds):
    tables = {kind: images([("b", "y", drawing(2))]) for kind in kinds}
    assert near_duplicates(images([("a", "x", drawing(2))]), tables).is_empty()


def test_scoring_reports_copies_of_training_images_apart():
    pictures = [drawing(seed) for seed in range(8)]
    made = images([("a", f"made/{i}", pictures[i]) for i in range(2)])
    reference = images([("a", f"ref/{i}", pictures[i + 2]) for i in range(3)])
    training = images([("a", "https://x/0", pictures[0])])
    result = score_concepts(made, reference, training=training)
    assert result.near_duplicates["real"].to_list() == ["https://x/0"]
    assert result.to_dict()["memorised"] == {
        "generated": 2,
        "real": {"reference": 3, "training": 1},
        "picture": 1,
        "vector": 0,
        "concepts": 1,
    }
    assert score_concepts(made, reference).near_duplicates.is_empty()


def test_the_command_looks_for_copies_of_training_images(tmp_path, capsys):
    from mimetic2.cli.main import run

    pytest.importorskip("torch")
    for name in ("ann", "ben"):
        for index in range(3):
            seed = 10 * index + (name == "ben")
            for folder, offset in (("reference", 0), ("generated", 100), ("training", 200)):
                place = tmp_path / folder / name / f"{index}.png"
                place.parent.mkdir(parents=True, exist_ok=True)
                drawing(seed + offset, side=96).save(place)
    copy(drawing(201, side=96), scale=0.8).save(tmp_path / "generated" / "ben" / "9.png")
    sides = [f"--{name}={tmp_path / name}" for name in ("reference", "generated", "training")]
    assert run(["score", *sides, "--embedder", "style-lite", "--out", str(tmp_path / "scores.csv")]) == 0
    assert "1 generated images nearly equal a real one" in capsys.readouterr().out
    rows = pl.read_csv(tmp_path / "scores.near_duplicates.csv")
    assert [rows[column].to_list() for column in ("concept", "kind", "sign")] == [["ben"], ["training"], ["picture"]]
