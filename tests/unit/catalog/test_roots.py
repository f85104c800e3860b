from __future__ import annotations

import pytest
from builders import add_file, make_fingerprint, make_identity

from dedupctl.catalog.catalog import Catalog
from dedupctl.domain import Root, Verdict
from dedupctl.errors import StoreError


def test_roots_come_back_as_added_in_order_of_path(catalog: Catalog) -> None:
    with catalog.write() as tx:
        added = [tx.roots.add(b"/z", 1, None), tx.roots.add(b"/\xff", 2, "token", reference=True)]

    with catalog.read() as tx:
        assert tx.roots.all() == added
        assert tx.roots.at(b"/\xff") == added[1]
        assert tx.roots.at(b"/y") is None


def test_a_path_is_a_root_once(catalog: Catalog, root: Root) -> None:
    with pytest.raises(StoreError, match="UNIQUE"), catalog.write() as tx:
        tx.roots.add(root.path, 1, None)


def test_a_root_under_another_device_number_takes_its_files_along(catalog: Catalog, root: Root) -> None:
    with catalog.write() as tx:
        (content_id,) = tx.contents.add([make_fingerprint("a")])
        add_file(tx, root, b"a.jpg", content_id, make_identity(1, device=root.device))
        add_file(tx, root, b"nested-mount/b.jpg", content_id, make_identity(2, device=99))
        tx.roots.set_device(root, 8)

    with catalog.read() as tx:
        assert [(located.file.path, located.file.identity.device) for located in tx.files.present()] == [
            (b"a.jpg", 8),
            (b"nested-mount/b.jpg", 99),
        ]
        assert [found.device for found in tx.roots.all()] == [8]


def test_a_root_may_become_the_reference(catalog: Catalog, root: Root) -> None:
    with catalog.write() as tx:
        tx.roots.set_reference(root.id, True)

    with catalog.read() as tx:
        assert [found.reference for found in tx.roots.all()] == [True]


def test_a_removed_root_leaves_contents_and_verdicts(catalog: Catalog, root: Root) -> None:
    one, other = make_fingerprint("one"), make_fingerprint("other")
    with catalog.write() as tx:
        content_id, _ = tx.contents.add([one, other])
        add_file(tx, root, b"a.jpg", content_id, make_identity(1))
        tx.verdicts.put(one.digest, other.digest, Verdict.SAME, at=1)
        tx.roots.remove(root.id)

    with catalog.read() as tx:
        assert tx.roots.all() == []
        assert list(tx.files.present()) == []
        assert tx.contents.id_of(one.digest) == content_id
        assert tx.verdicts.between(one.digest, other.digest) is Verdict.SAME


def test_a_root_added_again_is_another_root(catalog: Catalog, root: Root) -> None:
    with catalog.write() as tx:
        tx.roots.remove(root.id)
        assert tx.roots.add(root.path, 1, None).id != root.id
