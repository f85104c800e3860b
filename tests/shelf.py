"""A catalog filled by hand for tests of what is derived from it: pictures by name, files that hold them, pairs."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from builders import add_file, make_digest, make_fingerprint, make_identity, make_pair

from dedupctl.catalog.catalog import Catalog
from dedupctl.domain import Cluster, Evidence, Pair, PairKind, PictureFacts, Root, Transform, Verdict


@dataclass
class Shelf:
    catalog: Catalog
    root: Root = field(init=False)
    ids: dict[str, int] = field(default_factory=dict)
    """Content ids by the name of the picture."""
    _inodes: int = 0

    def __post_init__(self) -> None:
        self.root = self.add_root(b"/photos")

    def add_root(self, path: bytes) -> Root:
        with self.catalog.write() as tx:
            return tx.roots.add(path, 7, None)

    def put(
        self,
        name: str,
        *paths: str,
        facts: PictureFacts | None = None,
        width: int = 4000,
        size: int = 1000,
        root: Root | None = None,
    ) -> int:
        """A picture and the files that hold it, by default one named after it; returns the content's id."""
        facts = facts or PictureFacts("JPEG", width, width * 3 // 4)
        with self.catalog.write() as tx:
            if name not in self.ids:
                (self.ids[name],) = tx.contents.add([make_fingerprint(name, size=size, facts=facts)])
            for path in paths or (f"{name}.jpg",):
                self._inodes += 1
                identity = make_identity(self._inodes, size=size)
                add_file(tx, root or self.root, os.fsencode(path), self.ids[name], identity)
        return self.ids[name]

    def link(self, existing: str, path: str) -> None:
        """One more name for a file that is there."""
        with self.catalog.write() as tx:
            file = tx.files.at(self.root.id, os.fsencode(existing))
            assert file is not None
            assert file.content_id is not None
            add_file(tx, self.root, os.fsencode(path), file.content_id, file.identity)

    def remove(self, path: str) -> None:
        with self.catalog.write() as tx:
            tx.files.vanish(self.root.id, [os.fsencode(path)], at=1)

    def tie(
        self,
        one: str,
        other: str,
        kind: PairKind | None = PairKind.NEAR,
        score: float = 0.9,
        evidence: Evidence | None = None,
    ) -> Pair:
        pair = make_pair(self.ids[one], self.ids[other], kind, score)
        if evidence is not None:
            pair = Pair(pair.a, pair.b, kind, score, evidence)
        with self.catalog.write() as tx:
            tx.pairs.put([pair])
        return pair

    def say(self, one: str, other: str, verdict: Verdict) -> None:
        with self.catalog.write() as tx:
            tx.verdicts.put(make_digest(one), make_digest(other), verdict, at=1)


def names(cluster: Cluster) -> list[str]:
    """The files of a cluster, the keeper first, without root and suffix."""
    return [os.fsdecode(os.path.splitext(os.path.basename(member.path))[0]) for member in cluster.members]


def crop_of_a(share: float) -> Evidence:
    """B shows this share of A, at the same scale, and nothing besides."""
    transform = Transform(
        (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0), 1.0, 0.0, False, (0, 0, 1, share), (0, 0, 1, 1)
    )
    return Evidence(
        method="orb", overlap_a=share, overlap_b=1.0, covered_a=share, covered_b=1.0, transform=transform, inliers=50
    )
