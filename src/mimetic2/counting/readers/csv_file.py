"""CSV with a header, read by Arrow."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from mimetic2.counting.readers.columns import Batch, Columns, choose, of_arrow
from mimetic2.counting.readers.packing import open_unpacked

_BLOCK_BYTES = 1 << 20
"""Also the longest row; Arrow holds several blocks ready, so larger ones cost memory."""


def read_csv(path: str, columns: Columns) -> Iterator[Batch]:
    """The rows of a CSV file, as many a batch as 1 MiB holds."""
    import pyarrow as pa
    import pyarrow.csv as pc

    # The wrapper decodes more than the header; captions that are not UTF-8 are for folding, here as in other files.
    with open_unpacked(path) as handle, io.TextIOWrapper(handle, "utf-8-sig", "replace", newline="") as lines:
        header = next(csv.reader(lines), [])
    chosen = choose(path, header, columns)
    wanted = chosen.present()
    options = pc.ConvertOptions(
        include_columns=wanted,
        column_types=dict.fromkeys(wanted, pa.binary()),
        strings_can_be_null=False,
        check_utf8=False,
    )
    parse = pc.ParseOptions(newlines_in_values=True)
    read = pc.ReadOptions(use_threads=False, block_size=_BLOCK_BYTES)
    with (
        open_unpacked(path) as handle,
        pc.open_csv(handle, read_options=read, parse_options=parse, convert_options=options) as reader,
    ):
        for batch in reader:
            yield of_arrow(batch, chosen)
