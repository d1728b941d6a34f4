"""The table of vectors: frozen, saved as one Parquet file that carries the embedder's identity."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from mimetic2.embedding.base import Identity, Vectors
from mimetic2.errors import InputError
from mimetic2.files import atomic

SCHEMA = {
    "concept": pl.String,
    "prompt": pl.String,
    "index": pl.Int64,
    "path": pl.String,
    "sha256": pl.String,
    "reason": pl.String,
    "fingerprint": pl.Binary,
}
_IDENTITY, _LICENCE = "mimetic2.identity", "mimetic2.licence"


@dataclass(frozen=True, eq=False)
class EmbeddingTable:
    """Vectors of images with where they come from.

    ``frame`` has a row an image: concept, prompt, index, path, sha256 (null where the file could not be read), reason
    (null, or why there is no vector), fingerprint (32 bytes, see `decoding.fingerprint`). ``vectors`` (n, dim) float32
    has the rows in the same order, NaN where there is a reason.
    """

    identity: Identity
    frame: pl.DataFrame
    vectors: Vectors
    licence: str = ""

    def __post_init__(self) -> None:
        if self.vectors.shape != (self.frame.height, self.identity.dim):
            raise ValueError(f"{self.vectors.shape} vectors for {self.frame.height} rows of dim {self.identity.dim}")

    @property
    def usable(self) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Which rows have a vector, (n,) bool."""
        return self.frame["reason"].is_null().to_numpy()

    @staticmethod
    def check_ending(path: Path) -> None:
        """Raise `InputError` if no vectors are written under this name: before the work whose result they are."""
        if path.suffix != ".parquet":
            raise InputError(f"unknown kind of file '{path.suffix}'", file=path, accepted=".parquet")

    def save(self, path: str | Path) -> None:
        """Write atomically, readable by the owner only: face vectors are biometric data."""
        path = Path(path)
        self.check_ending(path)
        data = self.frame.with_columns(pl.Series("vector", self.vectors, pl.Array(pl.Float32, self.identity.dim)))
        metadata = {_IDENTITY: json.dumps(self.identity.to_dict(), sort_keys=True), _LICENCE: self.licence}
        with atomic(path) as temporary:
            temporary.touch(mode=0o600)
            data.write_parquet(temporary, metadata=metadata)

    @classmethod
    def load(cls, path: str | Path) -> EmbeddingTable:
        """Read what :meth:`save` wrote; raises `InputError` for any other file."""
        path = Path(path)
        if not path.is_file():
            raise InputError("no such file", file=path, accepted="a Parquet file that `mimetic2 embed` wrote")
        try:
            metadata = pl.read_parquet_metadata(path)
            data = pl.read_parquet(path)
            identity = Identity(**json.loads(metadata[_IDENTITY]))
            vectors = np.ascontiguousarray(data["vector"].to_numpy(), np.float32).reshape(-1, identity.dim)
            return cls(identity, data.select(list(SCHEMA)), vectors, metadata.get(_LICENCE, ""))
        except (pl.exceptions.PolarsError, OSError, KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"is no table of embeddings ({type(error).__name__})",
                file=path,
                accepted="a Parquet file that `mimetic2 embed` wrote",
            ) from error
