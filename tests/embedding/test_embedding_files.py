"""Decoding, finding, caching and saving, with an embedder so small that every vector can be checked."""

import io
import os
import stat
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

from mimetic2.embedding import DECODER, EmbeddingTable, decode_bytes, embed_images, find_images, get_embedder
from mimetic2.embedding import decoding as decoding_module
from mimetic2.embedding.base import identity_of, normalise
from mimetic2.embedding.finding import NO_FILE, check_images
from mimetic2.errors import InputError


class MeanColour:
    """Mean red, green and blue, normalised; black has no direction."""

    name, version, weights_sha256, licence = "mean-colour", "1", "0" * 64, "none"
    input_size, dim, decoder, centred, options = 1, 3, DECODER, False, ""

    def __init__(self) -> None:
        self.seen = 0

    def embed(self, images):
        self.seen += len(images)
        means = np.array([np.asarray(image, np.float32).mean((0, 1)) for image in images], np.float32)
        return normalise(means), [None if mean.any() else "black" for mean in means]


def encoded(image: Image.Image, kind: str = "PNG", **options) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def write(path: Path, colour=(255, 0, 0), size=(8, 8)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, colour).save(path)
    return path


def test_transparency_is_laid_on_white():
    image, reason = decode_bytes(encoded(Image.new("RGBA", (2, 2), (255, 0, 0, 0))))
    assert reason is None
    assert image.getpixel((0, 0)) == (255, 255, 255)


def test_exif_orientation_is_applied():
    exif = Image.Exif()
    exif[0x0112] = 6
    image, _ = decode_bytes(encoded(Image.new("RGB", (4, 2)), "JPEG", exif=exif))
    assert image.size == (2, 4)


def test_sixteen_bits_become_the_high_byte():
    image, reason = decode_bytes(encoded(Image.fromarray(np.full((2, 2), 0x8034, np.uint16))))
    assert reason is None
    assert image.getpixel((0, 0)) == (0x80, 0x80, 0x80)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
def test_every_mode_becomes_rgb(mode):
    image, reason = decode_bytes(encoded(Image.new(mode, (3, 3))))
    assert (reason, image.mode) == (None, "RGB")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_every_truncation_gives_a_reason_or_an_image(kind):
    noise = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    data = encoded(Image.fromarray(noise), kind)
    for length in range(0, len(data) - len(data) // 3, 7):
        image, reason = decode_bytes(data[:length])
        assert image is None
        assert reason in {"empty file", "not an image", "damaged image"}


def test_bombs_are_refused_before_their_pixels(monkeypatch):
    monkeypatch.setattr(decoding_module, "MAX_PIXELS", 8)
    assert decode_bytes(encoded(Image.new("RGB", (3, 3)))) == (None, "too many pixels")


def test_find_nested_prompts_and_natural_order(tmp_path):
    for name in ("0/10.png", "0/9.png", "1/0.PNG", "x.jpeg"):
        write(tmp_path / "ada keller" / name)
    (tmp_path / "ada keller" / "notes.txt").write_text("no image")
    found = find_images(tmp_path, ["ada keller"])
    assert found.select("prompt", "index").rows() == [("", 0), ("0", 9), ("0", 10), ("1", 0)]


def test_find_other_case_and_separators(tmp_path, capsys):
    write(tmp_path / "ADA-keller" / "1.png")
    write(tmp_path / "bo_lind" / "1.png")
    write(tmp_path / "stranger" / "1.png")
    assert find_images(tmp_path, ["Ada Keller", "Bo Lind"])["concept"].to_list() == ["Ada Keller", "Bo Lind"]
    assert "stranger" in capsys.readouterr().err


def test_nothing_vanishes_without_a_word(tmp_path, capsys):
    """Other kinds of pictures are named, what only looks like an image has a row, and the rest is left alone."""
    write(tmp_path / "ada" / "0.png")
    for name in ("anim.gif", "t.tiff", "b.BMP", "picture", "notes.txt", "Thumbs.db", ".DS_Store"):
        (tmp_path / "ada" / name).write_bytes(b"x")
    (tmp_path / "ada" / "dangling.png").symlink_to(tmp_path / "nowhere.png")
    os.mkfifo(tmp_path / "ada" / "pipe.png")
    write(tmp_path / "loose.png")
    found = find_images(tmp_path, ["ada"])
    said = capsys.readouterr().err
    reasons = {Path(row["path"]).name: row["reason"] for row in found.iter_rows(named=True)}
    assert reasons == {"0.png": None, "dangling.png": NO_FILE, "pipe.png": NO_FILE}
    assert "4 files of other kinds left out: (without an ending) .bmp .gif .tiff" in said
    assert "1 images beside the concepts' folders left out: loose.png" in said
    assert embed_images(found, MeanColour()).usable.sum() == 1


def test_links_to_folders_are_followed_once(tmp_path):
    write(tmp_path / "elsewhere" / "0.png")
    (tmp_path / "root" / "ada").mkdir(parents=True)
    (tmp_path / "root" / "ada" / "prompt").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "round").symlink_to(tmp_path / "root" / "ada")
    assert find_images(tmp_path / "root", ["ada"])["prompt"].to_list() == ["prompt"]


