"""Whatever happens to files, index and process, and in whatever order: the catalog says what a simple model says."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from dedupctl.catalog.files import Sighting
from dedupctl.domain import Evidence, FileState, Fingerprint, Identity, PictureFacts, Unreadable
from dedupctl.fingerprint.fingerprinter import Read
from dedupctl.indexing.findings import Gone, Relinked, Revived, Unread
from dedupctl.indexing.writer import Writer
from dedupctl.matching.matcher import Matcher
from dedupctl.workspace import Workspace

DIM = 128
ROOT = b"/photos"
FAMILIES, NETS = 2, ("vector", "hash", "stream", "flat", "whole")
"""Pictures of one family are copies of each other, caught by one net only: the one both were made for, or `whole`."""


def fingerprint(family: int, net: str) -> Fingerprint:
    """One synthetic picture. What it does not share with its family is its own, and far from everything."""
    name = f"{family} {net}"
    own = np.random.default_rng(int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big"))
    shared = np.random.default_rng(family)
    vector = shared.normal(size=DIM)
    phash = shared.bytes(8)
    stream = shared.bytes(32)
    if net not in ("vector", "whole"):
        vector = own.normal(size=DIM)
    if net not in ("hash", "whole"):
        phash = own.bytes(8)
    if net not in ("stream", "whole"):
        stream = own.bytes(32)
    vector += 0.05 * own.normal(size=DIM)
    return Fingerprint(
        digest=hashlib.sha256(name.encode()).digest(),
        size=len(name),
        facts=PictureFacts("JPEG", 400, 300),
        stream_digest=stream,
        flat=net == "flat",
        hashes={"phash": phash, "phash8": phash + own.bytes(56)},
        vectors=(vector / np.linalg.norm(vector)).astype(np.float32)[None],
        thumbnail=name.encode(),
    )


POOL = [fingerprint(family, net) for family in range(FAMILIES) for net in NETS]
NAMES = [(family, net) for family in range(FAMILIES) for net in NETS]
pictures = st.integers(0, len(POOL) - 1)


def are_candidates(one: int, other: int) -> bool:
    """The model of all three nets."""
    (family, net), (other_family, other_net) = NAMES[one], NAMES[other]
    nets = {net, other_net}
    return family == other_family and one != other and "whole" in nets and "flat" not in nets


@dataclass
class Standing:
    """What the model knows of one path: the picture it holds or the error, as last written to the catalog."""

    holds: int | Unreadable
    identity: Identity
    gone: bool = False


@dataclass
class Model:
    """`written` is what the catalog must say; `pending` what the writer holds and a crash takes away."""

    written: dict[bytes, Standing] = field(default_factory=dict)
    pending: dict[bytes, Standing] = field(default_factory=dict)
    read: set[int] = field(default_factory=set)
    """Pictures read since then; of a path read twice, both contents are in the catalog."""
    contents: set[int] = field(default_factory=set)
    pairs: set[frozenset[int]] = field(default_factory=set)

    def commit(self) -> None:
        self.written |= self.pending
        self.contents |= self.read
        self.crash()

    def crash(self) -> None:
        self.pending, self.read = {}, set()

    def match(self) -> None:
        known = sorted(self.contents)
        self.pairs |= {frozenset({a, b}) for a in known for b in known if are_candidates(a, b)}

    def forget_gone(self) -> None:
        self.written = {path: one for path, one in self.written.items() if not one.gone}
        self.contents = {one.holds for one in self.written.values() if isinstance(one.holds, int)}
        self.pairs = {pair for pair in self.pairs if pair <= self.contents}


class CatalogAgainstModel(RuleBasedStateMachine):
    """Drives the one writer and the matcher as a scan does, without a disk below them."""

    @initialize()
    def start(self) -> None:
        self.home = Path(tempfile.mkdtemp()) / "home"
        self.model = Model()
        self.moment = 0
        self.stack = ExitStack()
        self.open()
        with self.workspace.catalog.write() as tx:
            self.root = tx.roots.add(ROOT, device=1, marker=None)

    def teardown(self) -> None:
        self.stack.close()
        shutil.rmtree(self.home.parent, ignore_errors=True)

    def open(self) -> None:
        self.workspace = self.stack.enter_context(Workspace.open(self.home, create=True))
        self.index = self.workspace.open_index().index
        self.writer = Writer(self.workspace, self.index)
        self.matcher = Matcher(self.workspace, self.index)

    def next_identity(self) -> Identity:
        self.moment += 1
        return Identity(1, self.moment, 1, self.moment, self.moment)

    def paths(self, *, gone: bool | None = None) -> list[bytes]:
        """What the catalog knows and nothing pending speaks of."""
        known = {path: one for path, one in self.model.written.items() if path not in self.model.pending}
        return sorted(path for path, one in known.items() if gone is None or one.gone is gone)

    def id_of(self, path: bytes) -> int:
        with self.workspace.catalog.read() as tx:
            file = tx.files.at(self.root.id, path)
        assert file is not None
        return file.id

    def unread(self, path: bytes) -> Unread:
        return Unread(self.root.id, path, ROOT + b"/" + path, self.next_identity(), path in self.model.written)

    # --- what a scan finds -------------------------------------------------------------------------------------------

    @rule(chosen=st.dictionaries(st.integers(0, 12), pictures, min_size=1, max_size=5))
    def read(self, chosen: dict[int, int]) -> None:
        """New and changed files; a picture that the catalog holds already comes without a fingerprint."""
        for number, picture in chosen.items():
            path = b"folder/%d.jpg" % number
            unread = self.unread(path)
            one = None if picture in self.model.contents else POOL[picture]
            self.writer.took(unread, Read(unread.identity, POOL[picture].digest, one))
            self.model.pending[path] = Standing(picture, unread.identity)
            self.model.read.add(picture)

    @rule(number=st.integers(0, 12), code=st.sampled_from(["corrupt", "changed", "vanished"]))
    def fail_to_read(self, number: int, code: str) -> None:
        path = b"folder/%d.jpg" % number
        unread = self.unread(path)
        self.writer.took(unread, Unreadable(code, "as the test wants"))
        if code == "corrupt":
            self.model.pending[path] = Standing(Unreadable(code, "as the test wants"), unread.identity)

    @precondition(lambda self: self.paths(gone=False))
    @rule(data=st.data())
    def lose(self, data: st.DataObject) -> None:
        self.lose_path(data.draw(st.sampled_from(self.paths(gone=False))))

    def lose_path(self, path: bytes) -> None:
        self.writer.note(Gone((self.id_of(path),)))
        before = self.model.written[path]
        self.model.pending[path] = Standing(before.holds, before.identity, gone=True)

    @precondition(lambda self: self.paths(gone=True))
    @rule(data=st.data())
    def find_again(self, data: st.DataObject) -> None:
        path = data.draw(st.sampled_from(self.paths(gone=True)))
        self.writer.note(Revived((self.id_of(path),)))
        before = self.model.written[path]
        self.model.pending[path] = Standing(before.holds, before.identity)

    @precondition(lambda self: self.paths(gone=False))
    @rule(data=st.data())
    def move(self, data: st.DataObject) -> None:
        """A rename: the new path holds the old content, unread."""
        source = data.draw(st.sampled_from(self.paths(gone=False)))
        before = self.model.written[source]
        if not isinstance(before.holds, int):
            return
        target = b"moved/%d.jpg" % self.moment
        with self.workspace.catalog.read() as tx:
            (content_id,) = tx.contents.ids_of([POOL[before.holds].digest]).values()
        identity = self.next_identity()
        self.writer.note(Relinked(Sighting(self.root.id, target, identity, content_id), (self.id_of(source),)))
        self.lose_path(source)
        self.model.pending[target] = Standing(before.holds, identity)

    # --- what the process does ---------------------------------------------------------------------------------------

    @rule()
    def write(self) -> None:
        self.writer.write()
        self.model.commit()

    @rule()
    def match(self) -> None:
        """What is found is written, then compared in rounds; the evidence says only what proposed the pair."""
        self.write()
        while (found := self.matcher.next_round()) is not None:
            lacking = self.matcher.settle(
                found, [Evidence(method="vector", cosine=case.candidate.cosine) for case in found.cases]
            )
            assert lacking is None, "nothing was proven, so no cluster lacks anything"
        self.model.match()

    @rule()
    def crash_in_a_round_of_matching(self) -> None:
        self.matcher.next_round()
        self.restart()

    @rule()
    def save(self) -> None:
        self.writer.save_index(force=True)
        assert self.workspace.snapshot_fault() is None

    @rule()
    def restart(self) -> None:
        """Also a crash: what was not written is found again, what was written is there."""
        self.model.crash()
        self.stack.close()
        self.open()

    @rule(place=st.floats(0, 1, exclude_max=True))
    def damage_the_index_and_restart(self, place: float) -> None:
        self.save()  # or the same damage, done twice, would mend it
        for path in self.home.glob("vectors/*/graph-*"):
            content = bytearray(path.read_bytes())
            content[int(place * len(content))] ^= 0x40
            path.write_bytes(content)
            assert self.workspace.snapshot_fault() is not None
        self.restart()

    @rule()
    def lose_the_caches_and_restart(self) -> None:
        self.stack.close()
        shutil.rmtree(self.home / "vectors", ignore_errors=True)
        for path in self.home.glob("thumbs.db*"):
            path.unlink()
        self.restart()

    @precondition(lambda self: self.model.contents)
    @rule(data=st.data())
    def lose_a_picture_for_so_long_that_it_is_forgotten(self, data: st.DataObject) -> None:
        self.write()
        self.forget(data.draw(st.sampled_from(sorted(self.model.contents))))

    def forget(self, picture: int) -> None:
        for path in self.paths(gone=False):
            if self.model.written[path].holds == picture:
                self.lose_path(path)
        self.write()
        with self.workspace.catalog.write() as tx:
            tx.files.forget_gone(before=2**62)
            tx.contents.forget_unheld()
        self.model.forget_gone()

    # --- what must hold ----------------------------------------------------------------------------------------------

    @invariant()
    def every_path_is_known_as_it_was_last_seen(self) -> None:
        with self.workspace.catalog.read() as tx:
            for path, expected in self.model.written.items():
                file = tx.files.at(self.root.id, path)
                assert file is not None
                assert (file.identity, file.state is FileState.GONE) == (expected.identity, expected.gone)
                if isinstance(expected.holds, int):
                    assert tx.contents.get([file.content_id or 0])[file.content_id or 0].digest == (
                        POOL[expected.holds].digest
                    )
                else:
                    assert (file.content_id, file.error) == (None, str(expected.holds))
            assert sum(tx.files.count().values()) == len(self.model.written)

    @invariant()
    def every_content_is_there_once_and_the_index_holds_all_that_are_not_flat(self) -> None:
        with self.workspace.catalog.read() as tx:
            ids = tx.contents.ids_of([one.digest for one in POOL])
            labels = tx.embeddings.labels(self.workspace.model_id)
            owners = tx.embeddings.owners(labels.tolist())
            assert tx.contents.count() == len(ids) == len(self.model.contents)
        assert {POOL[picture].digest for picture in self.model.contents} == ids.keys()
        lively = {ids[POOL[picture].digest] for picture in self.model.contents if NAMES[picture][1] != "flat"}
        assert set(owners.values()) == lively
        assert len(labels) == len(lively)
        assert set(labels.tolist()) <= set(self.index.labels().tolist())

    @invariant()
    def whoever_was_compared_has_every_pair_it_should(self) -> None:
        number_of = {one.digest: picture for picture, one in enumerate(POOL)}
        with self.workspace.catalog.read() as tx:
            pairs = list(tx.pairs.all())
            contents = tx.contents.get({content_id for pair in pairs for content_id in (pair.a, pair.b)})
        found = {frozenset({number_of[contents[pair.a].digest], number_of[contents[pair.b].digest]}) for pair in pairs}
        assert found == self.model.pairs


CatalogAgainstModel.TestCase.settings = settings(
    max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestCatalogAgainstModel = CatalogAgainstModel.TestCase


def test_a_picture_that_was_forgotten_is_compared_anew_when_it_comes_back() -> None:
    """The daemon met a picture again that it had forgotten after months, and looked for what its nets still held."""
    whole, alike = NAMES.index((0, "whole")), NAMES.index((0, "hash"))
    machine = CatalogAgainstModel()
    machine.start()
    try:
        machine.read({0: whole, 1: alike})
        machine.match()
        machine.forget(whole)
        machine.read({2: whole})
        machine.match()
        machine.whoever_was_compared_has_every_pair_it_should()
        assert machine.model.pairs == {frozenset({whole, alike})}
    finally:
        machine.teardown()


def test_a_file_deleted_and_made_again_between_two_writes_is_there() -> None:
    """It was read anew and then marked as gone, and stayed so until the next visit of its folder."""
    machine = CatalogAgainstModel()
    machine.start()
    try:
        machine.read({0: 0, 1: 1})
        machine.write()
        machine.lose_path(b"folder/0.jpg")
        machine.lose_path(b"folder/1.jpg")
        machine.read({0: 2})
        machine.write()
        machine.every_path_is_known_as_it_was_last_seen()
        assert [machine.model.written[b"folder/%d.jpg" % number].gone for number in (0, 1)] == [False, True]
    finally:
        machine.teardown()


def test_the_nets_of_the_model_are_those_of_the_pool() -> None:
    """The model's rule holds for the synthetic pictures: what is said to be far apart is, what is near is near."""
    vectors = np.concatenate([one.vectors for one in POOL])
    cosines = vectors @ vectors.T
    for one, (family, net) in enumerate(NAMES):
        for other, (other_family, other_net) in enumerate(NAMES):
            if one == other:
                continue
            near = family == other_family and {net, other_net} <= {"vector", "whole"}
            assert cosines[one, other] > 0.9 if near else cosines[one, other] < 0.55
