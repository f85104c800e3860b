"""A small library for tests: pictures are drawn, and the catalog is filled directly, without decoding anything."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from dedupctl.catalog.catalog import Catalog
from dedupctl.catalog.files import Sighting
from dedupctl.catalog.thumbs import Thumbs
from dedupctl.domain import (
    Evidence,
    Fingerprint,
    Identity,
    Member,
    Pair,
    PairKind,
    PictureFacts,
    Transform,
    Unreadable,
)

ROOT = b"/photos"


def drawn(seed: int, width: int = 320, height: int = 240) -> Image.Image:
    """A picture like no other: a sky, a ground, a few shapes."""
    choose = np.random.default_rng(seed)
    top, bottom = choose.integers(40, 255, 3), choose.integers(0, 160, 3)
    rows = np.linspace(0, 1, height)[:, None, None]
    sky = np.broadcast_to(top * (1 - rows) + bottom * rows, (height, width, 3)).astype(np.uint8)
    picture = Image.fromarray(sky.copy())
    pen = ImageDraw.Draw(picture)
    for _ in range(6):
        x, y = choose.integers(0, width), choose.integers(0, height)
        reach = int(choose.integers(20, max(21, min(width, height) // 2)))
        color = tuple(int(part) for part in choose.integers(0, 255, 3))
        draw = pen.ellipse if choose.random() < 0.5 else pen.rectangle
        draw((x - reach, y - reach // 2, x + reach, y + reach // 2), fill=color)
    return picture


def words(_keeper: Member, member: Member) -> str:
    """A stand-in for the sentence of the evidence."""
    return f"{member.kind.value}, says the test"


@dataclass
class RenderedLibrary:
    """A catalog and thumbnails under `home`, filled picture by picture."""

    home: Path
    dim: int = 8
    catalog: Catalog = field(init=False)
    thumbs: Thumbs = field(init=False)
    model_id: int = field(init=False)
    root_id: int = field(init=False)
    _inode: int = 0

    def __post_init__(self) -> None:
        self.catalog = Catalog.open(self.home / "catalog.db")
        self.thumbs = Thumbs(self.home / "thumbs.db")
        with self.catalog.write() as tx:
            self.model_id = tx.embeddings.model_id("test-model", self.dim)
        self.root_id = self.add_root(ROOT)

    def close(self) -> None:
        self.catalog.close()
        self.thumbs.close()

    def add_root(self, path: bytes) -> int:
        with self.catalog.write() as tx:
            return tx.roots.add(path, device=1, marker=None).id

    def add_content(
        self,
        picture: Image.Image,
        *,
        size: int = 100_000,
        scale: int = 10,
        vector: np.ndarray | None = None,
        camera: str | None = None,
        taken_at: str | None = None,
        picture_format: str = "JPEG",
    ) -> int:
        """A content whose full picture is `scale` times as large as `picture`, which becomes its thumbnail."""
        packed = BytesIO()
        picture.save(packed, "JPEG", quality=80)
        with self.catalog.read() as tx:
            digest = hashlib.sha256(packed.getvalue() + str(tx.contents.count()).encode()).digest()
        if vector is None:
            vector = np.random.default_rng(int.from_bytes(digest[:4], "big")).normal(size=self.dim)
        facts = PictureFacts(
            picture_format, picture.width * scale, picture.height * scale, camera=camera, taken_at=taken_at
        )
        unit = (vector / np.linalg.norm(vector)).astype(np.float32)[None]
        print_ = Fingerprint(digest, size, facts, None, False, {"phash": digest[:8]}, unit, packed.getvalue())
        with self.catalog.write() as tx:
            (content_id,) = tx.contents.add([print_])
            tx.embeddings.add(self.model_id, {content_id: unit})
            tx.contents.mark_matched([content_id], at=1)
        self.thumbs.put({digest: packed.getvalue()})
        return content_id

    def add_file(self, path: bytes, content_id: int, *, root_id: int | None = None) -> None:
        """A present file with an inode of its own; `path` is relative to the root."""
        with self.catalog.read() as tx:
            size = tx.contents.get([content_id])[content_id].size
        self._record(path, content_id, size, root_id)

    def add_problem(self, path: bytes, code: str, message: str) -> None:
        self._record(path, Unreadable(code, message), 10, None)

    def add_pair(self, a: int, b: int, kind: PairKind | None, score: float, evidence: Evidence | None = None) -> None:
        with self.catalog.write() as tx:
            tx.pairs.put([Pair(min(a, b), max(a, b), kind, score, evidence or Evidence(method="orb"))])

    def _record(self, path: bytes, outcome: int | Unreadable, size: int, root_id: int | None) -> None:
        self._inode += 1
        identity = Identity(1, self._inode, size, 1_700_000_000 * 10**9, 0)
        with self.catalog.write() as tx:
            tx.files.record([Sighting(root_id or self.root_id, path, identity, outcome)])


def transform(matrix: tuple[float, ...], *, scale: float = 1.0, rotation: float = 0.0) -> Transform:
    """A transform whose matrix is all that matters."""
    return Transform(matrix, scale, rotation, False, (0, 0, 1, 1), (0, 0, 1, 1))