def test_a_folder_without_images_says_what_is_wanted(tmp_path):
    (tmp_path / "ada").mkdir()
    (tmp_path / "ada" / "anim.gif").write_bytes(b"x")
    with pytest.raises(InputError, match=r"holds no image of any concept; accepted: a folder per concept.*\.png"):
        find_images(tmp_path)
    assert find_images(tmp_path, strict=False).is_empty()
    write(tmp_path / "bo" / "0.png")
    with pytest.raises(InputError, match=r"no image of any listed concept \(its folders: ada, bo\)"):
        find_images(tmp_path, ["Carla Novak"])
    with pytest.raises(InputError, match="no image of any listed concept"):
        check_images(tmp_path, ["ada"])
    check_images(tmp_path, ["Bo", "Carla Novak"])


@pytest.mark.parametrize("folders", [("ada-keller", "Ada Keller"), ("ada-keller", "ADA_KELLER")])
def test_two_folders_for_a_concept_are_named(tmp_path, folders):
    for folder in folders:
        write(tmp_path / folder / "1.png")
    with pytest.raises(InputError) as caught:
        find_images(tmp_path, ["Ada Keller"])
    assert all(folder in str(caught.value) for folder in folders)


def test_two_concepts_for_a_folder_are_named(tmp_path):
    write(tmp_path / "ada_keller" / "1.png")
    with pytest.raises(InputError, match="fits both 'Ada Keller' and 'Ada-Keller'"):
        find_images(tmp_path, ["Ada Keller", "Ada-Keller"])


def test_failures_that_generation_recorded_keep_their_reason(tmp_path):
    write(tmp_path / "ada" / "0" / "0.png")
    write(tmp_path / "ada" / "0" / "1.png")
    (tmp_path / "images.csv").write_text(
        "concept,prompt,index,seed,path,status,reason\nada,0,0,1,ada/0/0.png,ok,\nada,0,1,2,,failed,all black\n"
    )
    found = find_images(tmp_path, ["ada"])
    assert found.select("index", "reason").rows() == [(0, None), (1, "all black")]
    table = embed_images(found, MeanColour())
    assert table.frame["reason"].to_list() == [None, "all black"]


@pytest.mark.parametrize("concepts", [None, ["ada", "bruno"]])
def test_images_that_the_table_does_not_name_are_of_an_earlier_call(tmp_path, capsys, concepts):
    for place in ("ada/0/0.png", "ada/0/1.png", "bruno/0/0.png"):
        write(tmp_path / place)
    header = "concept,prompt,index,seed,path,status,reason\n"
    (tmp_path / "images.csv").write_text(f"{header}ada,0,0,1,ada/0/0.png,ok,\ncarla,0,0,1,,excluded,all black\n")
    found = find_images(tmp_path, concepts)
    wanted = [("ada", None)] if concepts else [("ada", None), ("carla", "all black")]
    assert found.select("concept", "reason").rows() == wanted
    assert "2 images that images.csv does not name left out" in capsys.readouterr().err


