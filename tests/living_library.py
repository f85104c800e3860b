"""A library of real files with a catalog filled without decoding: its "pictures" say in their bytes what they show.

`picture(7, 2, "x")` is variant 2 of scene 7 with metadata "x". The same variant with other metadata is a `pixel` pair,
the next variant a `near` one, the one after that only `similar`: so A~B~C is a chain whose ends are no pair.
"""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from blake3 import blake3

from dedupctl.catalog.catalog import Catalog, Transaction
from dedupctl.catalog.files import Sighting
from dedupctl.catalog.schema import metadata
from dedupctl.config import SAFE, PolicyConfig
from dedupctl.disk.root_marker import mark_root, why_offline
from dedupctl.disk.steps import Step, Steps, uninterrupted
from dedupctl.domain import Evidence, Fingerprint, Identity, Pair, PairKind, PictureFacts, Plan, Root, Verdict
from dedupctl.policy.plan import Request, make_plan
from dedupctl.removal.apply import Applied, apply_plan
from dedupctl.removal.outcome import Outcome
from dedupctl.removal.purge import purge
from dedupctl.removal.recover import recover
from dedupctl.removal.restore import restorable, restore

NOW = 1_800_000_000
TIDY_ALL = PolicyConfig(kinds=("exact", "pixel", "near"), max_remove_share=100)
EXACT_ONLY = SAFE.model_copy(update={"kinds": ("exact",), "max_remove_share": 100})


def picture(scene: int, variant: int = 0, metadata: str = "") -> bytes:
    return f"scene {scene} variant {variant} metadata {metadata}".encode()


def kind_between(a: bytes, b: bytes) -> PairKind | None:
    """What two different pictures are to each other; files that are no pictures are nothing to anybody."""
    one, two = a.split(b" ", 5), b.split(b" ", 5)
    if len(one) < 5 or len(two) < 5 or one[0] != b"scene" or one[:2] != two[:2] or a == b:
        return None
    return {0: PairKind.PIXEL, 1: PairKind.NEAR, 2: PairKind.SIMILAR}.get(abs(int(one[3]) - int(two[3])))


def same_pixels(path_a: bytes, path_b: bytes) -> bool:
    """What a worker would find, who reads the files as they are now."""
    one, other = (Path(os.fsdecode(path)).read_bytes() for path in (path_a, path_b))
    return kind_between(one, other) is PairKind.PIXEL


def is_picture(path: Path) -> bool:
    return path.suffix.lower() in (".jpg", ".cr2", ".heic", ".png")


