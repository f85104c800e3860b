"""The library's hashes and embeddings as arrays, for programs that compute with them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from dedupctl.domain import FloatArray, IntArray
from dedupctl.errors import UsageError
from dedupctl.workspace import Workspace

if TYPE_CHECKING:
    import pyarrow as pa

CONTENTS_A_BATCH = 1024


@dataclass(frozen=True, slots=True)
class EncodingTable:
    """One row per picture (a distinct content that a present file holds), ordered by content id."""

    content_ids: IntArray
    digests: tuple[bytes, ...]
    """BLAKE3 of the file's bytes, 32 bytes each."""
    paths: tuple[bytes, ...]
    """The absolute path of a file that holds the content; if there are several, the first by path."""
    phash: npt.NDArray[np.uint64]
    """64-bit perceptual hash of the upright picture."""
    vectors: FloatArray
    """Shape (n, dim), unit length: the embedding of the whole picture by the model in use."""

    def __len__(self) -> int:
        return len(self.content_ids)

    def to_arrow(self) -> pa.Table:
        """The same data as an Arrow table: `content_id`, `digest`, `path`, `phash`, `vector` (a fixed-size list).

        Paths become text, as `os.fsdecode` writes them; a path that is not UTF-8 is escaped with `backslashreplace`.

        Raises:
            UsageError: pyarrow is not installed.
        """
        try:
            import pyarrow as pa
        except ImportError as error:
            raise UsageError("Arrow tables need pyarrow: pip install 'dedupctl[arrow]'") from error
        width = self.vectors.shape[1] if len(self) else 0
        flat = pa.array(np.ascontiguousarray(self.vectors, np.float32).ravel())
        paths = [os.fsdecode(path).encode("utf-8", "backslashreplace").decode() for path in self.paths]
        return pa.table(
            {
                "content_id": pa.array(self.content_ids),
                "digest": pa.array(self.digests, pa.binary(32)),
                "path": pa.array(paths, pa.string()),
                "phash": pa.array(self.phash),
                "vector": pa.FixedSizeListArray.from_arrays(flat, width),
            }
        )


def read_encodings(workspace: Workspace) -> EncodingTable:
    """The encodings of every picture that a present file holds and that the model in use has embedded."""
    model_id = workspace.model_in_use()
    ids: list[int] = []
    digests: list[bytes] = []
    paths: list[bytes] = []
    hashes: list[bytes] = []
    vectors: list[FloatArray] = []
    above = 0
    while True:
        with workspace.catalog.read() as tx:
            contents = tx.contents.following(above, CONTENTS_A_BATCH)
            batch = [content.id for content in contents]
            parts = tx.embeddings.of_contents(model_id, batch)
            holders: dict[int, bytes] = {}
            for located in tx.files.of_contents(batch):
                content_id = located.file.content_id
                assert content_id is not None
                holders[content_id] = min(located.path, holders.get(content_id, located.path))
        if not contents:
            break
        above = batch[-1]
        for content in contents:
            if content.id in holders and content.id in parts:
                ids.append(content.id)
                digests.append(content.digest)
                paths.append(holders[content.id])
                hashes.append(content.phash)
                vectors.append(parts[content.id][0][1])
    return EncodingTable(
        content_ids=np.array(ids, np.int64),
        digests=tuple(digests),
        paths=tuple(paths),
        phash=np.frombuffer(b"".join(hashes), ">u8").astype(np.uint64),
        vectors=np.stack(vectors) if vectors else np.empty((0, workspace.model.dim), np.float32),
    )
