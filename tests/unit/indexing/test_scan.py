from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from builders import add_file, make_digest, make_fingerprint, make_identity
from hypothesis import given, settings
from hypothesis import strategies as st
from walked_library import WalkedLibrary

from dedupctl.catalog.catalog import Catalog
from dedupctl.config import ScanConfig
from dedupctl.domain import FileState, Identity, Unreadable
from dedupctl.indexing import scan
from dedupctl.indexing.findings import Finding, FolderError, Gone, PassedOver, Relinked, Revived, Unchanged, Unread
from dedupctl.indexing.scan import Walk, is_passed_over, is_unwatched_name, look_at

FOLLOWING = ScanConfig(follow_symlinks=True)


def paths(findings: list[Finding]) -> set[bytes]:
    return {finding.path for finding in findings if isinstance(finding, Unread)}


def gone(findings: list[Finding]) -> int:
    return sum(len(finding.file_ids) for finding in findings if isinstance(finding, Gone))


def passed_over(findings: list[Finding]) -> tuple[int, int]:
    """Folders that were not looked into, and files known from them."""
    found = [finding for finding in findings if isinstance(finding, PassedOver)]
    return sum(one.folders for one in found), sum(len(one.file_ids) for one in found)


def relinked(findings: list[Finding]) -> list[Relinked]:
    return [finding for finding in findings if isinstance(finding, Relinked)]


def on_another_device(library: WalkedLibrary, path: bytes) -> int:
    """A file that was last seen on a disk that is not mounted now."""
    with library.catalog.write() as tx:
        (content_id,) = tx.contents.add([make_fingerprint(repr(path))])
        return add_file(tx, library.root, path, content_id, make_identity(99, device=library.root.device + 1))


# --- files that are there --------------------------------------------------------------------------------------------


def test_a_new_picture_is_to_be_read(library: WalkedLibrary) -> None:
    picture = library.put("2020/a.jpg")

    (found,) = library.look()

    identity = Identity.of(os.stat(picture))
    assert found == Unread(library.root.id, b"2020/a.jpg", os.fsencode(picture), identity, known=False)


def test_what_is_no_picture_is_passed_over(library: WalkedLibrary) -> None:
    library.put("notes.txt")
    library.put("no-suffix")

    assert library.look() == []


def test_a_known_file_is_unchanged(library: WalkedLibrary) -> None:
    library.put("a.jpg")
    library.put("2020/b.jpg")
    library.scan()

    assert library.look() == [Unchanged(1), Unchanged(1)]


def test_a_file_with_other_bytes_is_read_again(library: WalkedLibrary) -> None:
    library.put("a.jpg", "before")
    library.scan()
    library.put("a.jpg", "afterwards")

    (found,) = library.look()

    assert isinstance(found, Unread)
    assert found.known


def test_a_file_changed_behind_its_mtime_is_read_again(library: WalkedLibrary) -> None:
    picture = library.put("a.jpg", "before")
    before = picture.stat()
    library.scan()
    picture.write_text("behind")
    os.utime(picture, ns=(before.st_atime_ns, before.st_mtime_ns))

    assert paths(library.look()) == {b"a.jpg"}


def test_a_file_that_could_not_be_read_waits_until_it_changes(library: WalkedLibrary) -> None:
    picture = library.put("a.jpg")
    with library.catalog.write() as tx:
        add_file(tx, library.root, b"a.jpg", Unreadable("truncated", "half a file"), Identity.of(picture.stat()))
    assert library.look() == [Unchanged(1)]

    library.put("a.jpg", "whole now")

    assert paths(library.look()) == {b"a.jpg"}


def test_names_that_are_not_utf8_are_found(library: WalkedLibrary) -> None:
    name = b"caf\xe9/\xff\xfe.jpg"
    os.mkdir(os.path.join(library.root.path, b"caf\xe9"))
    with open(os.path.join(library.root.path, name), "w") as file:
        file.write("picture")

    assert paths(library.scan()) == {name}
    assert library.look() == [Unchanged(1)]