@dataclass
class LivingLibrary:
    """Roots below `base`, their catalog in `base/home`. `catalog` may be reopened, as after a crash."""

    base: Path
    template: Path | None = None
    now: int = NOW
    facts: dict[bytes, PictureFacts] = field(default_factory=dict)
    """For the contents whose facts matter."""
    bytes_of: dict[int, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.home = self.base / "home"
        self.home.mkdir(parents=True)
        if self.template is not None:
            shutil.copy(self.template, self.home / "catalog.db")
        self.catalog = Catalog.open(self.home / "catalog.db")

    def forget_everything(self) -> None:
        """As new, but the catalog stays open."""
        self.now, self.facts, self.bytes_of = NOW, {}, {}
        for path in self.base.iterdir():
            if path.is_dir() and path != self.home:
                shutil.rmtree(path)
            elif path != self.home:
                path.unlink()
        with closing(sqlite3.connect(self.home / "catalog.db")) as database, database:
            for table in reversed(metadata.sorted_tables):
                if table.name != "meta":
                    database.execute(f"DELETE FROM {table.name}")  # noqa: S608 - names of our own tables

    def reopen(self) -> None:
        self.catalog.close()
        self.catalog = Catalog.open(self.home / "catalog.db")

    def close(self) -> None:
        self.catalog.close()

    def add_root(self, name: str, *, reference: bool = False) -> Path:
        path = self.base / name
        path.mkdir(parents=True, exist_ok=True)
        device, marker = mark_root(os.fsencode(path))
        with self.catalog.write() as tx:
            tx.roots.add(os.fsencode(path), device, marker, reference=reference)
        return path

    def scan(self) -> None:
        """What `dedupctl scan` would find, by the same rules: an offline root keeps its rows."""
        with self.catalog.write() as tx:
            for root in tx.roots.all():
                if why_offline(root) is None:
                    self._visit(tx, root)
            self._pair_up(tx)

    def _visit(self, tx: Transaction, root: Root) -> None:
        known = {located.file.path: located.file.id for located in tx.files.present(root.id)}
        sightings = []
        for path in live_files(Path(os.fsdecode(root.path))):
            if not is_picture(path):
                continue
            relative = os.fsencode(path)[len(root.path) + 1 :]
            known.pop(relative, None)
            data = path.read_bytes()
            sightings.append(Sighting(root.id, relative, Identity.of(path.lstat()), self._content(tx, data)))
        tx.files.record(sightings)
        tx.files.mark_gone(known.values(), self.now)

    def _content(self, tx: Transaction, data: bytes) -> int:
        digest = blake3(data).digest()
        content_id = tx.contents.id_of(digest)
        if content_id is None:
            facts = self.facts.get(data, PictureFacts("JPEG", 100, 100))
            one = Fingerprint(
                digest, len(data), facts, None, False, {"phash": digest[:8]}, np.empty((0, 4), np.float32), b""
            )
            (content_id,) = tx.contents.add([one])
        self.bytes_of[content_id] = data
        return content_id

    def _pair_up(self, tx: Transaction) -> None:
        contents = sorted(self.bytes_of.items())
        tx.pairs.put(
            Pair(a, b, kind, 1.0, Evidence("orb"))
            for place, (a, first) in enumerate(contents)
            for b, second in contents[place + 1 :]
            if (kind := kind_between(first, second)) is not None
        )

    def say(self, a: bytes, b: bytes, verdict: Verdict) -> None:
        with self.catalog.write() as tx:
            tx.verdicts.put(blake3(a).digest(), blake3(b).digest(), verdict, self.now)

    def protect(self, path: Path) -> None:
        with self.catalog.write() as tx:
            tx.protected.add([os.fsencode(path)], self.now)

    def plan(self, policy: PolicyConfig = EXACT_ONLY, **request: object) -> Plan:
        return make_plan(self.catalog, "test", policy, now=self.now, request=replace(Request(), **request))  # type: ignore[arg-type]

    def apply(self, plan: Plan | int, *, share: float = 100, **how: Any) -> Applied:
        number = plan if isinstance(plan, int) else plan.id
        how = {"same_pixels": same_pixels} | how
        return apply_plan(self.catalog, number, max_remove_share=share, clock=lambda: self.now, **how)

    def restore_all(self, *, steps: Steps = uninterrupted, **how: Any) -> list[Outcome]:
        return restore(self.catalog, restorable(self.catalog), clock=lambda: self.now, steps=steps, **how)

    def purge(self, *, at_once: bool = True, steps: Steps = uninterrupted, **how: Any) -> list[Outcome]:
        return purge(self.catalog, at_once=at_once, clock=lambda: self.now, steps=steps, **how)

    def recover(self, *, steps: Steps = uninterrupted) -> list[Outcome]:
        return recover(self.catalog, clock=lambda: self.now, steps=steps)


def run_and_kill(
    library: LivingLibrary, operation: Callable[[LivingLibrary, Steps], object], count: int, plan: int | None = None
) -> None:
    """Run the operation in a child that the kernel ends at its `count`-th step."""
    library.catalog.close()
    child = os.fork()
    if child == 0:
        left = iter(range(count - 1))

        def die_in_turn(_: Step) -> None:
            if next(left, None) is None:
                os.kill(os.getpid(), signal.SIGKILL)

        try:
            library.reopen()
            operation(library, die_in_turn)
        finally:
            os._exit(3)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), f"step {count} of plan {plan} was not reached: {status}"
    library.reopen()


def live_files(root: Path) -> Iterator[Path]:
    """Every file of the user, nothing of dedupctl's."""
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name != ".dedupctl"]
        for name in names:
            path = Path(folder, name)
            if not path.is_symlink() and not name.startswith(".dedupctl-"):
                yield path


def quarantined(root: Path) -> list[Path]:
    return [path for path in sorted((root / ".dedupctl/quarantine").rglob("*")) if path.is_file()]


def tree(root: Path) -> dict[str, bytes]:
    """The user's files by relative path, with their bytes."""
    return {os.fspath(path.relative_to(root)): path.read_bytes() for path in live_files(root)}


def empty_catalog(folder: Path) -> Path:
    """A fresh catalog to copy: migrating one for each example would take most of the time."""
    path = folder / "template.db"
    Catalog.open(path).close()
    return path


def quick_folder() -> Path:
    """In memory where that is possible: a machine of 500 examples syncs tens of thousands of times."""
    memory = Path("/dev/shm")
    return Path(tempfile.mkdtemp(dir=memory if os.access(memory, os.W_OK) else None))
