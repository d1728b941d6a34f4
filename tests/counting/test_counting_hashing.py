"""The hash of pairs against the algorithm written out plainly, its second half against the hash that Python has."""

from __future__ import annotations

import hashlib
import json
import struct
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mimetic2.counting.hashing import LONG, _each_word, aligned, key_of, keyed_hashes, siphash13

pa = pytest.importorskip("pyarrow")

PYTHON = "import json, sys; print(json.dumps([hash(bytes.fromhex(text)) for text in json.load(sys.stdin)]))"


def plain_siphash13(key: bytes, text: bytes) -> int:
    """One text, with Python's unbounded integers."""
    k0, k1 = (int.from_bytes(key[at : at + 8], "little") for at in (0, 8))
    v = [k0 ^ 0x736F6D6570736575, k1 ^ 0x646F72616E646F6D, k0 ^ 0x6C7967656E657261, k1 ^ 0x7465646279746573]

    def rotate(word: int, bits: int) -> int:
        return (word << bits | word >> 64 - bits) % 2**64

    def mix() -> None:
        for a, b, c, d, s, t in ((0, 1, 2, 3, 13, 16), (2, 1, 0, 3, 17, 21)):
            v[a] = (v[a] + v[b]) % 2**64
            v[c] = (v[c] + v[d]) % 2**64
            v[b], v[d] = rotate(v[b], s) ^ v[a], rotate(v[d], t) ^ v[c]
            v[a] = rotate(v[a], 32)

    padded = text + bytes(7 - len(text) % 8) + bytes([len(text) % 256])
    for at in range(0, len(padded), 8):
        word = int.from_bytes(padded[at : at + 8], "little")
        v[3] ^= word
        mix()
        v[0] ^= word
    v[2] ^= 0xFF
    for _ in range(3):
        mix()
    return v[0] ^ v[1] ^ v[2] ^ v[3]


def plain_hash(key: bytes, first: bytes, second: bytes) -> int:
    """Multilinear-HM of both texts in 64 bits of which the upper 32 count, twice; then SipHash of these and lengths."""
    numbers = struct.unpack("<1024Q", hashlib.shake_256(key).digest(8 * 1024))
    universal = 0
    for lane in range(2):
        total = 0
        for column, text in enumerate((first, second)):
            text = hashlib.blake2b(text).digest() if len(text) > 1024 else text
            for word in range(0, len(text), 8):
                a, b = struct.unpack("<II", text[word : word + 8].ljust(8, b"\0"))
                at = column * 512 + word // 8 * 4 + lane * 2
                total += (a + numbers[at]) % 2**64 * ((b + numbers[at + 1]) % 2**64)
        universal = universal << 32 | total % 2**64 >> 32
    return plain_siphash13(key, struct.pack("<QII", universal, len(second), len(first)))


def hashes(key: bytes, pairs: list[tuple[bytes, bytes]]) -> list[int]:
    found: list[int] = keyed_hashes(
        key, *(pa.array(list(texts), pa.binary()) for texts in zip(*pairs, strict=True))
    ).tolist()
    return found


def test_siphash_against_python() -> None:
    """With PYTHONHASHSEED=0 Python's key is zero (where Python is built with SipHash-1-3, its default since 3.11)."""
    if sys.hash_info.algorithm != "siphash13":
        pytest.skip(f"this Python hashes with {sys.hash_info.algorithm}")
    words = np.random.default_rng(0).integers(0, 2**63, (200, 2)).astype(np.uint64)
    done = subprocess.run(
        [sys.executable, "-c", PYTHON],
        input=json.dumps([pair.astype("<u8").tobytes().hex() for pair in words]),
        env={"PYTHONHASHSEED": "0"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert siphash13(bytes(16), *words.T).astype("int64").tolist() == json.loads(done.stdout)


@given(
    st.binary(min_size=16, max_size=16),
    st.lists(st.tuples(st.binary(max_size=40), st.binary(max_size=40)), min_size=1, max_size=30),
)
def test_against_the_algorithm(key: bytes, pairs: list[tuple[bytes, bytes]]) -> None:
    assert hashes(key, pairs) == [plain_hash(key, *pair) for pair in pairs]


def test_many_sliced_and_long_texts() -> None:
    texts = [b"%d" % number * (number % 40) for number in range(20_000)]
    texts[7], texts[8], texts[19_000] = b"x" * LONG, b"y" * (LONG + 1), b"z" * 5000
    urls = [b"http://x/%d" % (number % 11) for number in range(20_000)]
    key = key_of("test", 1)
    found = keyed_hashes(key, pa.array(urls).slice(5, 19_500), pa.array(texts).slice(5, 19_500)).tolist()
    assert found == [plain_hash(key, *pair) for pair in zip(urls[5:19_505], texts[5:19_505], strict=True)]


def test_no_texts() -> None:
    assert len(keyed_hashes(bytes(16), pa.array([], pa.binary()), pa.array([], pa.binary()))) == 0


def test_the_hash_of_a_pair_stays_what_it_is() -> None:
    """Numbers that older versions and other machines gave too: a sample must not change with them."""
    key = key_of("sample", 0)
    pairs = [(b"", b""), (b"http://x/1", b"Samuel L. Jackson"), ("ü".encode() * 30, b"x" * 2000)]
    assert hashes(key, pairs) == [11553727992072495416, 13635927961244563574, 2192939218451154743]


@pytest.mark.parametrize("seed", range(3))
def test_bits_and_differences_of_similar_pairs_are_even(seed: int) -> None:
    """Of pairs that differ in one number, half have each bit set, and half differ there from their neighbour."""
    number = 40_000
    pairs = [(b"http://x/%d" % row, b"a caption") for row in range(number)]
    found = np.array(hashes(key_of("test", seed), pairs), np.uint64)
    assert len(np.unique(found)) == number
    for bits in (found, found[1:] ^ found[:-1]):
        ones = [int(((bits >> np.uint64(bit)) & np.uint64(1)).sum()) for bit in range(64)]
        assert max(abs(one - len(bits) / 2) for one in ones) < 4.5 * (len(bits) / 4) ** 0.5
    counts = np.bincount((found >> np.uint64(56)).astype(int), minlength=256)
    chi_square = ((counts - number / 256) ** 2 / (number / 256)).sum()
    assert 180 < chi_square < 345  # 255 degrees of freedom: beyond the 0.01 % points on either side


def test_where_a_text_ends_and_which_is_which_matter() -> None:
    pairs = [
        (b"ab", b"c"),
        (b"a", b"bc"),
        (b"c", b"ab"),
        (b"", b"abc"),
        (b"abc", b""),
        (b"abc", b"\0"),
        (b"abc\0", b""),
    ]
    assert len(set(hashes(bytes(16), pairs))) == len(pairs)


@given(st.binary(min_size=1, max_size=50))
def test_words_at_every_position(data: bytes) -> None:
    want = [int.from_bytes(data[at : at + 8].ljust(8, b"\0"), "little") for at in range(len(data))]
    size = len(data)
    words = _each_word(aligned(data), np.arange(size), np.array([size, 0]), np.full(size, ~np.uint64(0)))
    assert next(words).tolist() == want


def test_keys_differ_by_seed_and_purpose() -> None:
    assert len({key_of(purpose, seed) for purpose in ("sample", "other") for seed in range(10)}) == 20
