"""The watcher on a real folder, with the real kernel; only the limits of inotify are played."""

from __future__ import annotations

import ctypes
import errno
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from inotify_simple import Event, INotify, parse_events
from mounting import mounted

from dedupctl.daemon import inotify as inotify_module
from dedupctl.daemon import watcher as watcher_module
from dedupctl.daemon.hints import EventsLost, FolderTouched, Hint, Moved, Removed, RootLost, Touched
from dedupctl.daemon.watcher import Watcher

PATIENCE = 60.0


def is_tool_name(name: bytes) -> bool:
    return name in {b".dedupctl", b"@eaDir"} or name.startswith(b"._")


class Library:
    """A watched folder and everything the watcher said about it."""

    def __init__(self, root: Path, watcher: Watcher) -> None:
        self.root = root
        self.watcher = watcher
        self.heard: list[Hint] = []
        self.health = watcher.watch(os.fsencode(root))

    def path(self, name: str) -> bytes:
        return os.fsencode(self.root / name)

    def wait_for(self, wanted: Callable[[list[Hint]], bool]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not wanted(self.heard):
            assert time.monotonic() < deadline, f"never heard; heard {self.heard}"
            self.heard += self.watcher.take(0.1)

    def wait_for_hint(self, hint: Hint) -> None:
        self.wait_for(lambda heard: hint in heard)

    def wait_until_idle(self) -> None:
        """All that was done before this call has been heard of."""
        (self.root / "fence").write_bytes(b"")
        self.wait_for_hint(Touched(self.path("fence")))


OpenLibrary = Callable[[bool], Library]


@pytest.fixture
def open_library(tmp_path: Path) -> Iterator[OpenLibrary]:
    """Lays out a small library and watches it, by events or by polling."""
    opened = []

    def lay_out(always_poll: bool) -> Library:
        root = tmp_path / "photos"
        for name in ("album", "@eaDir", ".dedupctl"):
            (root / name).mkdir(parents=True)
        (root / "old.jpg").write_bytes(b"old")
        opened.append(Watcher(is_tool_name=is_tool_name, polling_seconds=0.05, always_poll=always_poll))
        return Library(root, opened[-1])

    yield lay_out
    for watcher in opened:
        watcher.close()


@pytest.fixture(params=["events", "polling"])
def library(request: pytest.FixtureRequest, open_library: OpenLibrary) -> Library:
    library = open_library(request.param == "polling")
    assert library.health.polled == (request.param == "polling")
    return library


@pytest.fixture
def live(open_library: OpenLibrary) -> Library:
    """A library whose events come from the kernel."""
    library = open_library(False)
    assert not library.health.polled
    return library


def test_a_new_file_is_hinted(library: Library) -> None:
    (library.root / "album" / "new.jpg").write_bytes(b"new")
    library.wait_for_hint(Touched(library.path("album/new.jpg")))


def test_a_rewritten_file_is_hinted(library: Library) -> None:
    (library.root / "old.jpg").write_bytes(b"other bytes")
    library.wait_for_hint(Touched(library.path("old.jpg")))


def test_a_hard_link_is_hinted(library: Library) -> None:
    (library.root / "link.jpg").hardlink_to(library.root / "old.jpg")
    library.wait_for_hint(Touched(library.path("link.jpg")))


def test_a_deleted_file_and_a_deleted_folder_are_hinted(library: Library) -> None:
    (library.root / "old.jpg").unlink()
    (library.root / "album").rmdir()
    library.wait_for_hint(Removed(library.path("old.jpg"), folder=False))
    library.wait_for_hint(Removed(library.path("album"), folder=True))


def test_a_renamed_file_is_hinted_as_one_move(library: Library) -> None:
    (library.root / "old.jpg").rename(library.root / "album" / "renamed.jpg")
    library.wait_for_hint(Moved(library.path("old.jpg"), library.path("album/renamed.jpg"), folder=False))
    assert Removed(library.path("old.jpg"), folder=False) not in library.heard


def test_a_renamed_folder_is_hinted_and_watched_under_its_new_name(library: Library) -> None:
    (library.root / "album" / "in.jpg").write_bytes(b"in")
    library.wait_for_hint(Touched(library.path("album/in.jpg")))
    (library.root / "album").rename(library.root / "holidays")
    library.wait_for_hint(Moved(library.path("album"), library.path("holidays"), folder=True))
    (library.root / "holidays" / "new.jpg").write_bytes(b"new")
    library.wait_for_hint(Touched(library.path("holidays/new.jpg")))


def test_a_folder_moved_in_is_hinted_and_then_watched(library: Library, tmp_path: Path) -> None:
    (tmp_path / "elsewhere" / "deep").mkdir(parents=True)
    (tmp_path / "elsewhere").rename(library.root / "moved in")
    library.wait_for_hint(FolderTouched(library.path("moved in")))
    (library.root / "moved in" / "deep" / "new.jpg").write_bytes(b"new")
    library.wait_for_hint(Touched(library.path("moved in/deep/new.jpg")))


def test_what_is_moved_out_is_hinted_as_removed(library: Library, tmp_path: Path) -> None:
    (library.root / "old.jpg").rename(tmp_path / "old.jpg")
    (library.root / "album").rename(tmp_path / "album")
    library.wait_for_hint(Removed(library.path("old.jpg"), folder=False))
    library.wait_for_hint(Removed(library.path("album"), folder=True))


def test_names_that_are_not_utf8_come_through_as_they_are(library: Library) -> None:
    folder = os.fsencode(library.root) + b"/\xe9t\xe9"
    os.mkdir(folder)
    library.wait_for_hint(FolderTouched(folder))
    Path(os.fsdecode(folder + b"/\xff\n.jpg")).write_bytes(b"new")
    library.wait_for_hint(Touched(folder + b"/\xff\n.jpg"))


def test_a_folder_filled_at_once_is_known_to_the_last_file(library: Library) -> None:
    """The folder's own hint stands for what was in it before it could be watched."""
    deep = library.root / "a" / "b" / "c"
    deep.mkdir(parents=True)
    (deep / "new.jpg").write_bytes(b"new")
    path = library.path("a/b/c/new.jpg")
    library.wait_for(
        lambda heard: any(
            hint == Touched(path) or (isinstance(hint, FolderTouched) and path.startswith(hint.path)) for hint in heard
        )
    )


def test_folders_of_other_tools_are_silent(library: Library) -> None:
    for name in (".dedupctl", "@eaDir"):
        (library.root / name / "new.jpg").write_bytes(b"new")
    (library.root / "album" / "._new.jpg").write_bytes(b"resource fork")
    (library.root / "album" / "@eaDir" / "deep").mkdir(parents=True)
    (library.root / "album" / "@eaDir" / "deep" / "new.jpg").write_bytes(b"new")
    library.wait_until_idle()
    assert {hint.path for hint in library.heard if isinstance(hint, Touched | FolderTouched)} == {library.path("fence")}


def test_a_move_into_and_out_of_a_folder_of_our_own_is_a_removal_and_a_return(library: Library) -> None:
    (library.root / "old.jpg").rename(library.root / ".dedupctl" / "old.jpg")
    library.wait_for_hint(Removed(library.path("old.jpg"), folder=False))
    (library.root / ".dedupctl" / "old.jpg").rename(library.root / "back.jpg")
    library.wait_for_hint(Touched(library.path("back.jpg")))


def test_reading_the_library_raises_no_hints(live: Library) -> None:
    for _ in range(10):
        (live.root / "old.jpg").read_bytes()
        list(live.root.iterdir())
    live.wait_until_idle()
    assert {hint for hint in live.heard if hint != Touched(live.path("fence"))} == set()


def test_a_root_that_vanishes_is_lost_and_can_be_watched_again(library: Library) -> None:
    for name in ("album", "@eaDir", ".dedupctl"):
        (library.root / name).rmdir()
    (library.root / "old.jpg").unlink()
    library.root.rmdir()
    library.wait_for_hint(RootLost(os.fsencode(library.root)))
    assert Removed(os.fsencode(library.root), folder=True) not in library.heard

    library.root.mkdir()
    library.watcher.watch(os.fsencode(library.root))
    library.wait_until_idle()


@pytest.mark.parametrize("always_poll", [False, True], ids=["events", "polling"])
def test_a_root_that_is_not_a_folder_cannot_be_watched(tmp_path: Path, always_poll: bool) -> None:
    watcher = Watcher(is_tool_name=is_tool_name, polling_seconds=1.0, always_poll=always_poll)
    with pytest.raises(FileNotFoundError):
        watcher.watch(os.fsencode(tmp_path / "nowhere"))
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(NotADirectoryError):
        watcher.watch(os.fsencode(tmp_path / "file"))
    assert watcher.health() == []
    watcher.close()


def test_an_unwatched_root_is_silent(live: Library) -> None:
    live.watcher.unwatch(os.fsencode(live.root))
    (live.root / "new.jpg").write_bytes(b"new")
    assert live.watcher.take(0.2) == []
    assert live.watcher.health() == []


def test_an_overflow_of_the_kernels_queue_is_told_and_the_watching_goes_on(
    open_library: OpenLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reader is held back while more happens than the kernel keeps."""
    is_held, go_on = threading.Event(), threading.Event()

    def held_back(data: bytes) -> list[Event]:
        is_held.set()
        go_on.wait()
        events: list[Event] = parse_events(data)
        return events

    monkeypatch.setattr(inotify_module, "parse_events", held_back)
    live = open_library(False)
    (live.root / "old.jpg").write_bytes(b"its event holds the reader")
    assert is_held.wait(PATIENCE)
    limit = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    source, link = live.path("old.jpg"), live.path("link.jpg")
    for _ in range(limit // 2 + 10):
        os.link(source, link)
        os.unlink(link)
    go_on.set()
    live.wait_for(lambda heard: any(isinstance(hint, EventsLost) for hint in heard))
    live.wait_until_idle()


class ScarceInotify(INotify):  # type: ignore[misc]
    """A kernel that has so many watches left and no more."""

    left = 0

    def add_watch(self, path: bytes, mask: int) -> int:
        type(self).left -= 1
        if self.left < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return int(super().add_watch(path, mask))


@pytest.fixture
def scarce(monkeypatch: pytest.MonkeyPatch) -> type[ScarceInotify]:
    class Scarce(ScarceInotify):
        pass

    monkeypatch.setattr(inotify_module, "INotify", Scarce)
    return Scarce


@pytest.mark.parametrize("left", [0, 2], ids=["not even the root", "one folder below it"])
def test_a_root_beyond_the_limit_of_watches_is_polled_and_the_limit_named(
    open_library: OpenLibrary, scarce: type[ScarceInotify], left: int
) -> None:
    scarce.left = left
    library = open_library(False)
    value = Path("/proc/sys/fs/inotify/max_user_watches").read_text().strip()
    assert library.health.polled
    assert f"fs.inotify.max_user_watches = {value}" in (library.health.reason or "")
    (library.root / "album" / "new.jpg").write_bytes(b"new")
    library.wait_for_hint(Touched(library.path("album/new.jpg")))
    assert not any(isinstance(hint, EventsLost) for hint in library.heard)


def test_a_new_folder_beyond_the_limit_asks_for_a_scan_and_the_root_is_polled_from_then_on(
    scarce: type[ScarceInotify], open_library: OpenLibrary
) -> None:
    scarce.left = 1000
    live = open_library(False)
    scarce.left = 0
    (live.root / "one too many").mkdir()
    live.wait_for(lambda heard: any(isinstance(hint, EventsLost) for hint in heard))
    (health,) = live.watcher.health()
    assert health.polled
    (live.root / "one too many" / "new.jpg").write_bytes(b"new")
    live.wait_for_hint(Touched(live.path("one too many/new.jpg")))


def test_a_root_beyond_the_limit_of_instances_is_polled_and_the_limit_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> INotify:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr(inotify_module, "INotify", refuse)
    watcher = Watcher(is_tool_name=is_tool_name, polling_seconds=1.0)
    assert "fs.inotify.max_user_instances = " in (watcher.watch(os.fsencode(tmp_path)).reason or "")
    watcher.close()


def test_a_network_share_is_polled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = tmp_path / "mountinfo"
    table.write_bytes(b"31 22 0:41 / " + os.fsencode(tmp_path) + b" rw - nfs4 nas:/export rw\n")
    monkeypatch.setattr(watcher_module, "MOUNT_TABLE", table)
    watcher = Watcher(is_tool_name=is_tool_name, polling_seconds=1.0)
    assert "nfs4" in (watcher.watch(os.fsencode(tmp_path)).reason or "")
    watcher.close()


def test_folders_of_other_tools_cost_no_watch(tmp_path: Path) -> None:
    for number in range(50):
        (tmp_path / "@eaDir" / str(number)).mkdir(parents=True)
    watcher = Watcher(is_tool_name=is_tool_name, polling_seconds=1.0)
    assert watcher.watch(os.fsencode(tmp_path)).watches == 1
    watcher.close()


def test_a_link_in_circles_does_not_trap_the_polling(tmp_path: Path) -> None:
    (tmp_path / "circle").symlink_to(tmp_path)
    watcher = Watcher(is_tool_name=is_tool_name, polling_seconds=0.05, always_poll=True)
    watcher.watch(os.fsencode(tmp_path))
    (tmp_path / "new.jpg").write_bytes(b"new")
    deadline = time.monotonic() + PATIENCE
    heard: list[Hint] = []
    while not heard and time.monotonic() < deadline:
        heard += watcher.take(0.1)
    watcher.close()
    assert heard == [Touched(os.fsencode(tmp_path / "new.jpg"))]


def exchange(one: Path, other: Path) -> None:
    """`RENAME_EXCHANGE`: two folders change places in one step."""
    libc = ctypes.CDLL(None, use_errno=True)
    at_fdcwd, rename_exchange = -100, 2
    if libc.renameat2(at_fdcwd, os.fsencode(one), at_fdcwd, os.fsencode(other), rename_exchange) != 0:
        pytest.skip(os.strerror(ctypes.get_errno()))


def assert_every_folder_is_heard(library: Library) -> None:
    for folder, _, _ in os.walk(library.root):
        if not any(is_tool_name(os.fsencode(name)) for name in Path(folder).parts):
            fresh = Path(folder) / "fresh.jpg"
            fresh.write_bytes(b"new")
            library.wait_for_hint(Touched(os.fsencode(fresh)))


def test_two_folders_of_one_name_that_leave_in_turn_leave_nobody_deaf(live: Library, tmp_path: Path) -> None:
    """With watchdog 7.1 a KeyError ended its thread."""
    for number in range(2):
        (live.root / "album" / "deep").mkdir(parents=True, exist_ok=True)
        live.wait_until_idle()
        (live.root / "album").rename(tmp_path / f"trashed {number}")
        live.wait_for_hint(Removed(live.path("album"), folder=True))
        live.heard.clear()
    for number in range(2):
        (tmp_path / f"trashed {number}" / "deep").rmdir()
        (tmp_path / f"trashed {number}").rmdir()
    assert_every_folder_is_heard(live)


def test_two_folders_that_change_places_in_one_step_are_both_heard(live: Library) -> None:
    (live.root / "album" / "deep").mkdir()
    (live.root / "other" / "deep").mkdir(parents=True)
    live.wait_until_idle()
    exchange(live.root / "album", live.root / "other")
    live.wait_for_hint(Moved(live.path("album"), live.path("other"), folder=True))
    live.wait_for_hint(Moved(live.path("other"), live.path("album"), folder=True))
    (live.root / "album" / "deep").rmdir()
    (live.root / "album" / "deep").mkdir()
    assert_every_folder_is_heard(live)


def test_a_folder_that_went_out_and_came_back_under_another_name_is_heard_there(live: Library, tmp_path: Path) -> None:
    (live.root / "album" / "deep").mkdir()
    live.wait_until_idle()
    (live.root / "album").rename(tmp_path / "away")
    live.wait_for_hint(Removed(live.path("album"), folder=True))
    (tmp_path / "away").rename(live.root / "back")
    live.wait_for_hint(FolderTouched(live.path("back")))
    assert_every_folder_is_heard(live)
    assert not {hint.path for hint in live.heard if isinstance(hint, Touched) and b"/album/" in hint.path}


def test_what_was_moved_out_is_not_watched_any_more(live: Library, tmp_path: Path) -> None:
    (live.root / "album" / "deep").mkdir()
    live.wait_until_idle()
    (before,) = live.watcher.health()
    (live.root / "album").rename(tmp_path / "away")
    live.wait_for_hint(Removed(live.path("album"), folder=True))
    (tmp_path / "away" / "deep" / "new.jpg").write_bytes(b"new")
    live.wait_until_idle()
    (after,) = live.watcher.health()
    assert (before.watches, after.watches) == (3, 1)
    assert not {hint for hint in live.heard if isinstance(hint, Touched) and b"new.jpg" in hint.path}


def test_a_watch_that_has_died_is_told_of_and_can_be_taken_up_again(
    live: Library, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(inotify_module, "parse_events", lambda _data: 1 / 0)
        (live.root / "unheard.jpg").write_bytes(b"new")
        live.wait_for(lambda _: "ZeroDivisionError" in caplog.text)
    live.wait_for(lambda heard: live.watcher.check() or RootLost(os.fsencode(live.root)) in heard)
    (lost,) = {hint.reason for hint in live.heard if isinstance(hint, RootLost)}
    assert lost == "its watch has ended: ZeroDivisionError: division by zero"
    live.watcher.watch(os.fsencode(live.root))
    assert_every_folder_is_heard(live)


@pytest.mark.parametrize("seen", ["by itself", "when it is checked"])
def test_a_root_in_whose_place_another_folder_stands_is_lost(live: Library, tmp_path: Path, seen: str) -> None:
    """The same marker may stand in both: a copy, or a disk that was unplugged for a second."""
    if seen == "by itself":
        live.root.rename(tmp_path / "old")
        live.root.mkdir()
    else:  # no event tells of what happens to a folder above it
        outer = live.root / "album"
        live = Library(outer / "inner", live.watcher) if (outer / "inner").mkdir() is None else live
        live.watcher.unwatch(os.fsencode(tmp_path / "photos"))
        outer.rename(tmp_path / "old")
        live.root.mkdir(parents=True)
        live.watcher.check()
    live.wait_for_hint(RootLost(os.fsencode(live.root)))


def test_a_filesystem_that_is_mounted_or_unmounted_below_a_root_is_heard_and_watched(live: Library) -> None:
    with mounted(live.root / "album"):
        live.wait_for_hint(FolderTouched(live.path("album")))
        (live.root / "album" / "deep").mkdir()
        live.wait_for_hint(FolderTouched(live.path("album/deep")))
        assert_every_folder_is_heard(live)
    live.heard.clear()
    live.wait_for_hint(FolderTouched(live.path("album")))
    assert_every_folder_is_heard(live)


def test_an_unmounted_root_is_lost(live: Library) -> None:
    with mounted(live.root):
        live.wait_for_hint(RootLost(os.fsencode(live.root)))
        live.watcher.watch(os.fsencode(live.root))
        live.heard.clear()
        live.wait_until_idle()
    live.wait_for_hint(RootLost(os.fsencode(live.root)))


def test_a_share_that_is_mounted_below_a_root_later_has_the_root_polled(
    live: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    live.watcher.check()
    assert live.watcher.take(0) == []
    table = tmp_path / "mountinfo"
    table.write_bytes(b"31 22 0:41 / " + live.path("album") + b" rw - nfs4 nas:/export rw\n")
    monkeypatch.setattr(watcher_module, "MOUNT_TABLE", table)
    live.watcher.check()
    live.wait_for_hint(RootLost(os.fsencode(live.root)))
    assert "nfs4" in (live.watcher.watch(os.fsencode(live.root)).reason or "")
    table.write_bytes(b"")
    live.heard.clear()
    live.watcher.check()
    live.wait_for_hint(RootLost(os.fsencode(live.root)))
    assert not live.watcher.watch(os.fsencode(live.root)).polled


def test_a_comparison_finds_the_folders_that_are_not_watched(live: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as deaf:
        deaf.setattr(inotify_module, "parse_events", lambda _data: [])
        (live.root / "unheard").mkdir()
        live.wait_for(lambda _: live.watcher.take(0.2) == [])
    live.watcher.look_again()
    live.wait_for_hint(FolderTouched(live.path("unheard")))
    assert_every_folder_is_heard(live)


def test_a_root_that_was_polled_for_want_of_watches_gets_another_try(
    scarce: type[ScarceInotify], open_library: OpenLibrary
) -> None:
    library = open_library(False)
    assert library.health.polled
    scarce.left = 1000
    library.watcher.check()
    assert library.watcher.take(0) == []
    library.watcher.look_again()
    library.wait_for_hint(RootLost(os.fsencode(library.root)))
    assert not library.watcher.watch(os.fsencode(library.root)).polled


def test_where_there_is_no_inotify_the_system_is_asked_through_watchdog(
    open_library: OpenLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watcher_module, "HAS_INOTIFY", False)
    library = open_library(False)
    assert (library.health.polled, library.health.watches) == (False, 0)
    (library.root / "album" / "new.jpg").write_bytes(b"new")
    library.wait_for_hint(Touched(library.path("album/new.jpg")))


def test_it_beats_while_a_root_is_being_watched_and_can_be_broken_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = threading.Event()
    monkeypatch.setattr(inotify_module.WatchTree, "look_again", lambda _tree: go_on.wait() and [])
    beats = iter([None, InterruptedError()])

    def beat() -> None:
        if error := next(beats):
            go_on.set()
            raise error

    watcher = Watcher(is_tool_name=is_tool_name, polling_seconds=1.0, beat=beat)
    with pytest.raises(InterruptedError):
        watcher.watch(os.fsencode(tmp_path))
    assert watcher.health() == []