@pytest.mark.parametrize("make", [lambda path: None, lambda path: path.write_text("")])
def test_find_needs_a_folder(tmp_path, make):
    make(tmp_path / "x")
    with pytest.raises(InputError, match="folder"):
        find_images(tmp_path / "x", None)


def test_bad_files_are_listed_and_never_scored(tmp_path):
    write(tmp_path / "ada" / "0.png")
    write(tmp_path / "ada" / "1.png", (0, 0, 0))
    (tmp_path / "ada" / "2.png").write_bytes(b"")
    (tmp_path / "ada" / "3.png").write_bytes(b"hello")
    table = embed_images(find_images(tmp_path, None), MeanColour())
    assert table.frame["reason"].to_list() == [None, "black", "empty file", "not an image"]
    np.testing.assert_allclose(table.vectors[0], [1, 0, 0])
    assert np.isnan(table.vectors[1:]).all()


def test_a_folder_of_the_user_s_keeps_its_mode(tmp_path):
    write(tmp_path / "images" / "ada" / "0.png")
    cache = tmp_path / "mine"
    cache.mkdir()
    cache.chmod(0o755)
    files, first, second = find_images(tmp_path / "images"), MeanColour(), MeanColour()
    embed_images(files, first, cache)
    embed_images(files, second, cache)
    assert (first.seen, second.seen) == (1, 0)
    assert stat.S_IMODE(cache.stat().st_mode) == 0o755
    assert [entry.name for entry in cache.iterdir()] == ["mimetic2-vectors"]
    assert stat.S_IMODE((cache / "mimetic2-vectors").stat().st_mode) == 0o700


def test_cache_is_private_and_used_for_equal_bytes_only_by_the_same_embedder(tmp_path):
    images, cache = tmp_path / "images", tmp_path / "cache"
    write(images / "ada" / "0.png")
    write(images / "bo" / "0.png")
    write(images / "bo" / "1.png", (0, 255, 0))
    files, first, second = find_images(images, None), MeanColour(), MeanColour()
    made = embed_images(files, first, cache)
    again = embed_images(files, second, cache)
    assert (first.seen, second.seen) == (2, 0)
    assert stat.S_IMODE(cache.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in cache.glob("*.sqlite")} == {0o600}
    np.testing.assert_array_equal(made.vectors, again.vectors)
    assert made.frame.equals(again.frame)
    for attribute in ("version", "weights_sha256", "decoder", "options"):
        other = MeanColour()
        setattr(other, attribute, "another")
        embed_images(files, other, cache)
        assert other.seen == 2


def test_table_survives_saving_with_its_identity(tmp_path):
    write(tmp_path / "ada" / "0.png")
    write(tmp_path / "ada" / "1.png", (0, 0, 0))
    table = embed_images(find_images(tmp_path, None), MeanColour())
    table.save(tmp_path / "vectors.parquet")
    loaded = EmbeddingTable.load(tmp_path / "vectors.parquet")
    assert loaded.identity == table.identity == identity_of(MeanColour())
    assert loaded.frame.equals(table.frame)
    np.testing.assert_array_equal(loaded.vectors, table.vectors)
    assert stat.S_IMODE((tmp_path / "vectors.parquet").stat().st_mode) == 0o600


def test_other_parquet_files_are_refused(tmp_path):
    pl.DataFrame({"a": [1]}).write_parquet(tmp_path / "x.parquet")
    with pytest.raises(InputError, match="no table of embeddings"):
        EmbeddingTable.load(tmp_path / "x.parquet")


def test_unknown_embedder_gets_a_suggestion():
    with pytest.raises(InputError, match="did you mean 'dlib-face'"):
        get_embedder("dlib-faces")


def test_third_parties_register_by_entry_point(monkeypatch):
    from mimetic2.embedding import registry

    class Point:
        dist = None
        module = "somewhere"
        name = "mean-colour"

        def load(self):
            return lambda weights: MeanColour()

    monkeypatch.setattr(registry, "entry_points", lambda group: [Point()])
    assert get_embedder("mean-colour").name == "mean-colour"
    assert "mean-colour" in registry.embedder_names()
