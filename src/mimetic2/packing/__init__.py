"""A run as one file to publish, and the check that whoever receives it can make.

Data goes out of a run here and nowhere else, so what may go is a short list of names: tables, documents, and a page
without images. Images, embeddings, links, captions and keys stay behind.
"""

from mimetic2.packing.checking import check_pack
from mimetic2.packing.packing import Pack, pack_run

__all__ = ["Pack", "check_pack", "pack_run"]
