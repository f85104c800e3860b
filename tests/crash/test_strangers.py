"""Somebody else creates, edits and replaces files where a removal was cut off: not one of theirs is touched."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from living_library import EXACT_ONLY, LivingLibrary, empty_catalog, picture, quick_folder, run_and_kill

from dedupctl.config import PolicyConfig
from dedupctl.disk.moves import aside_names, part_names
from dedupctl.disk.steps import Step, Steps
from dedupctl.domain import JournalEntry, Operation
from dedupctl.removal.destinations import AWAY
from dedupctl.removal.relocation import token_of

COPIES = 250
WORDS = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="5"/></rdf:RDF></x:xmpmeta>'
)
SAID = b'{"title": "a.jpg", "photoTakenTime": {}, "description": "By the sea"}'


@pytest.fixture
def library(tmp_path: Path) -> Iterator[LivingLibrary]:
    library = LivingLibrary(tmp_path / "library", empty_catalog(tmp_path))
    yield library
    library.close()


def open_entries(library: LivingLibrary) -> list[JournalEntry]:
    with library.catalog.read() as tx:
        return tx.journal.open()


def test_an_apply_that_was_killed_five_times_deletes_no_file_that_others_put_at_its_targets(
    library: LivingLibrary,
) -> None:
    root, target = library.add_root("photos"), library.base / "moved"
    for number in range(COPIES + 1):
        (root / f"{number:03}.jpg").write_bytes(picture(1))
    library.scan()
    plan = library.plan(EXACT_ONLY.model_copy(update={"action": "move-to", "move_to": target})).id
    theirs: dict[Path, bytes] = {}
    for kill, step in enumerate((2, 3, 90, 300, 500)):
        run_and_kill(library, lambda library, steps: library.apply(plan, steps=steps), step, plan)
        for entry in open_entries(library):
            assert entry.target is not None
            place = Path(os.fsdecode(entry.target))
            place.parent.mkdir(exist_ok=True)
            if not place.exists():
                theirs[place] = f"kill {kill}, {place.name}, by another program".encode()
                place.write_bytes(theirs[place])
        library.recover()
        assert open_entries(library) == []
    library.apply(plan)

    assert {place: place.read_bytes() for place in theirs if place.exists()} == theirs
    assert len(theirs) > COPIES
    photos = [path for folder in (root, target) for path in folder.iterdir() if path.is_file() and path not in theirs]
    assert [path.read_bytes() for path in photos] == [picture(1)] * (COPIES + 1)


# --- every step, every strange thing ---------------------------------------------------------------------------------


class Killed(BaseException):
    """As if by SIGKILL."""


@dataclass(frozen=True)
class Scene:
    """One removal that is cut off, and the names that somebody else may meddle with."""

    library: LivingLibrary
    entry: JournalEntry

    @property
    def source(self) -> Path:
        """Where the file stands before it is removed, and is put back."""
        return Path(os.fsdecode(self.entry.action.victim.absolute))

    @property
    def target(self) -> Path:
        """Where it waits."""
        waiting = self.entry.target if self.entry.operation is Operation.REMOVE else self.entry.source
        assert waiting is not None
        return Path(os.fsdecode(waiting))

    @property
    def token(self) -> bytes:
        return token_of(self.library.catalog.id, self.entry.id)

    @property
    def places(self) -> dict[str, Path]:
        part, aside = os.fsdecode(part_names(self.token)[0]), os.fsdecode(aside_names(self.token)[0])
        return {
            "source": self.source,
            "target": self.target,
            "part at the source": self.source.with_name(part),
            "part at the target": self.target.with_name(part),
            "aside at the source": self.source.with_name(aside),
            "aside at the target": self.target.with_name(aside),
            "info": self.target.parent.parent / "info" / f"{self.target.name}.trashinfo",
        }


THEIRS = b"by another program"
PLACES = (
    "source",
    "target",
    "part at the source",
    "part at the target",
    "aside at the source",
    "aside at the target",
    "info",
)


def put(path: Path) -> None:
    """A new file, whatever stood there before: as an editor saves."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name("being saved by an editor")
    fresh.write_bytes(THEIRS)
    fresh.replace(path)


def edit(path: Path) -> None:
    path.write_bytes(THEIRS)


def copy_over(path: Path) -> None:
    """The same bytes once more, in a file of another program."""
    data = path.read_bytes()
    path.unlink()
    path.write_bytes(data)


