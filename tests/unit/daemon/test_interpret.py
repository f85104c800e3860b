"""What hints turn out to mean: looked up on a real disk, against a catalog that is told what was found."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from walked_library import WalkedLibrary

from dedupctl.catalog.catalog import Catalog
from dedupctl.config import ScanConfig
from dedupctl.daemon.hints import FolderTouched, Hint, Moved, Removed, Touched
from dedupctl.daemon.interpret import Interpreter
from dedupctl.daemon.settle import Settler
from dedupctl.errors import Interrupted
from dedupctl.indexing.findings import Finding, Gone, Relinked, Unread


class Listening:
    """A library with an interpreter of hints; what is written is quiet as soon as `wait` is called."""

    def __init__(self, catalog: Catalog, path: Path) -> None:
        self.library = WalkedLibrary(catalog, path)
        self.now = 0.0
        self.beats = 0
        self.beats_left = 1_000_000
        self.interpreter = Interpreter(catalog, ScanConfig(), Settler(2.0, lambda: self.now), self.beat)
        self.interpreter.set_roots([self.library.root])

    def beat(self) -> None:
        self.beats += 1
        if self.beats > self.beats_left:
            raise Interrupted

    def absolute(self, name: str) -> bytes:
        return os.fsencode(self.library.path / name)

    def hear(self, *hints: Hint) -> list[Finding]:
        return list(self.interpreter.findings(hints))

    def wait(self) -> list[Finding]:
        found = list(self.interpreter.settled())
        self.now += 2.0
        return found + list(self.interpreter.settled())


@pytest.fixture
def listening(tmp_path: Path) -> Listening:
    return Listening(Catalog.open(tmp_path / "catalog.db"), tmp_path / "photos")


def unread(findings: list[Finding]) -> set[bytes]:
    return {finding.path for finding in findings if isinstance(finding, Unread)}


def test_a_touched_file_is_read_once_it_is_quiet(listening: Listening) -> None:
    listening.library.put("a.jpg")
    assert listening.hear(Touched(listening.absolute("a.jpg"))) == []
    assert unread(listening.wait()) == {b"a.jpg"}


def test_a_file_that_stands_again_where_one_was_removed_settles_first(listening: Listening) -> None:
    path = listening.library.put("a.jpg")
    listening.library.scan()
    path.unlink()
    listening.library.put("a.jpg", "another, half written")
    assert listening.hear(Removed(listening.absolute("a.jpg"), folder=False)) == []
    assert unread(listening.wait()) == {b"a.jpg"}


def test_a_file_written_through_one_of_its_names_has_changed_under_all_of_them(listening: Listening) -> None:
    path = listening.library.put("a.jpg")
    for name in ("b.jpg", "c.jpg"):
        (path.parent / name).hardlink_to(path)
    listening.library.put("other.jpg", "other")
    listening.library.scan()
    with path.open("r+") as file:
        file.write("WRITTEN IN PLACE")
    listening.hear(Touched(os.fsencode(path)))
    found = listening.wait()
    assert unread(found) == {b"a.jpg", b"b.jpg", b"c.jpg"}
    listening.library.store(found)
    assert len({listening.library.content(name) for name in ("a.jpg", "b.jpg", "c.jpg")}) == 1


def test_a_swap_of_two_folders_reads_nothing(listening: Listening) -> None:
    for number in range(3):
        listening.library.put(f"a/{number}.jpg", f"a {number}")
        listening.library.put(f"b/{number}.jpg", f"b {number}")
    listening.library.scan()
    a, b, between = (listening.absolute(name) for name in ("a", "b", "between"))
    for source, target in ((a, between), (b, a), (between, b)):
        os.rename(source, target)
    found = []
    for finding in listening.interpreter.findings([Moved(a, b, folder=True), Moved(b, a, folder=True)]):
        listening.library.store([finding])
        found.append(finding)
    found += listening.wait()
    assert unread(found) == set()
    assert len([finding for finding in found if isinstance(finding, Relinked)]) == 6
    assert not [finding for finding in found if isinstance(finding, Gone)]


def test_it_beats_for_every_file_and_can_be_broken_off_in_the_midst_of_a_folder(listening: Listening) -> None:
    for number in range(500):
        listening.library.put(f"all/{number}.jpg", f"{number}")
    assert listening.hear(FolderTouched(listening.absolute("all"))) == []
    assert listening.beats >= 500
    listening.beats_left = listening.beats + 100
    with pytest.raises(Interrupted):
        listening.hear(FolderTouched(listening.absolute("all")))
    listening.beats_left = 1_000_000
    before = listening.beats
    assert len(unread(listening.wait())) == 500
    assert listening.beats >= before + 500
