"""Images to vectors: finding the files, decoding them one specified way, embedding them, remembering the result.

Scores move with the decoder and the weights, so both belong to a vector's identity: vectors of another embedder,
other weights or another decoder are never mixed nor reused. Importing this package imports no heavy library.
"""

from __future__ import annotations

from mimetic2.embedding.base import Embedder, Identity
from mimetic2.embedding.decoding import DECODER, decode, decode_bytes
from mimetic2.embedding.embed import embed_images
from mimetic2.embedding.finding import find_images
from mimetic2.embedding.registry import embedder_names, get_embedder
from mimetic2.embedding.table import EmbeddingTable

__all__ = [
    "DECODER",
    "Embedder",
    "EmbeddingTable",
    "Identity",
    "decode",
    "decode_bytes",
    "embed_images",
    "embedder_names",
    "find_images",
    "get_embedder",
]
