"""Whatever people and crashes do, dedupctl never takes the last copy of anything it promised to keep."""

from __future__ import annotations

import atexit
import functools
import itertools
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from blake3 import blake3
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from living_library import (
    TIDY_ALL,
    LivingLibrary,
    kind_between,
    live_files,
    picture,
    quarantined,
    quick_folder,
)

from dedupctl.config import PolicyConfig
from dedupctl.disk.moves import aside_names, part_names
from dedupctl.disk.steps import Step
from dedupctl.domain import Action, EntryState, Operation, PairKind, Verdict
from dedupctl.removal.orphans import adopt_orphans
from dedupctl.removal.relocation import token_of

POLICIES = {
    "exact": PolicyConfig(kinds=("exact",)),
    "tidy": TIDY_ALL,
    "smaller": PolicyConfig(kinds=("exact", "pixel", "near"), keep=("path",)),
    "between": PolicyConfig(kinds=("exact", "pixel", "near"), scope="between"),
    "within": PolicyConfig(kinds=("exact", "near"), scope="within"),
    "hardlink": PolicyConfig(kinds=("exact",), action="hardlink"),
    "symlink": PolicyConfig(kinds=("exact", "near"), action="symlink"),
    "delete": PolicyConfig(kinds=("exact", "pixel", "near"), action="delete"),
    "move-to": PolicyConfig(kinds=("exact", "pixel", "near"), action="move-to", move_to=Path("/moved")),
    "trash": PolicyConfig(kinds=("exact", "pixel", "near"), action="trash"),
    "sidecars": PolicyConfig(kinds=("exact", "pixel", "near"), merge_sidecars=True),
}
"""The folder of `move-to` is put below that of the library."""
ROOTS = ("one", "two")
NAMES = ("a.jpg", "b.jpg", "b copy.jpg", "sub/a.jpg", "sub/c.cr2", "c.jpg")
SIDECARS = ("a.xmp", "b copy.xmp", "b copy.jpg.xmp", "sub/a.xmp")

ACTS = ("create", "create", "create", "edit", "rename", "delete", "edit a picture")


@dataclass(frozen=True)
class Stranger:
    """Somebody else does something at a step of what dedupctl does."""

    step: int
    act: str
    choice: int


def sidecar(word: str, value: int) -> bytes:
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:{word}="{value}"/></rdf:RDF></x:xmpmeta>'
    ).encode()


roots = st.sampled_from(ROOTS)
names = st.sampled_from(NAMES)
pictures = st.builds(picture, st.just(0), st.integers(0, 3), st.sampled_from(["", "", "edited"]))
places = st.tuples(roots, names)
sidecars = st.builds(sidecar, st.sampled_from(["Rating", "Label"]), st.integers(1, 3))
deaths = st.one_of(st.none(), st.integers(1, 12))
meddling = st.builds(Stranger, st.integers(1, 8), st.sampled_from(ACTS), st.integers(0, 10**6))
strangers = st.one_of(st.none(), meddling, meddling)
choices = st.integers(0, 10**6)
policies = st.sampled_from([*sorted(POLICIES), "move-to", "trash", "sidecars"])


class Killed(BaseException):
    """What the kernel does to a process, as far as one process can do it to itself."""


@functools.cache
def emptied_library() -> LivingLibrary:
    """One for all examples: a catalog that has compiled its statements is twice as fast."""
    folder = quick_folder()
    atexit.register(shutil.rmtree, folder)
    return LivingLibrary(folder / "library")


def _heirs(removed: bytes, kept: Mapping[bytes, set[bytes]]) -> Iterator[bytes]:
    known, waiting = {removed}, [removed]
    while waiting:
        further = kept.get(waiting.pop(), set()) - known
        yield from further
        known |= further
        waiting += further


@dataclass(frozen=True)
class Snapshot:
    """What is on the disks, the unmounted ones too."""

    live: dict[Path, bytes]
    waiting: list[bytes]
    """Contents in quarantine."""


