"""Stores that lost something are found out, and made again from the catalog and the files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from scenery import jpeg, scene

from dedupctl.fingerprint.fingerprinter import Fingerprinter, Read
from dedupctl.indexing.check import Fault, find_faults, repair
from dedupctl.indexing.findings import Unread
from dedupctl.indexing.roots import add_root
from dedupctl.indexing.writer import Writer
from dedupctl.workspace import Workspace

LOST_BOTH = Fault("thumbs", "pictures without a thumbnail: 2")
LOST_ONE = Fault("thumbs", "pictures without a thumbnail: 1")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for name, seed in (("a.jpg", 1), ("b.jpg", 2)):
        (folder / name).write_bytes(jpeg(scene(seed)))
    return folder


@pytest.fixture
def workspace(tmp_path: Path, photos: Path) -> Iterator[Workspace]:
    """Two photos, read as a scan reads them."""
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "config.toml").write_text("[scan]\nworkers = 1\n")
    with Workspace.open(tmp_path / "home", create=True) as workspace:
        root = add_root(workspace.catalog, os.fsencode(photos))
        index = workspace.open_index().index
        writer, reader = Writer(workspace, index), Fingerprinter(workspace.config)
        for path in sorted(photos.glob("*.jpg")):
            read = reader.read(os.fsencode(path))
            assert isinstance(read, Read)
            name = os.fsencode(path.name)
            writer.took(Unread(root.id, name, os.fsencode(path), read.identity, known=False), read)
        writer.write()
        writer.save_index()
        yield workspace


def lose_thumbnails(workspace: Workspace) -> None:
    workspace.thumbs.put({})
    workspace.thumbs._connection.execute("DELETE FROM thumbs")
    workspace.thumbs._connection.commit()


def digests(workspace: Workspace) -> list[bytes]:
    with workspace.catalog.read() as tx:
        return [content.digest for content in tx.contents.following(0, 9)]


def test_what_was_just_read_is_whole(workspace: Workspace) -> None:
    assert find_faults(workspace) == []


def test_lost_thumbnails_are_made_again_from_the_files(workspace: Workspace) -> None:
    before = workspace.thumbs.get(digests(workspace))
    lose_thumbnails(workspace)
    assert find_faults(workspace) == [LOST_BOTH]

    assert repair(workspace, [LOST_BOTH]) == [Fault("thumbs", "pictures without a thumbnail: 2", mended=True)]

    assert workspace.thumbs.get(digests(workspace)) == before
    assert find_faults(workspace) == []


def test_what_could_not_be_mended_is_told_beside_what_was(workspace: Workspace, photos: Path) -> None:
    lose_thumbnails(workspace)
    (photos / "b.jpg").write_bytes(b"no picture any more")

    assert repair(workspace, [LOST_BOTH]) == [
        Fault("thumbs", "pictures without a thumbnail: 2", mended=True),
        LOST_ONE,
    ]


def test_a_picture_without_a_present_file_is_not_missed(workspace: Workspace) -> None:
    lose_thumbnails(workspace)
    with workspace.catalog.write() as tx:
        (root,) = tx.roots.all()
        tx.files.vanish(root.id, [b"a.jpg", b"b.jpg"], at=1)

    assert find_faults(workspace) == []


def test_a_vector_that_points_nowhere_is_found_and_the_index_made_without_it(workspace: Workspace) -> None:
    """As an import that was not looked at once left it: every scan failed, and a repair did not help."""
    with workspace.catalog.write() as tx:
        execute = tx.contents._connection.exec_driver_sql
        execute("UPDATE embeddings SET vector = zeroblob(length(vector)) WHERE content_id = 1")
    lost = Fault("catalog", "contents: pictures whose facts, hashes or vectors cannot be read: 1")
    assert find_faults(workspace) == [lost]

    assert repair(workspace, [lost]) == [Fault("catalog", lost.what, mended=True)]

    assert find_faults(workspace) == []
    with workspace.catalog.read() as tx:
        assert [located.path.rpartition(b"/")[2] for located in tx.files.present()] == [b"b.jpg"]
