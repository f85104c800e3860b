"""A library for tests of the walk: real files, and a catalog that is told what was found without reading a picture."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from builders import make_fingerprint

from dedupctl.catalog.catalog import Catalog, Transaction
from dedupctl.catalog.files import Sighting
from dedupctl.config import ScanConfig
from dedupctl.domain import FileState, Root
from dedupctl.indexing.findings import Finding, Gone, PassedOver, Relinked, Revived, Unread
from dedupctl.indexing.scan import Walk


@dataclass
class WalkedLibrary:
    """A root on disk, and its catalog."""

    catalog: Catalog
    path: Path
    root: Root = field(init=False)

    def __post_init__(self) -> None:
        self.path.mkdir()
        with self.catalog.write() as tx:
            self.root = tx.roots.add(os.fsencode(self.path), os.stat(self.path).st_dev, None)

    def put(self, name: str, data: str = "picture") -> Path:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(data)
        return path

    def look(self, start: bytes = b"", config: ScanConfig | None = None) -> list[Finding]:
        """What a walk finds; the catalog does not hear of it."""
        return list(Walk(self.catalog, self.root, config or ScanConfig()).findings(start))

    def scan(self, start: bytes = b"", config: ScanConfig | None = None) -> list[Finding]:
        """What a walk finds, stored as the writer of the pipeline stores it."""
        findings = self.look(start, config)
        self.store(findings)
        return findings

    def store(self, findings: list[Finding]) -> None:
        with self.catalog.write() as tx:
            for finding in findings:
                match finding:
                    case Unread():
                        content_id = _content_at(tx, finding.absolute)
                        tx.files.record([Sighting(self.root.id, finding.path, finding.identity, content_id)])
                    case Relinked(sighting):
                        tx.files.record([sighting])
                    case Gone(file_ids) | PassedOver(_, file_ids):
                        tx.files.mark_gone(file_ids, at=1)
                    case Revived(file_ids):
                        tx.files.revive(file_ids)

    def state(self, name: str) -> FileState:
        with self.catalog.read() as tx:
            file = tx.files.at(self.root.id, os.fsencode(name))
        assert file is not None, f"{name} was never seen"
        return file.state

    def content(self, name: str) -> int | None:
        with self.catalog.read() as tx:
            file = tx.files.at(self.root.id, os.fsencode(name))
        assert file is not None, f"{name} was never seen"
        return file.content_id

    def present(self) -> set[str]:
        """Paths of the files that the catalog holds to be there."""
        with self.catalog.read() as tx:
            return {os.fsdecode(located.file.path) for located in tx.files.present(self.root.id)}


def _content_at(tx: Transaction, path: bytes) -> int:
    with open(path) as file:
        fingerprint = make_fingerprint(file.read())
    known = tx.contents.id_of(fingerprint.digest)
    return tx.contents.add([fingerprint])[0] if known is None else known
