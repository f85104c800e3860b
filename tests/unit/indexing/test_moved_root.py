"""A root with verdicts, protections, a journal and a quarantine, copied to another place."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from living_library import LivingLibrary, picture, tree

from dedupctl.domain import EntryState, Verdict
from dedupctl.errors import UsageError
from dedupctl.indexing.moved_root import move_root
from dedupctl.indexing.roots import present

PICTURES = {f"album/{number}.jpg": picture(number) for number in range(8)}


@pytest.fixture
def library(tmp_path: Path) -> Iterator[LivingLibrary]:
    library = LivingLibrary(tmp_path)
    old = library.add_root("old")
    for name, data in PICTURES.items():
        (old / name).parent.mkdir(exist_ok=True)
        (old / name).write_bytes(data)
    (old / "copy.jpg").write_bytes(PICTURES["album/1.jpg"])
    library.scan()
    library.protect(old / "album")
    library.say(PICTURES["album/1.jpg"], PICTURES["album/2.jpg"], Verdict.SAME)
    yield library
    library.close()


def copied(library: LivingLibrary) -> Path:
    """As `cp -a` does, which keeps the dates; the old disk is put away."""
    new = library.base / "new"
    shutil.copytree(library.base / "old", new)
    shutil.rmtree(library.base / "old")
    return new


def move(library: LivingLibrary, target: str = "new") -> None:
    move_root(library.catalog, os.fsencode(library.base / "old"), os.fsencode(library.base / target))


def known(library: LivingLibrary) -> dict[str, tuple[int | None, tuple[int, ...]]]:
    """Content and identity of every present file, by absolute path."""
    with library.catalog.read() as tx:
        return {
            os.fsdecode(located.path): (located.file.content_id, located.file.identity)
            for located in tx.files.present()
        }


def test_everything_goes_along_and_nothing_is_read_again(library: LivingLibrary) -> None:
    library.apply(library.plan())
    before = known(library)
    new = copied(library)
    move(library)
    after = known(library)
    assert {path.replace("/old/", "/new/"): content for path, (content, _) in before.items()} == {
        path: content for path, (content, _) in after.items()
    }
    for path, (_, identity) in after.items():
        status = os.lstat(path)
        assert identity == (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
    with library.catalog.read() as tx:
        assert tx.protected.all() == [os.fsencode(new / "album")]
        (root,) = tx.roots.all()
    assert present(library.catalog, root) == (root, None)
    assert [outcome.state for outcome in library.restore_all()] == [EntryState.DONE]
    assert tree(new) == PICTURES | {"copy.jpg": PICTURES["album/1.jpg"]}


def test_a_plan_made_before_can_be_applied_at_the_new_place(library: LivingLibrary) -> None:
    plan = library.plan()
    new = copied(library)
    move(library)
    applied = library.apply(plan)
    assert applied.removed + len(applied.refused) == 1
    assert tree(new).keys() >= PICTURES.keys()


def test_what_was_not_copied_is_missing_and_not_on_a_disk_that_is_away(library: LivingLibrary) -> None:
    new = copied(library)
    (new / "album/7.jpg").unlink()
    move(library)
    with library.catalog.read() as tx:
        (left,) = [one for one in tx.files.present() if one.path.endswith(b"7.jpg")]
    assert left.file.identity.device == os.stat(new).st_dev


@pytest.mark.parametrize("what", ["other bytes", "other dates", "half of it", "nothing at all", "no folder"])
def test_another_folder_is_refused_and_nothing_changes(library: LivingLibrary, what: str) -> None:
    new = copied(library)
    if what == "other bytes":
        for path in new.glob("album/*.jpg"):
            status = path.stat()
            path.write_bytes(b"x" * status.st_size)
            os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    elif what == "other dates":
        for path in new.glob("**/*.jpg"):
            os.utime(path, (1, 1))
    elif what == "half of it":
        for number in range(5):
            (new / f"album/{number}.jpg").unlink()
    else:
        shutil.rmtree(new)
        if what == "nothing at all":
            new.mkdir()
    before = known(library)
    with pytest.raises(UsageError):
        move(library)
    assert known(library) == before


def test_a_quarantine_that_was_left_behind_is_not_given_up(library: LivingLibrary) -> None:
    library.apply(library.plan())
    new = copied(library)
    shutil.rmtree(new / ".dedupctl")
    with pytest.raises(UsageError, match="1 removed files wait in the quarantine"):
        move(library)


def test_a_folder_in_another_root_and_an_unknown_root_are_refused(library: LivingLibrary) -> None:
    library.add_root("other")
    (library.base / "other" / "new").mkdir()
    with pytest.raises(UsageError, match="share files"):
        move(library, "other/new")
    with pytest.raises(UsageError, match="not a watched folder"):
        move_root(library.catalog, b"/nowhere", os.fsencode(library.base / "old"))


def test_a_root_without_a_marker_is_known_by_its_files_under_another_device_number(library: LivingLibrary) -> None:
    """A read-only disk: device numbers are given anew at each start of the machine."""
    with library.catalog.write() as tx:
        (root,) = tx.roots.all()
        tx.roots.move(root, root.path, root.device + 1, None)
        (root,) = tx.roots.all()
    found, reason = present(library.catalog, root)
    assert (found.device, reason) == (root.device - 1, None)
    with library.catalog.read() as tx:
        assert {located.file.identity.device for located in tx.files.present()} == {root.device - 1}


def test_a_root_without_a_marker_that_holds_other_files_is_offline(library: LivingLibrary) -> None:
    with library.catalog.write() as tx:
        (root,) = tx.roots.all()
        tx.roots.move(root, root.path, root.device + 1, None)
        (root,) = tx.roots.all()
    copied(library).rename(library.base / "old")
    assert present(library.catalog, root)[1] == "another filesystem is mounted there"