ACTS: tuple[tuple[str, Callable[[Path], None]], ...] = (
    *((place, put) for place in PLACES),
    *((place, edit) for place in ("source", "target", "part at the source", "part at the target")),
    ("target", copy_over),
)
VERBS = {
    "quarantine": EXACT_ONLY,
    "move-to": EXACT_ONLY.model_copy(update={"action": "move-to"}),
    "move-to another disk": EXACT_ONLY.model_copy(update={"action": "move-to"}),
    "trash": EXACT_ONLY.model_copy(update={"action": "trash"}),
    "hardlink": EXACT_ONLY.model_copy(update={"action": "hardlink"}),
    "symlink": EXACT_ONLY.model_copy(update={"action": "symlink"}),
    "carry": EXACT_ONLY.model_copy(update={"merge_sidecars": True}),
    "merge": EXACT_ONLY.model_copy(update={"merge_sidecars": True}),
    "describe": EXACT_ONLY.model_copy(update={"merge_sidecars": True}),
}


@pytest.fixture(scope="module")
def quick() -> Iterator[LivingLibrary]:
    """In memory, and used again: a catalog opened anew takes longer than a removal."""
    folder = quick_folder()
    library = LivingLibrary(folder / "library")
    yield library
    library.close()


@dataclass
class Theatre:
    """Where scenes are set: a fresh library for each, with something that is about to be done in it."""

    library: LivingLibrary
    disk: Path
    verb: str
    operation: str

    def set(self) -> Callable[[Steps], object]:
        """Start afresh; returns what is to be done."""
        library = self.library
        library.forget_everything()
        for folder in (self.disk, library.base / "data"):
            for path in sorted(folder.rglob("*"), reverse=True):
                path.rmdir() if path.is_dir() else path.unlink()
        root = library.add_root("photos")
        for name in ("a.jpg", "a copy.jpg"):
            (root / name).write_bytes(picture(1))
        if self.verb in ("carry", "merge"):
            (root / "a copy.xmp").write_bytes(WORDS)
        if self.verb == "describe":
            (root / "a copy.jpg.json").write_bytes(SAID)
        if self.verb == "merge":
            (root / "a.xmp").write_bytes(WORDS.replace(b"xmp:Rating", b"xmp:Label"))
        library.scan()
        policy: PolicyConfig = VERBS[self.verb]
        if policy.action == "move-to":
            policy = policy.model_copy(update={"move_to": self.disk})
        plan = library.plan(policy)
        assert plan.removals
        if self.operation == "apply":
            return lambda steps: library.apply(plan, steps=steps)
        if self.operation == "recover":
            at = Step.PLACED if self.verb == "move-to another disk" else Step.RENAMED
            with pytest.raises(Killed):
                library.apply(plan, steps=dying_at(at))
            (root / "a.jpg").write_bytes(b"no keeper any more, so that the removal is taken back")
            return lambda steps: library.recover(steps=steps)
        library.apply(plan)
        if self.operation == "restore":
            return lambda steps: library.restore_all(steps=steps)
        return lambda steps: library.purge(steps=steps)

    def scene(self) -> Scene | None:
        # The sidecar of a bundle is the one that is carried, merged or written; every bundle has a picture.
        beside = ("carry", "merge", "describe")
        entries = sorted(open_entries(self.library), key=lambda entry: entry.action.verb not in beside)
        return Scene(self.library, entries[0]) if entries else None


def dying_at(wanted: Step | int) -> Steps:
    reached: list[Step] = []

    def step(now: Step) -> None:
        reached.append(now)
        if wanted in (now, len(reached)):
            raise Killed

    return step


@pytest.fixture
def theatre(
    quick: LivingLibrary, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verb: str, operation: str
) -> Theatre:
    monkeypatch.setenv("XDG_DATA_HOME", os.fspath(quick.base / "data"))
    if verb == "move-to another disk" and os.stat(tmp_path).st_dev == os.stat(quick.base).st_dev:
        pytest.skip("no second filesystem")
    return Theatre(quick, (tmp_path if verb == "move-to another disk" else quick.base) / "disk", verb, operation)


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("operation", ["apply", "restore"])
@pytest.mark.timeout(600)
def test_whatever_others_do_after_a_kill_at_any_step_their_files_and_edits_survive(theatre: Theatre) -> None:
    tried = 0
    for count in itertools.count(1):
        acts = [*ACTS]
        killed = False
        while acts:
            operation = theatre.set()
            try:
                operation(dying_at(count))
            except Killed:
                killed = True
            scene = theatre.scene()
            # What is no file cannot be edited: the scene stays as it is for the next act.
            meddled = None
            while acts and scene is not None and meddled is None:
                place, act = acts.pop(0)
                when = f"{theatre.operation} {theatre.verb}, killed at step {count}: {act.__name__} {place}"
                meddled = meddle(scene, place, act, when)
            if scene is None or meddled is None:
                break
            meddled.check()
            tried += 1
        if not killed:
            break
    assert tried > 20


