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
from watchdog.observers import inotify_c
from watchdog.observers.inotify_c import InotifyConstants, InotifyEvent, WatchDescriptor

from dedupctl.daemon import watcher as watcher_module
from dedupctl.daemon.hints import EventsLost, FolderTouched, Hint, Moved, Removed, RootLost, Touched
from dedupctl.daemon.inotify import Inotify
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
    library.wait_for_hint(Removed(library.path("old.jpg")))
    library.wait_for_hint(Removed(library.path("album")))


def test_a_renamed_file_is_hinted_as_one_move(library: Library) -> None:
    (library.root / "old.jpg").rename(library.root / "album" / "renamed.jpg")
    library.wait_for_hint(Moved(library.path("old.jpg"), library.path("album/renamed.jpg"), folder=False))
    assert Removed(library.path("old.jpg")) not in library.heard


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
    library.wait_for_hint(Removed(library.path("old.jpg")))
    library.wait_for_hint(Removed(library.path("album")))


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
    library.wait_for_hint(Removed(library.path("old.jpg")))
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
    assert Removed(os.fsencode(library.root)) not in library.heard

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
    go_on = threading.Event()
    read_events = Inotify.read_events

    def held_back(self: Inotify, **options: int) -> list[InotifyEvent]:
        go_on.wait()
        return read_events(self, **options)

    monkeypatch.setattr(Inotify, "read_events", held_back)
    live = open_library(False)
    limit = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    source, link = live.path("old.jpg"), live.path("link.jpg")
    for _ in range(limit // 2 + 10):
        os.link(source, link)
        os.unlink(link)
    go_on.set()
    live.wait_for(lambda heard: any(isinstance(hint, EventsLost) for hint in heard))
    live.wait_until_idle()


def test_an_unmounted_root_is_lost_and_an_unmounted_folder_asks_for_a_scan(live: Library) -> None:
    (inotify,) = [thread for thread in threading.enumerate() if isinstance(thread, Inotify)]
    unmounted = InotifyConstants.IN_UNMOUNT
    inotify.handle_event(InotifyEvent(WatchDescriptor(1), unmounted, 0, b""))
    inotify.handle_event(InotifyEvent(WatchDescriptor(2), unmounted, 0, b""))
    assert live.watcher.take(0) == [RootLost(os.fsencode(live.root)), EventsLost("a filesystem was unmounted")]


class ScarceInotify:
    """A kernel that has so many watches left and no more."""

    def __init__(self, left: int) -> None:
        self.left = left
        self._add_watch = inotify_c.inotify_add_watch

    def __call__(self, descriptor: int, path: bytes, mask: int) -> int:
        self.left -= 1
        if self.left < 0:
            ctypes.set_errno(errno.ENOSPC)
            return -1
        return self._add_watch(descriptor, path, mask)


@pytest.mark.parametrize("left", [0, 1], ids=["not even the root", "one folder below it"])
def test_a_root_beyond_the_limit_of_watches_is_polled_and_the_limit_named(
    open_library: OpenLibrary, monkeypatch: pytest.MonkeyPatch, left: int
) -> None:
    monkeypatch.setattr(inotify_c, "inotify_add_watch", ScarceInotify(left))
    library = open_library(False)
    value = Path("/proc/sys/fs/inotify/max_user_watches").read_text().strip()
    assert library.health.polled
    assert f"fs.inotify.max_user_watches = {value}" in (library.health.reason or "")
    (library.root / "album" / "new.jpg").write_bytes(b"new")
    library.wait_for_hint(Touched(library.path("album/new.jpg")))
    assert not any(isinstance(hint, EventsLost) for hint in library.heard)


def test_a_new_folder_beyond_the_limit_asks_for_a_scan_and_the_root_is_polled_from_then_on(
    live: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inotify_c, "inotify_add_watch", ScarceInotify(0))
    (live.root / "one too many").mkdir()
    live.wait_for(lambda heard: any(isinstance(hint, EventsLost) for hint in heard))
    (health,) = live.watcher.health()
    assert health.polled
    (live.root / "one too many" / "new.jpg").write_bytes(b"new")
    live.wait_for_hint(Touched(live.path("one too many/new.jpg")))


def test_a_root_beyond_the_limit_of_instances_is_polled_and_the_limit_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> int:
        ctypes.set_errno(errno.EMFILE)
        return -1

    monkeypatch.setattr(inotify_c, "inotify_init", refuse)
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


def test_folders_of_other_tools_cost_no_watch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(50):
        (tmp_path / "@eaDir" / str(number)).mkdir(parents=True)
    kernel = ScarceInotify(left=1000)
    monkeypatch.setattr(inotify_c, "inotify_add_watch", kernel)
    watcher = Watcher(is_tool_name=is_tool_name, polling_seconds=1.0)
    watcher.watch(os.fsencode(tmp_path))
    watcher.close()
    assert 1000 - kernel.left == 1


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