class PromiseMachine(RuleBasedStateMachine):
    @initialize(files=st.dictionaries(places, pictures, min_size=4, max_size=10))
    def start(self, files: dict[tuple[str, str], bytes]) -> None:
        self.library = emptied_library()
        self.library.forget_everything()
        self.unmounted: set[str] = set()
        for name in ROOTS:
            self.library.add_root(name)
        self.moved = self.library.base / "moved"
        self.foreign: dict[Path, bytes] = {}
        """What somebody else has put somewhere, and where."""
        self.edited: set[bytes] = set()
        """What somebody else has written into a file of the library."""
        self.overwritten: set[bytes] = set()
        """What stood there before, since the current operation began."""
        self.meddled: set[Path] = set()
        """Where somebody else did anything since then."""
        self.written = 0
        os.environ["XDG_DATA_HOME"] = os.fspath(self.library.base / "data")
        self.backup = self.library.base / "backup.db"
        self.known_at_backup: dict[int, bytes] = {}
        self.journal_is_complete = True
        for (root, name), data in files.items():
            self.path(root, name).parent.mkdir(exist_ok=True)
            self.path(root, name).write_bytes(data)
        self.library.scan()

    def teardown(self) -> None:
        for name in list(self.unmounted):
            self.remount(name)
        with self.promise_kept():
            self.library.recover()
            if self.journal_is_complete:
                self.assert_every_removed_file_is_known()
            left = [one for one in self.library.restore_all() if not one.done]
        # In a folder of the user's the removed file may have been edited or replaced: then it is not ours to move.
        assert all(one.where is None or "it stays there" in str(one.reason) for one in left), left
        with self.library.catalog.read() as tx:
            assert tx.journal.open() == []
        if self.journal_is_complete:  # a temporary file of an intent that the catalog has forgotten is nobody's to end
            left_over = {path for path in self.library.base.rglob(".dedupctl-*") if path.name != ".dedupctl-theirs.jpg"}
            assert not left_over - self.foreign.keys()

    # What people do

    @rule(
        operation=st.sampled_from(
            ["save", "copy", "link", "rename", "delete", "delete a keeper", "overwrite a keeper"]
        ),
        choice=choices,
        place=places,
        data=pictures,
    )
    def work_by_hand(self, operation: str, choice: int, place: tuple[str, str], data: bytes) -> None:
        source = self.any_keeper(choice) if operation.endswith("keeper") else self.any_file(choice)
        target = self.path(*place)
        target.parent.mkdir(exist_ok=True)
        if operation == "save":
            target.write_bytes(data)
        elif source is None or source == target:
            return
        elif operation == "copy":
            target.unlink(missing_ok=True)
            shutil.copy2(source, target)
        elif operation == "link" and not os.path.lexists(target):
            os.link(source, target)
        elif operation == "rename":
            source.rename(target)
        elif operation == "overwrite a keeper":
            source.write_bytes(data)
        elif operation.startswith("delete"):
            source.unlink()

    @rule(root=roots, name=st.sampled_from(SIDECARS), words=sidecars)
    def write_sidecar(self, root: str, name: str, words: bytes) -> None:
        path = self.path(root, name)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(words)

    @rule(choice=choices)
    def protect(self, choice: int) -> None:
        if (path := self.any_file(choice)) is not None:
            self.library.protect(path)

    @rule(choice=choices, a=pictures, b=pictures, verdict=st.sampled_from(Verdict))
    def say(self, choice: int, a: bytes, b: bytes, verdict: Verdict) -> None:
        """Of any two pictures, or, every other time, `different` of two that a plan took for one."""
        if choice % 2 and a != b:
            self.library.say(a, b, verdict)
        pairs = sorted({(one.victim.digest, one.keeper.digest) for one in self.planned() if one.keeper is not None})
        if choice % 2 == 0 and pairs:
            removed, kept = pairs[choice // 2 % len(pairs)]
            if removed != kept:
                with self.library.catalog.write() as tx:
                    tx.verdicts.put(removed, kept, Verdict.DIFFERENT, self.library.now)

    @rule(root=roots)
    def unmount_or_remount(self, root: str) -> None:
        if root in self.unmounted:
            self.remount(root)
        else:
            (self.library.base / root).rename(self.away(root))
            (self.library.base / root).mkdir()
            self.unmounted.add(root)

    @rule(what=st.sampled_from(["time", "quarantine cleared", "orphans", "back up", "older catalog"]), root=roots)
    def rare_event(self, what: str, root: str) -> None:
        if what == "time":
            self.library.now += 31 * 86_400
        elif what == "quarantine cleared":
            shutil.rmtree(self.library.base / root / ".dedupctl/quarantine", ignore_errors=True)
        elif what == "orphans":
            with self.promise_kept():
                self.library.recover()
                adopt_orphans(self.library.catalog, now=self.library.now)
        elif what == "back up":
            self.library.reopen()
            shutil.copy(self.library.home / "catalog.db", self.backup)
            self.known_at_backup = dict(self.library.bytes_of)
        elif self.backup.exists():
            self.library.close()
            for path in self.library.home.glob("catalog.db-*"):
                path.unlink()
            shutil.copy(self.backup, self.library.home / "catalog.db")
            self.library.reopen()
            self.library.bytes_of = dict(self.known_at_backup)
            self.journal_is_complete = False

    # What dedupctl does

    @rule()
    def scan(self) -> None:
        self.library.scan()

    @rule(
        policy=policies,
        scanned=st.booleans(),
        applied=st.sampled_from([True, True, False]),
        death=deaths,
        stranger=strangers,
    )
    def plan(self, policy: str, scanned: bool, applied: bool, death: int | None, stranger: Stranger | None) -> None:
        if scanned:
            self.library.scan()
        chosen = POLICIES[policy]
        if chosen.move_to is not None:
            chosen = chosen.model_copy(update={"move_to": self.moved})
        with self.promise_kept():
            plan = self.library.plan(chosen, quarantine=policy != "delete")
        if applied:
            self.apply(plan.id, death, stranger)

    @rule(choice=choices, death=deaths, stranger=strangers)
    def apply_older_plan(self, choice: int, death: int | None, stranger: Stranger | None) -> None:
        with self.library.catalog.read() as tx:
            plans = [plan.id for plan in tx.plans.all()]
        if plans:
            self.apply(plans[choice % len(plans)], death, stranger)

    def apply(self, plan: int, death: int | None, stranger: Stranger | None) -> None:
        with self.promise_kept(), self.may_die():
            self.library.recover()
            self.library.apply(plan, steps=self.steps(death, stranger))

    @rule(death=deaths, stranger=strangers)
    def recover(self, death: int | None, stranger: Stranger | None) -> None:
        with self.promise_kept(), self.may_die():
            self.library.recover(steps=self.steps(death, stranger))

    @rule(death=deaths, stranger=strangers)
    def restore(self, death: int | None, stranger: Stranger | None) -> None:
        with self.promise_kept(), self.may_die():
            self.library.recover()
            self.library.restore_all(steps=self.steps(death, stranger))

    @rule(death=deaths, at_once=st.booleans(), stranger=strangers)
    def purge(self, death: int | None, at_once: bool, stranger: Stranger | None) -> None:
        with self.promise_kept(), self.may_die():
            self.library.recover()
            self.library.purge(at_once=at_once, steps=self.steps(death, stranger))

    # What somebody else does meanwhile

    @rule(act=st.sampled_from(ACTS), choice=choices)
    def somebody_else(self, act: str, choice: int) -> None:
        """Between two commands, as after a crash."""
        self.meddle(act, choice)

    def steps(self, death: int | None, stranger: Stranger | None) -> Callable[[Step], None]:
        """They act at their step, and the process dies at its own."""
        taken = itertools.count(1)

        def step(_: Step) -> None:
            now = next(taken)
            if stranger is not None and now == stranger.step:
                self.meddle(stranger.act, stranger.choice)
            if now == death:
                raise Killed

        return step

    def meddle(self, act: str, choice: int) -> None:
        self.written += 1
        words = f"somebody else's, number {self.written}".encode()
        theirs = sorted(path for path, data in self.foreign.items() if path.is_file() and path.read_bytes() == data)
        if act == "create":
            if (path := self.free_place(choice)) is not None:
                path.write_bytes(words)
                self.foreign[path] = words
                self.meddled.add(path)
        elif act == "edit a picture":
            if (found := self.any_file(choice)) is not None and found not in self.foreign:
                self.overwritten.add(found.read_bytes())
                inode = found.stat().st_ino  # written to under one name, a file has changed under each
                self.meddled |= {path for path in self.snapshot().live if path.stat().st_ino == inode}
                found.write_bytes(words)
                self.edited = {data for data in self.edited if data not in self.overwritten} | {words}
        elif theirs:
            path = theirs[choice % len(theirs)]
            data = self.foreign.pop(path)
            self.meddled.add(path)
            if act == "edit":
                path.write_bytes(words)
                self.foreign[path] = words
            elif act == "delete":
                path.unlink()
            elif (target := self.free_place(choice // 7)) is not None:
                path.rename(target)
                self.foreign[target] = data
                self.meddled.add(target)
            else:
                self.foreign[path] = data

    def free_place(self, choice: int) -> Path | None:
        """A name that nobody has: one that the journal is about to give, a temporary one of ours, or any other."""
        with self.library.catalog.read() as tx:
            entries = tx.journal.open()
        wanted = {entry.target for entry in entries if entry.target is not None}
        about_to_be_given = [Path(os.fsdecode(place)) for place in sorted(wanted)]
        temporary = [
            path.with_name(os.fsdecode(name))
            for entry in entries
            for path in (Path(os.fsdecode(entry.source)), *about_to_be_given)
            for token in (token_of(self.library.catalog.id, entry.id),)
            for name in (aside_names(token)[0], part_names(token)[0])
        ]
        others = [self.path(root, name) for root in ROOTS for name in (*NAMES, ".dedupctl-theirs.jpg")]
        order = (about_to_be_given, temporary, others)
        for places in order[max(0, choice % 6 - 3) :]:
            usable = [path for path in places if self.may_be_put_at(path)]
            if usable:
                return usable[choice // 6 % len(usable)]
        return None

    def may_be_put_at(self, path: Path) -> bool:
        """Nobody but dedupctl saves anything in a quarantine, and what is saved below a mount point vanishes."""
        if ".dedupctl" in path.parts or not self.unmounted.isdisjoint(path.parts):
            return False
        return path.parent.is_dir() and not os.path.lexists(path)

    # What must hold

    def assert_every_removed_file_is_known(self) -> None:
        found = [os.fsencode(path) for name in ROOTS for path in quarantined(self.library.base / name)]
        with self.library.catalog.read() as tx:
            assert tx.journal.rests_at(found) == set(found)

    @contextmanager
    def promise_kept(self) -> Iterator[None]:
        before, promises = self.snapshot(), self.promises()
        protected = self.protected(before)
        self.overwritten, self.meddled = set(), set()
        # What people did by hand since may have ended some of it.
        found = self.bytes_on_disk()
        self.foreign = {path: data for path, data in self.foreign.items() if data in found}
        self.edited &= found
        yield
        after = self.snapshot()
        left = set(after.live.values()) | self.overwritten
        self.assert_nothing_of_others_is_gone()
        for path, data in before.live.items():
            now = after.live.get(path)
            if path in self.meddled:
                continue  # somebody else's doing
            assert now is None or now == data, f"{path} was overwritten"
            if now is None:
                assert path not in protected, f"{path} is protected"
                assert self.unmounted.isdisjoint({path.name, *path.parts}), f"{path} is offline"
                assert self.has_copy(data, left), f"{path} is gone without a copy"
        for data in set(before.waiting) - set(after.waiting):
            assert self.has_copy(data, left), f"{data!r} was purged without a copy"
        had = set(before.live.values()) - self.overwritten
        for removed, kept in promises.items():
            if self.has_copy(removed, ({removed} | kept) & had):
                assert self.has_copy(removed, left), (
                    f"{removed!r} was removed for one of {kept!r}, and now all are gone"
                )
        with self.library.catalog.read() as tx:
            resting = [entry.target for entry in tx.journal.resting()]
        assert len(resting) == len(set(resting)), "two removed files are said to wait in one place"

    def assert_nothing_of_others_is_gone(self) -> None:
        found = self.bytes_on_disk()
        for path, data in self.foreign.items():
            assert data in found, f"{path} was somebody else's, and is gone"
        assert self.edited <= found, "what somebody else wrote into a file is gone"

    def bytes_on_disk(self) -> set[bytes]:
        files = (Path(folder, name) for folder, _, names in os.walk(self.library.base) for name in names)
        return {path.read_bytes() for path in files if path.is_file() and self.library.home not in path.parents}

    def has_copy(self, data: bytes, left: set[bytes]) -> bool:
        return any(one == data or self.accepted(one, data) for one in left)

    def accepted(self, a: bytes, b: bytes) -> bool:
        with self.library.catalog.read() as tx:
            verdict = tx.verdicts.between(blake3(a).digest(), blake3(b).digest())
        if verdict is not None:
            return verdict is Verdict.SAME
        return kind_between(a, b) in (PairKind.PIXEL, PairKind.NEAR)

    def promises(self) -> dict[bytes, set[bytes]]:
        """By content of every removal that was not taken back: what was kept for it, and for that one in turn."""
        data_of = {blake3(data).digest(): data for data in self.library.bytes_of.values()}
        with self.library.catalog.read() as tx:
            done = [
                one for one in tx.journal.entries() if (one.operation, one.state) == (Operation.REMOVE, EntryState.DONE)
            ]
        kept: dict[bytes, set[bytes]] = {}
        for one in (entry.action for entry in done):
            if one.kind is not None and one.keeper is not None:
                kept.setdefault(data_of[one.victim.digest], set()).add(data_of[one.keeper.digest])
        return {removed: set(_heirs(removed, kept)) for removed in kept}

    def protected(self, before: Snapshot) -> set[Path]:
        """Protected files by any name; but a link that stands in for a removed file may make way for it again."""
        with self.library.catalog.read() as tx:
            paths = {Path(os.fsdecode(path)) for path in tx.protected.all()}
            removals = [*tx.journal.resting(), *tx.journal.open()]
        stand_ins = {Path(os.fsdecode(one.action.victim.absolute)) for one in removals if one.replacement is not None}
        inodes = {(path.stat().st_dev, path.stat().st_ino) for path in paths if path.exists()}
        found = {path for path in before.live if path in paths or (path.stat().st_dev, path.stat().st_ino) in inodes}
        # What was carried or moved somewhere may be restored from there, though that place was protected since.
        waiting = {Path(os.fsdecode(one.target)) for one in removals if one.target is not None}
        return found - stand_ins - waiting

    def snapshot(self) -> Snapshot:
        places = [self.library.base / name for name in ROOTS] + [self.away(name) for name in self.unmounted]
        places += [self.moved, self.library.base / "data/Trash/files"]
        live = {path: path.read_bytes() for place in places for path in live_files(place)}
        waiting = [
            path.read_bytes() for place in places for path in (place / ".dedupctl").rglob("*.*") if path.is_file()
        ]
        return Snapshot(live, waiting)

    # Helpers

    def remount(self, root: str) -> None:
        # What people saved into the empty folder meanwhile disappears below the mount.
        shutil.rmtree(self.library.base / root)
        self.away(root).rename(self.library.base / root)
        self.unmounted.remove(root)

    @contextmanager
    def may_die(self) -> Iterator[None]:
        try:
            yield
        except Killed:
            return

    def path(self, root: str, name: str) -> Path:
        return self.library.base / root / name

    def away(self, root: str) -> Path:
        return self.library.base / f"{root} unmounted"

    def root_of(self, path: Path) -> str:
        return path.relative_to(self.library.base).parts[0]

    def planned(self) -> list[Action]:
        with self.library.catalog.read() as tx:
            plans = [tx.plans.get(summary.id) for summary in tx.plans.all()]
        return [action for plan in plans if plan is not None for action in plan.actions]

    def any_keeper(self, choice: int) -> Path | None:
        paths = sorted({Path(os.fsdecode(one.keeper.absolute)) for one in self.planned() if one.keeper is not None})
        found = [path for path in paths if path.is_file()]
        return found[choice % len(found)] if found else None

    def any_file(self, choice: int) -> Path | None:
        found = sorted(path for name in ROOTS for path in live_files(self.library.base / name))
        return found[choice % len(found)] if found else None


TORTURE_STEPS = int(os.environ.get("TORTURE_STEPS", "0"))
"""How many steps a longer run takes at least; its examples are longer too, so that more can go wrong in each."""

PromiseMachine.TestCase.settings = settings(
    max_examples=-(-TORTURE_STEPS // 45) or 500,  # of 50 steps each; some end early
    stateful_step_count=50 if TORTURE_STEPS else 20,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestPromise: Any = pytest.mark.timeout(0 if TORTURE_STEPS else 600)(PromiseMachine.TestCase)
