"""Somebody else creates, edits and replaces files where a removal was cut off: not one of theirs is touched."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from living_library import EXACT_ONLY, LivingLibrary, empty_catalog, kind_between, picture, quick_folder, run_and_kill

from dedupctl.config import PolicyConfig
from dedupctl.disk.moves import aside_names, part_name
from dedupctl.disk.steps import Step
from dedupctl.domain import JournalEntry
from dedupctl.removal.relocation import token_of

COPIES = 250
WORDS = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="5"/></rdf:RDF></x:xmpmeta>'
)


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
        return Path(os.fsdecode(self.entry.action.victim.absolute))

    @property
    def target(self) -> Path:
        assert self.entry.target is not None
        return Path(os.fsdecode(self.entry.target))

    @property
    def token(self) -> bytes:
        return token_of(self.library.catalog.id, self.entry.id)

    @property
    def places(self) -> dict[str, Path]:
        part, aside = os.fsdecode(part_name(self.token)), os.fsdecode(aside_names(self.token)[0])
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


VERBS = {
    "quarantine": EXACT_ONLY,
    "move-to": EXACT_ONLY.model_copy(update={"action": "move-to"}),
    "move-to another disk": EXACT_ONLY.model_copy(update={"action": "move-to"}),
    "trash": EXACT_ONLY.model_copy(update={"action": "trash"}),
    "hardlink": EXACT_ONLY.model_copy(update={"action": "hardlink"}),
    "symlink": EXACT_ONLY.model_copy(update={"action": "symlink"}),
    "carry": EXACT_ONLY.model_copy(update={"merge_sidecars": True}),
    "merge": EXACT_ONLY.model_copy(update={"merge_sidecars": True}),
}


@pytest.fixture(scope="module")
def quick() -> Iterator[LivingLibrary]:
    """In memory, and used again: a catalog opened anew takes longer than a removal."""
    folder = quick_folder()
    library = LivingLibrary(folder / "library")
    yield library
    library.close()


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.timeout(600)
def test_whatever_others_do_at_any_step_their_files_and_edits_survive(
    quick: LivingLibrary, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", os.fspath(quick.base / "data"))
    disk = quick.base / "disk" if verb != "move-to another disk" else tmp_path / "disk"
    if verb == "move-to another disk" and os.stat(tmp_path).st_dev == os.stat(quick.base).st_dev:
        pytest.skip("no second filesystem")
    tried = 0
    for count in itertools.count(1):
        step = cut_off(quick, verb, disk, count)
        if step is None:
            break
        for place in PLACES:
            for act in (put, edit, copy_over):
                assert cut_off(quick, verb, disk, count) is step
                # The sidecar of a bundle is the one that is carried or merged; every bundle has a picture.
                entries = sorted(open_entries(quick), key=lambda entry: entry.action.verb not in ("carry", "merge"))
                if entries:
                    when = f"{verb}, killed at {step}: {act.__name__} {place}"
                    check_stranger(Scene(quick, entries[0]), place, act, when)
                    tried += 1
    assert tried > 100


def cut_off(library: LivingLibrary, verb: str, disk: Path, count: int) -> Step | None:
    """Kill a removal at its `count`-th step; returns which one that is, None once it has ended before."""
    library.forget_everything()
    for folder in (disk, library.base / "data"):
        for path in sorted(folder.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
    root = library.add_root("photos")
    for name in ("a.jpg", "a copy.jpg"):
        (root / name).write_bytes(picture(1))
    if verb in ("carry", "merge"):
        (root / "a copy.xmp").write_bytes(WORDS)
    if verb == "merge":
        (root / "a.xmp").write_bytes(WORDS.replace(b"xmp:Rating", b"xmp:Label"))
    library.scan()
    policy: PolicyConfig = VERBS[verb]
    if policy.action == "move-to":
        policy = policy.model_copy(update={"move_to": disk})
    plan = library.plan(policy)
    assert plan.removals
    reached = []

    def die_in_turn(step: Step) -> None:
        reached.append(step)
        if len(reached) == count:
            raise Killed

    try:
        library.apply(plan, steps=die_in_turn)
    except Killed:
        return reached[-1]
    return None


def check_stranger(scene: Scene, place: str, act: Callable[[Path], None], when: str) -> None:
    path = scene.places[place]
    if (act is not put and not path.is_file()) or (place == "info" and scene.entry.action.verb != "trash"):
        return
    kept = path.read_bytes() if path.is_file() else None
    act(path)
    theirs = path.read_bytes()
    inode = path.stat().st_ino

    for outcome in scene.library.recover():
        assert outcome.state != "intended", f"{when}: {outcome.reason}"

    found = {one: one.read_bytes() for one in everything(scene)}
    if act is edit or ".dedupctl/quarantine" in os.fspath(path):
        assert theirs in found.values(), f"{when}: what they wrote is gone"
    elif act is put:
        assert found.get(path) == THEIRS, f"{when}: their file is gone"
    elif place == "target" and scene.entry.action.verb in ("move-to", "carry", "trash"):
        assert path.is_file(), f"{when}: their copy is gone"
        assert path.stat().st_ino == inode, f"{when}: their copy is gone"
    # The picture itself: only what they overwrote may be gone, and then the kept copy stands.
    pictures = [data for data in found.values() if data == picture(1) or kind_between(data, picture(1))]
    assert pictures, f"{when}: the picture is gone"
    if kept != picture(1) and place != "source":
        assert pictures.count(picture(1)) >= 2, f"{when}: one of two copies is gone"


def everything(scene: Scene) -> list[Path]:
    folders = {scene.library.base / "photos", scene.library.base / "data", scene.target.parent, scene.source.parent}
    return [path for folder in folders for path in folder.rglob("*") if path.is_file()]
