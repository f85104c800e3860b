"""Values for tests that fill a catalog: every field has a default, a test names only what it is about."""

from __future__ import annotations

import hashlib

import numpy as np

from dedupctl.catalog.catalog import Transaction
from dedupctl.catalog.files import Sighting
from dedupctl.domain import Evidence, Fingerprint, Identity, Pair, PairKind, PictureFacts, Root, Unreadable

DEVICE = 7
PROVEN = Evidence(method="orb", hash_distance=4, inliers=60)


def make_digest(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()


def make_fingerprint(
    name: str,
    *,
    size: int = 1000,
    facts: PictureFacts | None = None,
    stream_digest: bytes | None = None,
    flat: bool = False,
    parts: int = 1,
) -> Fingerprint:
    """The fingerprint of an imagined picture called `name`: another name is another picture."""
    digest = make_digest(name)
    vectors = np.random.default_rng(list(digest)).standard_normal((parts, 8)).astype(np.float32)
    return Fingerprint(
        digest=digest,
        size=size,
        facts=facts or PictureFacts("JPEG", 4000, 3000),
        stream_digest=stream_digest,
        flat=flat,
        hashes={"phash": digest[:8], "phash8": digest * 2},
        vectors=vectors / np.linalg.norm(vectors, axis=1, keepdims=True),
        thumbnail=b"",
    )


def make_identity(inode: int, *, device: int = DEVICE, size: int = 1000, changed: int = 0) -> Identity:
    """What `stat` says of an imagined file; `changed` tells its earlier from its later states."""
    return Identity(device, inode, size, 10**18 + changed, 10**18 + changed)


def make_pair(a: int, b: int, kind: PairKind | None = PairKind.NEAR, score: float = 0.9, **evidence: object) -> Pair:
    first, second = sorted((a, b))
    return Pair(first, second, kind, score, Evidence(method="orb", **evidence) if evidence else PROVEN)  # type: ignore[arg-type]


def add_file(tx: Transaction, root: Root, path: bytes, outcome: int | Unreadable, identity: Identity) -> int:
    """Record one file; returns its id."""
    tx.files.record([Sighting(root.id, path, identity, outcome)])
    file = tx.files.at(root.id, path)
    assert file is not None
    return file.id
