"""SipHash-1-3 against the hash that Python itself has for bytes, and against the algorithm written out plainly."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mimetic2.counting.hashing import LONG, key_of, keyed_hashes

pa = pytest.importorskip("pyarrow")

PYTHON = "import json, sys; print(json.dumps([hash(bytes.fromhex(text)) for text in json.load(sys.stdin)]))"


def siphash13(key: bytes, text: bytes) -> int:
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


def test_against_python() -> None:
    """With PYTHONHASHSEED=0 Python's key is zero (where Python is built with SipHash-1-3, its default since 3.11)."""
    if sys.hash_info.algorithm != "siphash13":
        pytest.skip(f"this Python hashes with {sys.hash_info.algorithm}")
    texts = [bytes((7 * at + size) % 256 for at in range(size)) for size in range(8, 200)]
    done = subprocess.run(
        [sys.executable, "-c", PYTHON],
        input=json.dumps([text.hex() for text in texts]),
        env={"PYTHONHASHSEED": "0"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert keyed_hashes(bytes(16), pa.array(texts)).astype("int64").tolist() == json.loads(done.stdout)


@given(st.binary(min_size=16, max_size=16), st.lists(st.binary(max_size=40), max_size=30))
def test_against_the_algorithm(key: bytes, texts: list[bytes]) -> None:
    assert keyed_hashes(key, pa.array(texts, pa.binary())).tolist() == [siphash13(key, text) for text in texts]


def test_many_sliced_and_long_texts() -> None:
    texts = [b"%d" % number * (number % 40) for number in range(20_000)]
    texts[7], texts[19_000] = b"x" * LONG, b"y" * (LONG + 1)
    short = [hashlib.blake2b(text).digest() if len(text) > LONG else text for text in texts]
    key = key_of("test", 1)
    assert keyed_hashes(key, pa.array(texts).slice(5, 19_500)).tolist() == [siphash13(key, t) for t in short[5:19_505]]


def test_keys_differ_by_seed_and_purpose() -> None:
    assert len({key_of(purpose, seed) for purpose in ("sample", "other") for seed in range(10)}) == 20