@pytest.mark.parametrize(
    ("operation", "verb"),
    [
        *(("apply", verb) for verb in VERBS),
        *(
            ("restore", verb)
            for verb in ("quarantine", "move-to another disk", "trash", "hardlink", "merge", "describe")
        ),
        *(("recover", verb) for verb in ("quarantine", "move-to another disk", "trash", "merge", "describe")),
        ("purge", "quarantine"),
    ],
)
@pytest.mark.timeout(600)
def test_whatever_others_do_in_the_middle_of_any_step_their_files_and_edits_survive(theatre: Theatre) -> None:
    for count in itertools.count(1):
        reached = 0
        for place, act in ACTS:
            if theatre.operation == "restore" and act is copy_over:
                continue  # these bytes were asked for, whoever put them there
            operation = theatre.set()
            steps = Meddling(theatre, count, place, act)
            operation(steps)
            reached = max(reached, steps.reached)
            if steps.meddled is not None:
                steps.meddled.check()
        if reached < count:
            break
    assert count >= 2


@dataclass
class Meddling:
    """Steps at one of which somebody else acts."""

    theatre: Theatre
    count: int
    place: str
    act: Callable[[Path], None]
    reached: int = 0
    meddled: Meddled | None = None

    def __call__(self, step: Step) -> None:
        self.reached += 1
        if self.reached == self.count and (scene := self.theatre.scene()) is not None:
            when = f"{self.theatre.operation} {self.theatre.verb} at {step}: {self.act.__name__} {self.place}"
            self.meddled = meddle(scene, self.place, self.act, when)


def meddle(scene: Scene, place: str, act: Callable[[Path], None], when: str) -> Meddled | None:
    """Act at this place; None where there is nothing to act on."""
    path = scene.places[place]
    if (act is not put and not path.is_file()) or (place == "info" and scene.entry.action.verb != "trash"):
        return None
    overwritten = path.read_bytes() if path.is_file() else None
    act(path)
    return Meddled(scene, place, act, when, overwritten, path.read_bytes(), path.stat().st_ino)


@dataclass(frozen=True)
class Meddled:
    """What somebody else did."""

    scene: Scene
    place: str
    act: Callable[[Path], None]
    when: str
    overwritten: bytes | None
    written: bytes
    inode: int

    def check(self) -> None:
        """Settle the journal, and look for what they wrote, and for the pictures."""
        for outcome in self.scene.library.recover():
            # What they overwrote is nowhere now, and so may be on a disk that is away.
            is_lost = self.overwritten == picture(1) and outcome.reason == AWAY
            assert outcome.state != "intended" or is_lost, f"{self.when}: {outcome.reason}"
        path, verb = self.scene.places[self.place], self.scene.entry.action.verb
        found = {one: one.read_bytes() for one in self.everything()}
        if self.act is edit or self.was_just_renamed or ".dedupctl/quarantine" in os.fspath(path):
            assert self.written in found.values(), f"{self.when}: what they wrote is gone"
        elif self.act is put:
            assert found.get(path) == THEIRS, f"{self.when}: their file is gone"
        elif self.place == "target" and verb in ("move-to", "carry", "trash"):
            assert path.is_file(), f"{self.when}: their copy is gone"
            assert path.stat().st_ino == self.inode, f"{self.when}: their copy is gone"
        # The picture itself: only what they overwrote may be gone, and then the kept copy stands.
        pictures = [data for data in found.values() if data == picture(1)]
        if self.overwritten != picture(1) or self.place.startswith(("part", "aside")):
            assert pictures, f"{self.when}: the picture is gone"
        if self.overwritten != picture(1) and not self.may_be_one:
            assert len(pictures) >= 2, f"{self.when}: one of two copies is gone"

    @property
    def was_just_renamed(self) -> bool:
        """Put there right after the rename, it is taken for what was swapped right before, and gets the old name."""
        moved = f"at {Step.RENAMED}:" in self.when and self.place == "target" and self.when.startswith("apply")
        return moved or (f"at {Step.ASIDE}:" in self.when and self.place.startswith("aside"))

    @property
    def may_be_one(self) -> bool:
        """A purge ends one of the two; where a removal is taken back, the other is gone before."""
        return self.when.startswith(("purge", "recover"))

    def everything(self) -> list[Path]:
        library, scene = self.scene.library, self.scene
        folders = {library.base / "photos", library.base / "data", scene.target.parent, scene.source.parent}
        return [path for folder in folders for path in folder.rglob("*") if path.is_file()]
