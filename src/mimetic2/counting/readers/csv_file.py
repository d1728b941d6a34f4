"""CSV with a header, read by Arrow."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

from mimetic2.counting.readers.columns import Batch, Chosen, Columns, UnreadableShard, choose, of_arrow
from mimetic2.counting.readers.packing import open_unpacked

_BLOCK_BYTES = (1 << 20, 1 << 23, 1 << 26)
"""A row must fit in a block, and Arrow holds several blocks ready: larger ones only for a file that needs them."""


def read_csv(path: str, columns: Columns) -> Iterator[Batch]:
    """The rows of a CSV file, as many a batch as 1 MiB holds, or more where a row is longer than that."""
    import pyarrow as pa

    # The wrapper decodes more than the header; captions that are not UTF-8 are for folding, here as in other files.
    with open_unpacked(path) as handle, io.TextIOWrapper(handle, "utf-8-sig", "replace", newline="") as lines:
        header = next(csv.reader(lines), [])
    chosen = choose(path, header, columns)
    rows = 0
    for block in _BLOCK_BYTES:
        try:
            for batch in _blocks(path, chosen, block, rows):
                yield of_arrow(batch, chosen)
                rows += len(batch)
        except pa.ArrowInvalid as error:
            if "straddl" not in str(error):
                raise
        else:
            return
    raise UnreadableShard(f"a row after row {rows + 1} is longer than 64 MiB: a quotation mark that is not closed?")


def _blocks(path: str, chosen: Chosen, block: int, skipped: int) -> Iterator[Any]:
    """Arrow's batches of blocks of that many bytes, without the first ``skipped`` rows."""
    import pyarrow as pa
    import pyarrow.csv as pc

    wanted = chosen.present()
    options = pc.ConvertOptions(
        include_columns=wanted,
        column_types=dict.fromkeys(wanted, pa.binary()),
        strings_can_be_null=False,
        check_utf8=False,
    )
    parse = pc.ParseOptions(newlines_in_values=True)
    read = pc.ReadOptions(use_threads=False, block_size=block)
    with (
        open_unpacked(path) as handle,
        pc.open_csv(handle, read_options=read, parse_options=parse, convert_options=options) as reader,
    ):
        for batch in reader:
            if skipped < len(batch):
                yield batch.slice(skipped)
            skipped = max(0, skipped - len(batch))