def test_a_date_beyond_what_sqlite_can_hold_stops_nothing(library: WalkedLibrary) -> None:
    picture = library.put("a.jpg")
    os.utime(picture, (10**10, 10**10))
    if picture.stat().st_mtime_ns < 2**63:
        pytest.skip("this filesystem has no dates that late")
    library.scan()

    assert library.look() == [Unchanged(1)]


def test_more_folders_than_one_look_takes_are_all_visited(library: WalkedLibrary) -> None:
    names = {f"{number:03}/a.jpg" for number in range(150)}
    for name in names:
        library.put(name, name)

    assert {os.fsdecode(path) for path in paths(library.scan())} == names
    assert library.look() == [Unchanged(1)] * 150


def test_a_walk_runs_no_further_ahead_than_it_must(library: WalkedLibrary, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in "abc":
        for name in ("1.jpg", "2.jpg"):
            library.put(f"{folder}/{name}")
    monkeypatch.setattr(scan, "FINDINGS_A_LOOK", 1)
    walk = Walk(library.catalog, library.root, ScanConfig())
    found = walk.findings()
    next(found)
    shutil.rmtree(library.path / "b")

    assert {os.path.dirname(path) for path in paths(list(found))} == {b"a", b"c"}


# --- files that came, went and moved ---------------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["b.jpg", "0/b.jpg", "z/b.jpg"])
def test_a_renamed_file_keeps_its_content_unread(library: WalkedLibrary, target: str) -> None:
    picture = library.put("m/a.jpg")
    library.scan()
    (library.path / target).parent.mkdir(exist_ok=True)
    picture.rename(library.path / target)

    findings = library.scan()

    assert [found.moved for found in relinked(findings)] == [True]
    assert paths(findings) == set()
    assert library.content(target) == library.content("m/a.jpg")
    assert library.present() == {target}


def test_a_renamed_folder_keeps_its_files_unread(library: WalkedLibrary) -> None:
    for number in range(3):
        library.put(f"trip/day/{number}.jpg", f"picture {number}")
    library.scan()
    (library.path / "trip").rename(library.path / "journey")

    findings = library.scan()

    assert paths(findings) == set()
    assert library.present() == {f"journey/day/{number}.jpg" for number in range(3)}


def test_two_folders_that_changed_places_are_not_read_again(
    library: WalkedLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where what was found of the first is in the catalog before the second is looked at."""
    monkeypatch.setattr(scan, "FOLDERS_A_LOOK", 1)
    for number in range(3):
        library.put(f"a/{number}.jpg", f"a {number}")
        library.put(f"b/{number}.jpg", f"b {number}")
    library.scan()
    before = {name: library.content(name) for name in ("a/0.jpg", "b/0.jpg")}
    for source, target in (("a", "between"), ("b", "a"), ("between", "b")):
        (library.path / source).rename(library.path / target)
    found = []
    for finding in Walk(library.catalog, library.root, ScanConfig()).findings():
        library.store([finding])
        found.append(finding)
    assert paths(found) == set()
    assert len(relinked(found)) == 6
    assert all(finding.moved for finding in relinked(found))
    assert gone(found) == 0
    assert (library.content("a/0.jpg"), library.content("b/0.jpg")) == (before["b/0.jpg"], before["a/0.jpg"])


def test_two_files_that_changed_places_and_were_written_to_are_read(library: WalkedLibrary) -> None:
    for name in ("a.jpg", "b.jpg"):
        library.put(name, name)
    library.scan()
    for source, target in (("a.jpg", "between"), ("b.jpg", "a.jpg"), ("between", "b.jpg")):
        (library.path / source).rename(library.path / target)
    library.put("a.jpg", "written in its new place")
    assert paths(library.scan()) == {b"a.jpg"}


def test_a_disk_that_comes_back_under_another_device_number_is_not_read_again(library: WalkedLibrary) -> None:
    """A mount below a root; what is a root of its own is known by its marker."""
    library.put("disk/a.jpg")
    library.put("disk/b.jpg", "b")
    library.scan()
    with closing(sqlite3.connect(library.catalog.path)) as catalog, catalog:
        catalog.execute("UPDATE files SET device = device + 1000")
    library.put("disk/b.jpg", "written to while it was away")
    found = library.scan()
    assert paths(found) == {b"disk/b.jpg"}
    assert [finding.sighting.path for finding in relinked(found)] == [b"disk/a.jpg"]
    assert library.scan() == [Unchanged(2)]


def test_a_hard_link_is_one_more_name_for_known_bytes(library: WalkedLibrary) -> None:
    picture = library.put("a.jpg")
    library.scan()
    os.link(picture, library.path / "b.jpg")

    findings = library.scan()  # linking changes the ctime of both, so the first is read again
    assert [found.moved for found in relinked(findings)] == [False]
    assert library.content("a.jpg") == library.content("b.jpg")
    assert library.look() == [Unchanged(2)]


def test_a_renamed_file_that_could_not_be_read_is_tried_again(library: WalkedLibrary) -> None:
    picture = library.put("a.jpg")
    with library.catalog.write() as tx:
        add_file(tx, library.root, b"a.jpg", Unreadable("truncated", "half a file"), Identity.of(picture.stat()))
    picture.rename(library.path / "b.jpg")

    assert paths(library.look()) == {b"b.jpg"}


def test_an_inode_that_stood_for_two_contents_proves_nothing(library: WalkedLibrary) -> None:
    picture = library.put("new.jpg")
    identity = Identity.of(picture.stat())
    with library.catalog.write() as tx:
        one, other = tx.contents.add([make_fingerprint("one"), make_fingerprint("other")])
        add_file(tx, library.root, b"gone/one.jpg", one, identity)
        add_file(tx, library.root, b"gone/other.jpg", other, identity)

    assert b"new.jpg" in paths(library.look())


def test_a_deleted_file_is_gone(library: WalkedLibrary) -> None:
    library.put("a.jpg").unlink()
    library.put("b.jpg", "stays")
    library.put("a.jpg")
    library.scan()
    (library.path / "a.jpg").unlink()

    assert gone(library.scan()) == 1
    assert library.state("a.jpg") is FileState.GONE
    assert library.present() == {"b.jpg"}
    assert library.look() == [Unchanged(1)]


def test_a_deleted_folder_takes_all_its_files_with_it(library: WalkedLibrary) -> None:
    library.put("trip/a.jpg", "a")
    library.put("trip/day/b.jpg", "b")
    library.put("trips/c.jpg", "c")
    library.scan()
    shutil.rmtree(library.path / "trip")

    assert gone(library.scan()) == 2
    assert library.present() == {"trips/c.jpg"}


@pytest.mark.parametrize("replace", [Path.mkdir, lambda path: path.symlink_to("elsewhere.jpg"), os.mkfifo])
def test_a_file_replaced_by_something_else_is_gone(library: WalkedLibrary, replace: Any) -> None:
    picture = library.put("a.jpg")
    library.scan()
    picture.unlink()
    replace(picture)

    assert gone(library.scan()) == 1


@pytest.mark.parametrize("name", ["trip", "trip.jpg"])
def test_a_folder_replaced_by_a_file_loses_its_files(library: WalkedLibrary, name: str) -> None:
    library.put(f"{name}/a.jpg")
    library.scan()
    shutil.rmtree(library.path / name)
    library.put(name, "a file now")

    assert gone(library.scan()) == 1


def test_a_folder_replaced_by_a_link_loses_its_files(library: WalkedLibrary, tmp_path: Path) -> None:
    library.put("trip/day/a.jpg")
    library.scan()
    (library.path / "trip").rename(tmp_path / "elsewhere")
    (library.path / "trip").symlink_to(tmp_path / "elsewhere")

    assert gone(library.scan()) == 1


def test_a_gone_file_that_stands_again_untouched_is_revived(library: WalkedLibrary) -> None:
    library.put("a.jpg")
    library.scan()
    with library.catalog.write() as tx:
        file = tx.files.at(library.root.id, b"a.jpg")
        tx.files.mark_gone([file.id], at=1)

    assert library.scan() == [Revived((file.id,))]
    assert library.state("a.jpg") is FileState.PRESENT


def test_a_gone_file_that_comes_back_otherwise_is_read(library: WalkedLibrary) -> None:
    library.put("a.jpg").unlink()
    library.put("a.jpg")
    library.scan()
    (library.path / "a.jpg").unlink()
    library.scan()
    library.put("a.jpg", "another picture")

    assert paths(library.scan()) == {b"a.jpg"}
    assert library.state("a.jpg") is FileState.PRESENT


# --- disks and folders that cannot be looked at ----------------------------------------------------------------------


def test_files_of_a_disk_that_is_not_mounted_are_not_gone(library: WalkedLibrary) -> None:
    on_another_device(library, b"mnt/a.jpg")
    on_another_device(library, b"mnt/deep/b.jpg")
    (library.path / "mnt").mkdir()

    assert library.look() == []


def test_a_root_that_vanishes_under_the_walk_loses_nothing(library: WalkedLibrary) -> None:
    library.put("a.jpg")
    library.put("2020/b.jpg", "b")
    library.scan()
    shutil.rmtree(library.path)

    assert library.look() == []


def refuse(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Let nobody list this folder, not even root."""
    listed = os.scandir

    def scandir(path: bytes) -> Any:
        if path == os.fsencode(folder):
            raise PermissionError(13, "Permission denied")
        return listed(path)

    monkeypatch.setattr(os, "scandir", scandir)


def test_an_unreadable_folder_is_named_and_keeps_its_files(
    library: WalkedLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    library.put("locked/a.jpg", "a")
    library.put("locked/deep/b.jpg", "b")
    library.put("open/c.jpg", "c")
    library.scan()
    refuse(monkeypatch, library.path / "locked")

    findings = library.scan()

    assert findings == [FolderError(os.fsencode(library.path / "locked"), "Permission denied"), Unchanged(1)]
    assert len(library.present()) == 3


def test_an_unreadable_root_keeps_its_files(library: WalkedLibrary, monkeypatch: pytest.MonkeyPatch) -> None:
    library.put("2020/a.jpg")
    library.scan()
    refuse(monkeypatch, library.path)

    assert [type(finding) for finding in library.scan()] == [FolderError]
    assert library.present() == {"2020/a.jpg"}


class Blind:
    """A folder whose entries can be listed but not looked at, as one without the x bit, or a sick disk."""

    def __init__(self, entries: Any, error: OSError, names: set[bytes] | None = None) -> None:
        self._entries = entries
        self._error = error
        self._names = names

    def __enter__(self) -> Any:
        return (self._blinded(entry) for entry in self._entries)

    def __exit__(self, *_: object) -> None:
        self._entries.close()

    def _blinded(self, entry: Any) -> Any:
        return entry if self._names is not None and entry.name not in self._names else BlindEntry(entry, self._error)


class BlindEntry:
    def __init__(self, entry: Any, error: OSError) -> None:
        self.name = entry.name
        self.is_dir, self.is_file, self.is_symlink = entry.is_dir, entry.is_file, entry.is_symlink
        self._error = error

    def stat(self, **_: bool) -> os.stat_result:
        raise self._error


def test_a_folder_that_may_only_be_listed_keeps_its_files(
    library: WalkedLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    library.put("a.jpg")
    library.put("b.jpg", "b")
    library.scan()
    listed = os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: Blind(listed(path), PermissionError(13, "Permission denied")))

    assert library.look() == [FolderError(library.root.path, "Permission denied")]


def test_one_file_on_a_bad_sector_does_not_hide_the_others(
    library: WalkedLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    library.put("bad.jpg")
    library.put("good.jpg", "good")
    library.scan()
    listed = os.scandir
    sick = OSError(5, "Input/output error")
    monkeypatch.setattr(os, "scandir", lambda path: Blind(listed(path), sick, {b"bad.jpg"}))

    assert library.look() == [FolderError(library.root.path + b"/bad.jpg", "Input/output error"), Unchanged(1)]


def test_a_folder_that_vanishes_under_the_walk_is_gone(library: WalkedLibrary, monkeypatch: pytest.MonkeyPatch) -> None:
    library.put("a/a.jpg", "a")
    library.put("b/b.jpg", "b")
    library.scan()
    listed = os.scandir

    def scandir(path: bytes) -> Any:
        if path == library.root.path + b"/b":
            (library.path / "b/b.jpg").unlink()
            (library.path / "b").rmdir()
        return listed(path)

    monkeypatch.setattr(os, "scandir", scandir)

    assert gone(library.scan()) == 1
    assert library.present() == {"a/a.jpg"}


# --- what is never looked at -----------------------------------------------------------------------------------------


SYSTEM_FOLDERS = ("@eaDir", "#RECYCLE", ".Trash-1000", ".snapshots", "Previews.lrdata", ".local/share/Trash")


@pytest.mark.parametrize("name", SYSTEM_FOLDERS)
def test_system_folders_are_passed_over_and_counted(library: WalkedLibrary, name: str) -> None:
    library.put(f"{name}/deep/a.jpg")
    library.put(f"2020/{name}/b.jpg")

    assert passed_over(library.look()) == (2, 0)
    assert library.look(start=os.fsencode(name)) == []
    assert library.look(start=os.fsencode(f"{name}/deep")) == []


@pytest.mark.parametrize("name", SYSTEM_FOLDERS)
def test_system_folders_are_looked_into_where_asked(library: WalkedLibrary, name: str) -> None:
    library.put(f"{name}/deep/a.jpg")

    findings = library.look(config=ScanConfig(system_folders="index"))

    assert paths(findings) == {os.fsencode(f"{name}/deep/a.jpg")}
    assert passed_over(findings) == (0, 0)


@pytest.mark.parametrize("name", SYSTEM_FOLDERS)
@pytest.mark.parametrize("start", [b"", None])
def test_files_known_from_a_system_folder_are_let_go_and_nobody_says_they_were_deleted(
    library: WalkedLibrary, name: str, start: bytes | None
) -> None:
    library.put(f"{name}/deep/a.jpg", "a")
    library.put("b.jpg", "b")
    library.scan(config=ScanConfig(system_folders="index"))

    findings = library.scan(start=os.fsencode(name) if start is None else start)

    assert gone(findings) == 0
    assert passed_over(findings)[1] == 1
    assert library.present() == {"b.jpg"}


@pytest.mark.parametrize("system_folders", ["skip", "index"])
def test_our_own_folder_is_never_entered_and_not_counted(library: WalkedLibrary, system_folders: str) -> None:
    library.put(".dedupctl/quarantine/1/a.jpg")

    assert library.look(config=ScanConfig.model_validate({"system_folders": system_folders})) == []


def test_resource_forks_are_no_pictures(library: WalkedLibrary) -> None:
    library.put("._a.jpg")

    assert library.look() == []


@pytest.mark.parametrize(
    ("name", "skipped", "indexed"),
    [(b".dedupctl", True, True), (b"._a", True, True), (b"#recycle", True, False), (b"a", False, False)],
)
def test_what_happens_below_a_name_matters_or_not(name: bytes, skipped: bool, indexed: bool) -> None:
    assert is_unwatched_name(name, ScanConfig()) == skipped
    assert is_unwatched_name(name, ScanConfig(system_folders="index")) == indexed


@pytest.mark.parametrize("pattern", ["raw", "raw/*", "*/a.jpg", "*.jpg"])
def test_excluded_paths_are_not_looked_at(library: WalkedLibrary, pattern: str) -> None:
    library.put("raw/a.jpg")

    assert library.look(config=ScanConfig(exclude=(pattern,))) == []


def test_an_exclude_pattern_spares_what_it_does_not_match(library: WalkedLibrary) -> None:
    library.put("raw/a.jpg", "a")
    library.put("raws/b.jpg", "b")

    assert paths(library.look(config=ScanConfig(exclude=("raw", "*.png")))) == {b"raws/b.jpg"}


def test_files_excluded_later_are_let_go(library: WalkedLibrary) -> None:
    library.put("raw/deep/a.jpg", "a")
    library.put("b.jpg", "b")
    library.scan()

    assert gone(library.scan(config=ScanConfig(exclude=("raw", "b.jpg")))) == 2


def test_a_visit_of_an_excluded_folder_finds_nothing(library: WalkedLibrary) -> None:
    library.put("raw/deep/a.jpg")

    assert library.look(start=b"raw/deep", config=ScanConfig(exclude=("raw",))) == []


def test_an_exclude_pattern_takes_names_that_are_not_utf8() -> None:
    assert is_passed_over(b"raw/\xff.jpg", ScanConfig(exclude=("raw/*",)))
    assert not is_passed_over(b"\xff.jpg", ScanConfig(exclude=("raw/*",)))


# --- links -----------------------------------------------------------------------------------------------------------


def test_links_are_not_followed(library: WalkedLibrary, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/a.jpg").write_text("picture")
    (library.path / "folder").symlink_to(tmp_path / "outside")
    (library.path / "file.jpg").symlink_to(tmp_path / "outside/a.jpg")

    assert library.look() == []
    assert library.look(start=b"folder") == []


def test_links_are_followed_on_request(library: WalkedLibrary, tmp_path: Path) -> None:
    (tmp_path / "outside/deep").mkdir(parents=True)
    (tmp_path / "outside/deep/a.jpg").write_text("picture")
    (library.path / "folder").symlink_to(tmp_path / "outside")
    (library.path / "file.jpg").symlink_to(tmp_path / "outside/deep/a.jpg")

    assert paths(library.scan(config=FOLLOWING)) == {b"folder/deep/a.jpg", b"file.jpg"}
    assert Counter(map(type, library.look(config=FOLLOWING))) == {Unchanged: 2}


def test_followed_links_that_lead_in_circles_end(library: WalkedLibrary) -> None:
    library.put("a/b/c.jpg")
    (library.path / "a/b/up").symlink_to(library.path)
    (library.path / "a/again").symlink_to(library.path / "a")

    assert paths(library.look(config=FOLLOWING)) == {b"a/b/c.jpg"}


def test_a_folder_inside_the_root_is_visited_under_its_own_name(library: WalkedLibrary) -> None:
    library.put("z/deep/a.jpg")
    (library.path / "a").mkdir()
    (library.path / "a/link").symlink_to(library.path / "z/deep")

    assert paths(library.look(config=FOLLOWING)) == {b"z/deep/a.jpg"}


def test_a_link_onto_itself_is_named_and_hides_nothing(library: WalkedLibrary) -> None:
    library.put("a.jpg")
    (library.path / "loop.jpg").symlink_to("loop.jpg")

    findings = library.look(config=FOLLOWING)

    assert paths(findings) == {b"a.jpg"}
    assert [finding.path for finding in findings if isinstance(finding, FolderError)] == [
        library.root.path + b"/loop.jpg"
    ]


def test_a_link_to_nowhere_is_nothing(library: WalkedLibrary) -> None:
    (library.path / "nowhere.jpg").symlink_to("missing.jpg")

    assert library.look(config=FOLLOWING) == []


# --- a visit of one folder -------------------------------------------------------------------------------------------


def test_a_visit_of_one_folder_leaves_the_rest_alone(library: WalkedLibrary) -> None:
    library.put("trip/a.jpg", "a")
    library.put("trip/deep/b.jpg", "b")
    library.put("tripod/c.jpg", "c")
    library.put("d.jpg", "d")

    assert paths(library.scan(start=b"trip")) == {b"trip/a.jpg", b"trip/deep/b.jpg"}
    library.scan()
    for name in ("trip/deep/b.jpg", "tripod/c.jpg", "d.jpg"):
        (library.path / name).unlink()
    assert gone(library.scan(start=b"trip")) == 1


def test_a_visit_of_a_vanished_folder_finds_its_files_gone(library: WalkedLibrary) -> None:
    library.put("trip/deep/a.jpg", "a")
    library.put("b.jpg", "b")
    library.scan()
    shutil.rmtree(library.path / "trip")

    assert gone(library.scan(start=b"trip/deep")) == 1
    assert library.present() == {"b.jpg"}


def test_a_visit_of_a_file_finds_nothing(library: WalkedLibrary) -> None:
    library.put("a.jpg")
    library.scan()

    assert library.look(start=b"a.jpg") == []


# --- one path --------------------------------------------------------------------------------------------------------


def look(library: WalkedLibrary, path: bytes, config: ScanConfig | None = None) -> Finding | None:
    return look_at(library.catalog, library.root, path, config or ScanConfig())


def test_one_path_is_judged_as_the_walk_judges_it(library: WalkedLibrary) -> None:
    picture = library.put("2020/a.jpg", "a")
    assert [look(library, b"2020/a.jpg")] == library.look()

    library.scan()
    assert look(library, b"2020/a.jpg") is None

    library.put("2020/a.jpg", "changed")
    assert [look(library, b"2020/a.jpg")] == library.look()

    library.scan()
    picture.rename(library.path / "2020/b.jpg")
    assert {type(look(library, path)) for path in (b"2020/a.jpg", b"2020/b.jpg")} == {Gone, Relinked}
    assert Counter(map(type, library.scan())) == {Gone: 1, Relinked: 1}
    assert look(library, b"2020/a.jpg") is None


def test_one_path_that_stands_again_is_revived(library: WalkedLibrary) -> None:
    library.put("a.jpg")
    library.scan()
    with library.catalog.write() as tx:
        file = tx.files.at(library.root.id, b"a.jpg")
        tx.files.mark_gone([file.id], at=1)

    assert look(library, b"a.jpg") == Revived((file.id,))


@pytest.mark.parametrize(
    "path", [b"notes.txt", b".dedupctl/quarantine/1/a.jpg", b"raw/a.jpg", b"missing.jpg", b"a.jpg/b.jpg", b"folder"]
)
def test_one_path_that_calls_for_nothing(library: WalkedLibrary, path: bytes) -> None:
    for name in ("notes.txt", ".dedupctl/quarantine/1/a.jpg", "raw/a.jpg", "a.jpg"):
        library.put(name)
    (library.path / "folder").mkdir()

    assert look(library, path, ScanConfig(exclude=("raw",))) is None


def test_one_path_behind_a_link_is_not_looked_at(library: WalkedLibrary, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/a.jpg").write_text("picture")
    (library.path / "link").symlink_to(tmp_path / "outside")
    (library.path / "b.jpg").symlink_to(tmp_path / "outside/a.jpg")

    assert look(library, b"link/a.jpg") is None
    assert look(library, b"b.jpg") is None
    assert isinstance(look(library, b"link/a.jpg", FOLLOWING), Unread)
    assert isinstance(look(library, b"b.jpg", FOLLOWING), Unread)


def test_one_path_on_a_disk_that_is_not_mounted_is_not_gone(library: WalkedLibrary) -> None:
    on_another_device(library, b"mnt/a.jpg")
    (library.path / "mnt").mkdir()

    assert look(library, b"mnt/a.jpg") is None


def test_one_path_of_a_root_that_is_no_more_is_not_gone(library: WalkedLibrary) -> None:
    library.put("a.jpg")
    library.scan()
    shutil.rmtree(library.path)

    assert look(library, b"a.jpg") is None


# --- any history -----------------------------------------------------------------------------------------------------

names = st.sampled_from(["a.jpg", "b.png", "c.txt", "._d.jpg"])
folders = st.sampled_from(["", "one", "one/two", "three", ".dedupctl"])
places = st.builds(os.path.join, folders, names)
steps = st.one_of(
    st.tuples(st.just("write"), places, places),
    st.tuples(st.just("delete"), places, places),
    st.tuples(st.just("move"), places, places),
    st.tuples(st.just("link"), places, places),
    st.tuples(st.just("move folder"), folders, folders),
    st.tuples(st.just("delete folder"), folders, folders),
    st.tuples(st.just("scan"), places, places),
)


def take(step: tuple[str, str, str], base: Path, serial: int) -> None:
    """Do one thing to the files, if it can be done."""
    verb, one, other = step
    source, target = base / one, base / other
    if verb == "write":
        source.parent.mkdir(parents=True, exist_ok=True)
        if not source.is_dir():
            # Every content has a size of its own: the clock of a filesystem is too coarse for a test.
            source.unlink(missing_ok=True)
            source.write_text("x" * serial)
    elif verb == "delete" and source.is_file():
        source.unlink()
    elif verb in ("move", "link") and source.is_file() and not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        (os.rename if verb == "move" else os.link)(source, target)
    elif verb == "move folder" and one and source.is_dir() and other and not target.exists():
        if not target.is_relative_to(source):
            target.parent.mkdir(parents=True, exist_ok=True)
            source.rename(target)
    elif verb == "delete folder" and one and source.is_dir():
        shutil.rmtree(source)


def pictures_under(base: Path) -> dict[str, str]:
    """What a walk should know, by the plainest of means."""
    found = {}
    for folder, _, files in os.walk(base):
        for name in files:
            path = os.path.relpath(os.path.join(folder, name), base)
            if name in ("a.jpg", "b.png") and ".dedupctl" not in path.split("/"):
                found[path] = (base / path).read_text()
    return found


@settings(max_examples=60, deadline=None)
@given(history=st.lists(steps, max_size=25))
def test_after_any_history_the_catalog_knows_what_is_there(
    empty_catalog: Path, history: list[tuple[str, str, str]]
) -> None:
    with tempfile.TemporaryDirectory() as folder, Catalog.open(Path(shutil.copy(empty_catalog, folder))) as catalog:
        library = WalkedLibrary(catalog, Path(folder) / "library")
        for serial, step in enumerate(history, start=1):
            take(step, library.path, serial)
            if step[0] == "scan":
                library.scan()
        library.scan()

        there = pictures_under(library.path)
        assert library.present() == there.keys()
        with catalog.read() as tx:
            expected = {name: tx.contents.id_of(make_digest(text)) for name, text in there.items()}
        assert {name: library.content(name) for name in there} == expected
        assert all(isinstance(found, Unchanged) for found in library.look())


def test_a_walk_reads_no_file_of_an_unchanged_library(library: WalkedLibrary, monkeypatch: pytest.MonkeyPatch) -> None:
    library.put("a.jpg")
    library.scan()
    walk = Walk(library.catalog, library.root, ScanConfig())
    monkeypatch.setattr("builtins.open", lambda *_: pytest.fail("a file was opened"))

    assert list(walk.findings()) == [Unchanged(1)]
