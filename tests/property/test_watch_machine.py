"""Whatever is done to the folders of a root: once it is quiet, a new file in every one of them is heard of.

Moves, swaps, exchanges, ways out and back, deletions, permissions and mounts, in any order and many between two looks.
Permissions and mounts need root, who gives up his rights over files meanwhile; without him they are left out.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import hypothesis.strategies as st
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule
from mounting import mount, unmount

from dedupctl.daemon.hints import FolderTouched, Hint, Moved, RootLost, Touched
from dedupctl.daemon.watcher import Watcher

PATIENCE = 20.0
NOBODY = 65534
IS_ROOT = os.geteuid() == 0
DEEPEST = 3
AT_FDCWD, RENAME_EXCHANGE = -100, 2
NAMES = st.sampled_from(["a", "b", "c", ".Trash"])
WHICH = st.integers(0, 10_000)
libc = ctypes.CDLL(None, use_errno=True)


def is_tool_name(name: bytes) -> bool:
    return name == b".Trash"


@contextmanager
def as_root() -> Iterator[None]:
    os.seteuid(0)
    try:
        yield
    finally:
        os.seteuid(NOBODY)


class WatchMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.base = Path(tempfile.mkdtemp())
        if IS_ROOT:
            os.chown(self.base, NOBODY, NOBODY)
            os.seteuid(NOBODY)
        self.root, self.outside = self.base / "photos", self.base / "outside"
        (self.root / "a" / "b").mkdir(parents=True)
        self.outside.mkdir()
        self.mounts: list[Path] = []
        self.count = 0
        self.heard: list[Hint] = []
        self.watcher = Watcher(is_tool_name=is_tool_name, polling_seconds=1.0)
        self.watcher.watch(os.fsencode(self.root))

    # --- what is there ---------------------------------------------------------------------------------------------

    def folders(self, top: Path) -> list[Path]:
        """Every folder that can be looked into, the outermost first."""
        return [Path(folder) for folder, _, _ in os.walk(top)]

    def one_of(self, which: int, top: Path | None = None) -> Path | None:
        """Some folder, but not the root."""
        found = self.folders(top or self.root)[1:]
        return found[which % len(found)] if found else None

    def is_deep(self, path: Path) -> bool:
        return len(path.relative_to(self.base).parts) > DEEPEST

    # --- what others do --------------------------------------------------------------------------------------------

    @rule(which=WHICH, name=NAMES)
    def make_a_folder(self, which: int, name: str) -> None:
        folders = self.folders(self.root)
        parent = folders[which % len(folders)]
        if not self.is_deep(parent):
            ignoring((parent / name).mkdir)

    @rule(which=WHICH, names=st.lists(NAMES, min_size=1, max_size=3))
    def make_folders_in_each_other(self, which: int, names: list[str]) -> None:
        folders = self.folders(self.root)
        parent = folders[which % len(folders)]
        if not self.is_deep(parent):
            ignoring(lambda: parent.joinpath(*names).mkdir(parents=True))

    @rule(which=WHICH, where=WHICH, name=NAMES)
    def move_a_folder(self, which: int, where: int, name: str) -> None:
        folders = self.folders(self.root)
        source, target = self.one_of(which), folders[where % len(folders)] / name
        if source is not None and not self.is_deep(target):
            ignoring(lambda: source.rename(target))

    @rule(which=WHICH)
    def move_a_folder_out(self, which: int) -> None:
        self.count += 1
        source = self.one_of(which)
        if source is not None:
            ignoring(lambda: source.rename(self.outside / str(self.count)))

    @rule(which=WHICH, where=WHICH, name=NAMES)
    def move_a_folder_in(self, which: int, where: int, name: str) -> None:
        outside = sorted(self.outside.iterdir())
        folders = self.folders(self.root)
        target = folders[where % len(folders)] / name
        if outside and not self.is_deep(target):
            ignoring(lambda: outside[which % len(outside)].rename(target))

    @rule(which=WHICH, other=WHICH)
    def exchange_two(self, which: int, other: int) -> None:
        one, two = self.one_of(which), self.one_of(other)
        if one is not None and two is not None:
            libc.renameat2(AT_FDCWD, os.fsencode(one), AT_FDCWD, os.fsencode(two), RENAME_EXCHANGE)

    @rule(which=WHICH, other=WHICH)
    def swap_two_by_a_third_name(self, which: int, other: int) -> None:
        one, two = self.one_of(which), self.one_of(other)
        if one is None or two is None or one == two or one in two.parents or two in one.parents:
            return
        between = self.outside / "between"
        ignoring(lambda: (one.rename(between), two.rename(one), between.rename(two)))
        if between.exists():
            ignoring(lambda: between.rename(one))

    @rule(which=WHICH)
    def move_out_and_back_at_once(self, which: int) -> None:
        folder = self.one_of(which)
        if folder is not None:
            ignoring(lambda: ((folder.rename(self.outside / "out"), (self.outside / "out").rename(folder))))

    @rule(which=WHICH)
    def delete_a_folder(self, which: int) -> None:
        folder = self.one_of(which)
        if folder is not None and not any(folder == point or folder in point.parents for point in self.mounts):
            shutil.rmtree(folder, ignore_errors=True)

    @rule(which=WHICH)
    def replace_a_folder_by_a_file(self, which: int) -> None:
        folder = self.one_of(which)
        if folder is not None:
            ignoring(lambda: (folder.rmdir(), folder.write_bytes(b"no folder")))

    @precondition(lambda _: IS_ROOT)
    @rule(which=WHICH, mode=st.sampled_from([0o000, 0o300, 0o500, 0o600]))
    def forbid_a_folder(self, which: int, mode: int) -> None:
        folder = self.one_of(which)
        if folder is not None:
            ignoring(lambda: folder.chmod(mode))

    @precondition(lambda _: IS_ROOT)
    @rule(which=WHICH)
    def allow_a_folder(self, which: int) -> None:
        with as_root():
            forbidden = [
                Path(folder, name)
                for folder, names, _ in os.walk(self.root)
                for name in names
                if Path(folder, name).stat().st_mode & 0o700 != 0o700
            ]
        if forbidden:
            ignoring(lambda: forbidden[which % len(forbidden)].chmod(0o755))

    @precondition(lambda _: IS_ROOT)
    @rule(which=WHICH)
    def mount_on_a_folder(self, which: int) -> None:
        folder = self.one_of(which)
        if folder is not None and len(self.mounts) < 2 and ".Trash" not in folder.parts:
            with as_root():
                if mount(folder, size="1m"):
                    self.mounts.append(folder)

    @precondition(lambda self: self.mounts)
    @rule()
    def unmount_what_was_mounted_last(self) -> None:
        self.mounts.pop()
        with as_root():
            unmount_last(self.base)

    # --- what must be true -----------------------------------------------------------------------------------------

    @rule()
    def after_a_quiet_every_folder_is_heard(self) -> None:
        self.write_and_hear([self.root])  # events come in order: whatever happened before has been answered by then
        fresh = self.write_and_hear(self.open_folders())
        there = {os.fsencode(path) for folder in self.folders(self.root) for path in folder.iterdir()}
        told = {hint.path for hint in self.heard if isinstance(hint, Touched) and fresh in hint.path}
        assert told <= there, f"heard under another path: {told - there}"
        least, most = self.distinct(self.open_folders(to_write=False)), self.distinct(self.all_folders())
        # One that was forbidden later may keep its watch.
        self.await_true(lambda: least <= self.watcher.health()[0].watches <= most, "as many watches as folders")

    def all_folders(self) -> list[Path]:
        with as_root() if IS_ROOT else nullcontext():
            return [folder for folder in self.folders(self.root) if ".Trash" not in folder.parts]

    def distinct(self, folders: list[Path]) -> int:
        with as_root() if IS_ROOT else nullcontext():
            return len({(status.st_dev, status.st_ino) for status in map(os.stat, folders)})

    @rule()
    def without_a_quiet_every_file_is_heard_or_looked_for(self) -> None:
        self.write_and_hear(self.open_folders(), or_looked_for=True)

    def open_folders(self, *, to_write: bool = True) -> list[Path]:
        mode = os.R_OK | os.X_OK | (os.W_OK if to_write else 0)
        found = [folder for folder in self.folders(self.root) if ".Trash" not in folder.parts]
        return [folder for folder in found if os.access(folder, mode, effective_ids=True)]

    def write_and_hear(self, folders: list[Path], *, or_looked_for: bool = False) -> bytes:
        """A new file in each of these; returns its name."""
        self.count += 1
        name = f"new {self.count}.jpg"
        self.heard = self.watcher.take(0)
        self.heard.clear()
        for folder in folders:
            (folder / name).write_bytes(b"new")
        wanted = {os.fsencode(folder / name) for folder in folders}
        self.await_true(lambda: wanted <= self.found(wanted, or_looked_for), f"all of {wanted} are heard")
        return name.encode()

    def found(self, wanted: set[bytes], or_looked_for: bool) -> set[bytes]:
        self.heard += self.watcher.take(0.05)
        assert not any(isinstance(hint, RootLost) for hint in self.heard)
        touched = {hint.path for hint in self.heard if isinstance(hint, Touched)}
        walked = {hint.path for hint in self.heard if isinstance(hint, FolderTouched)}
        walked |= {hint.target for hint in self.heard if isinstance(hint, Moved)}
        return {
            path
            for path in wanted
            if path in touched or (or_looked_for and any(path.startswith(folder + b"/") for folder in walked))
        }

    def await_true(self, condition: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < deadline, f"waited in vain: {what}"
            time.sleep(0.001)

    def teardown(self) -> None:
        try:
            self.after_a_quiet_every_folder_is_heard()
            self.watcher.check()
            assert not any(isinstance(hint, RootLost) for hint in self.watcher.take(0))
        finally:
            self.watcher.close()
            if IS_ROOT:
                os.seteuid(0)
            while self.mounts:
                self.mounts.pop()
                unmount_last(self.base)
            shutil.rmtree(self.base)


def unmount_last(base: Path) -> None:
    """Folders above a mount may have been moved since: the table knows where it is."""
    lines = Path("/proc/self/mountinfo").read_text(encoding="ascii").splitlines()
    unmount(Path([line.split(" ")[4] for line in lines if line.split(" ")[4].startswith(f"{base}/")][-1]))


def ignoring(attempt: Callable[[], object]) -> None:
    """What the system forbids (a folder into itself, onto one that is not empty, where something is mounted)."""
    try:
        attempt()
    except OSError:
        return


TestWatching = WatchMachine.TestCase
TestWatching.settings = settings(
    max_examples=int(os.environ.get("TORTURE_STEPS", "1000")) // 25,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
