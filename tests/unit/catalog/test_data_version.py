from __future__ import annotations

from pathlib import Path

from dedupctl.catalog.catalog import Catalog
from dedupctl.catalog.data_version import DataVersion


def test_it_changes_with_every_commit_and_with_nothing_else(tmp_path: Path) -> None:
    with Catalog.open(tmp_path / "catalog.db") as catalog:
        version = DataVersion(catalog.path)
        try:
            first = version.current()
            with catalog.read() as tx:
                tx.meta.get("a")
            assert version.current() == first
            with catalog.write() as tx:
                tx.meta.put("a", "b")
            assert version.current() != first
        finally:
            version.close()
