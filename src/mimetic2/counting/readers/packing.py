"""Files packed by gzip or Zstandard, unpacked on the way."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from mimetic2.counting.locations import BLOCK_BYTES, arrow_source

PACKINGS = {".gz": "gzip", ".zst": "zstd"}


@contextmanager
def open_unpacked(path: str) -> Iterator[IO[bytes]]:
    """The unpacked bytes; Arrow's streams notice a packed file that was cut short, which others read as its end."""
    import pyarrow as pa

    packing = next((name for ending, name in PACKINGS.items() if path.endswith(ending)), None)
    with arrow_source(path) as source, pa.input_stream(source, compression=packing, buffer_size=BLOCK_BYTES) as stream:
        yield io.BufferedReader(stream, BLOCK_BYTES)
