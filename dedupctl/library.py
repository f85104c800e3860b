"""`dedupctl.Library`: one photo library, for Python programs. Commands and pages go through this door too.

    from dedupctl import Library

    with Library.open() as library:
        library.scan(["~/Pictures"])
        for cluster in library.clusters():
            print(cluster.keeper.path, len(cluster.members))

Paths may be given as `str`, `bytes` or `os.PathLike`. Every path that comes back is absolute `bytes`, because a file
name on Linux is bytes and nothing else; `os.fsdecode` shows one.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, TypeAlias

from dedupctl.config import default_home
from dedupctl.domain import Cluster, JournalEntry, PairKind, Plan, Root, ScanSummary, Unreadable, Verdict
from dedupctl.errors import DedupctlError, UsageError
from dedupctl.indexing.encoding_table import EncodingTable, read_encodings
from dedupctl.indexing.library import scan_library
from dedupctl.indexing.pipeline import Listeners, Progress
from dedupctl.indexing.roots import add_root, places
from dedupctl.indexing.workers import Workers
from dedupctl.matching.clusters import DUPLICATE_KINDS, Linkage, find_clusters
from dedupctl.matching.explanation import Explanation, explain
from dedupctl.matching.file_pairs import FilePair, file_pairs, pairs_across
from dedupctl.matching.lookup import Match, content_at, file_at, find_copies
from dedupctl.paths import lies_in
from dedupctl.policy.named import policy_named, share_allowed
from dedupctl.policy.plan import Request, draft_plan, make_plan
from dedupctl.policy.protection import protected_forms
from dedupctl.removal.apply import Applied, apply_plan
from dedupctl.removal.outcome import Outcome
from dedupctl.removal.recover import acting
from dedupctl.removal.restore import restorable, restore
from dedupctl.report.writing import ReportFormat, ReportOptions, ReportSummary, write_report
from dedupctl.workspace import LOCK_NAME, Workspace, hold

AnyPath: TypeAlias = str | bytes | os.PathLike[str] | os.PathLike[bytes]


class Library:
    """An open library: its catalog, its caches, and the pictures it watches. Use it in a `with`, or call `close`.

    Reading works beside a running daemon. `scan` needs the library for itself, as do `apply` and `restore` among each
    other; they raise LockHeld where another process is at it.
    """

    def __init__(self, workspace: Workspace, closing: ExitStack) -> None:
        """For `open` alone."""
        self._workspace = workspace
        self._closing = closing

    @classmethod
    def open(cls, home: AnyPath | None = None, *, create: bool = False) -> Library:
        """The library whose catalog lies in `home`; by default where the `dedupctl` command keeps it.

        Args:
            home: the directory that holds the catalog, not the pictures.
            create: make an empty library where there is none.

        Raises:
            UsageError: nothing was ever indexed there, and `create` was not asked for.
            ConfigError, StoreDamaged, StoreNewer: as their names say.
        """
        folder = default_home() if home is None else Path(os.fsdecode(_absolute(home)))
        with ExitStack() as stack:
            workspace = stack.enter_context(Workspace.open(folder, create=create))
            return cls(workspace, stack.pop_all())

    def close(self) -> None:
        """Let go of the catalog and the caches."""
        self._closing.close()

    def __enter__(self) -> Library:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.close()

    @property
    def home(self) -> Path:
        return self._workspace.home

    # --- indexing --------------------------------------------------------------------------------------------------

    def roots(self) -> list[Root]:
        """The folders that are watched."""
        with self._workspace.catalog.read() as tx:
            return tx.roots.all()

    def add_root(self, folder: AnyPath, *, reference: bool = False) -> Root:
        """Watch a folder from now on; `reference` prefers its files as keepers.

        Raises:
            UsageError: no such folder, or it lies in or around one that is watched already.
        """
        return add_root(self._workspace.catalog, _absolute(folder), reference=reference)

    def scan(
        self,
        paths: Iterable[AnyPath] = (),
        *,
        progress: Callable[[Progress], None] | None = None,
        is_stopped: Callable[[], bool] | None = None,
        on_message: Callable[[str], None] | None = None,
    ) -> ScanSummary:
        """Index these folders, which become roots where they are none; without any, visit every known root.

        Args:
            progress: called now and then with how far the scan is.
            is_stopped: asked now and then; once true, the scan ends early with a consistent catalog.
            on_message: takes what a person should read: an offline root, a folder that cannot be read.

        Raises:
            UsageError: a path is no readable folder, or no folder is known yet.
            LockHeld: a daemon or another scan is indexing this library.
        """
        say = on_message or (lambda _: None)
        listeners = Listeners(
            progress or (lambda _: None),
            lambda failure: say(f"cannot read {os.fsdecode(failure.path)}: {failure.reason}"),
            is_stopped or (lambda: False),
        )
        with hold(self.home / LOCK_NAME, "indexing into"):
            wanted = places(self._workspace.catalog, [_absolute(path) for path in paths])
            return scan_library(self._workspace, wanted, listeners, partial(_say_offline, say), say)

    # --- asking ----------------------------------------------------------------------------------------------------

    def clusters(
        self,
        *,
        kinds: Collection[PairKind] = DUPLICATE_KINDS,
        linkage: Linkage = Linkage.STAR,
        within: AnyPath | None = None,
        between: AnyPath | None = None,
        min_size: int = 0,
    ) -> list[Cluster]:
        """Clusters of copies, largest saving first; the first member of each is the keeper.

        Args:
            within: only clusters whose files all lie in this folder.
            between: only clusters that tie this folder to something outside it.
            min_size: only clusters that free at least so many bytes.
        """
        with self._workspace.catalog.read() as tx:
            found = find_clusters(tx, kinds=kinds, linkage=linkage)
        if within is not None:
            found = [one for one in found if _sides(one, _resolved(within)) == {True}]
        if between is not None:
            found = [one for one in found if _sides(one, _resolved(between)) == {True, False}]
        return [one for one in found if one.reclaimable_bytes >= min_size]

    def pairs(self, kinds: Collection[PairKind] = DUPLICATE_KINDS) -> Iterator[FilePair]:
        """Every two present files that are copies of each other; streamed, because they can be many."""
        with self._workspace.catalog.read() as tx:
            yield from file_pairs(tx, kinds)

    def compare(
        self, folder_a: AnyPath, folder_b: AnyPath, kinds: Collection[PairKind] = DUPLICATE_KINDS
    ) -> list[FilePair]:
        """Pairs with one file in each folder, the one in `folder_a` first."""
        with self._workspace.catalog.read() as tx:
            return list(pairs_across(tx, _resolved(folder_a), _resolved(folder_b), kinds))

    def find(self, image: AnyPath) -> list[Match]:
        """The library's copies of the picture in this file, best first. The file need not be in the library.

        Raises:
            DedupctlError: no picture can be read from it.
        """
        path = _absolute(image)
        with self._one_worker() as workers:
            read = workers.fingerprint(path)
            if isinstance(read, Unreadable) or read.fingerprint is None:
                raise DedupctlError(f"cannot read {os.fsdecode(path)} as a picture: {read}")
            index = self._workspace.open_index().index
            return find_copies(self._workspace, index, read.fingerprint, path, workers.evidence)

    def explain(self, a: AnyPath, b: AnyPath) -> Explanation:
        """What picture B is to picture A, in words, with the evidence; both must be in the library.

        Raises:
            UsageError: one of them is not in the library, or can no longer be read.
        """
        with self._workspace.catalog.read() as tx:
            one, other = file_at(tx, _named(a)), file_at(tx, _named(b))
        with self._one_worker() as workers:
            return explain(self._workspace, one, other, workers.evidence)

    def _one_worker(self) -> closing[Workers]:
        """Decodes single pictures: a file that breaks or fills its decoder must not do so to whoever asks."""
        return closing(Workers(self._workspace.config, self._workspace.catalog.path, count=1))

    def encodings(self) -> EncodingTable:
        """Digests, perceptual hashes and vectors of every picture as NumPy arrays; `.to_arrow()` makes a table."""
        return read_encodings(self._workspace)

    # --- deciding --------------------------------------------------------------------------------------------------

    def verdict(self, a: AnyPath, b: AnyPath, said: Verdict) -> None:
        """Remember a person's word on two pictures. It is kept by content, and no proof overrules it.

        Raises:
            UsageError: one is not in the library, or both hold the same bytes.
        """
        with self._workspace.catalog.write(durable=True) as tx:
            first, second = content_at(tx, _named(a)), content_at(tx, _named(b))
            if first.id == second.id:
                raise UsageError("these two files hold the same bytes; there is nothing to decide")
            tx.verdicts.put(first.digest, second.digest, said, int(time.time()))

    def protect(self, paths: Iterable[AnyPath]) -> None:
        """Never remove these files, or anything in these folders, under whatever name.

        Raises:
            UsageError: there is no such file or folder.
        """
        wanted = [_absolute(path) for path in paths]
        for path in wanted:
            if not os.path.lexists(path):
                raise UsageError(f"no such file or folder: {os.fsdecode(path)}")
        with self._workspace.catalog.write(durable=True) as tx:
            tx.protected.add([form for path in wanted for form in protected_forms(path)], int(time.time()))

    # --- acting ----------------------------------------------------------------------------------------------------

    def plan(self, policy: str = "safe", *, changes: Mapping[str, Any] | None = None, dry_run: bool = False) -> Plan:
        """Freeze what a policy would remove, and why. Touches no picture.

        Args:
            policy: a policy of the configuration, or the ready-made "safe" or "tidy".
            changes: fields of `PolicyConfig` that differ this time, such as `{"action": "trash"}`.
            dry_run: only draft it; a draft has number 0 and cannot be applied.

        Raises:
            UsageError: no such policy, or the changes do not go with it.
        """
        chosen = policy_named(self._workspace.config.policies, policy, changes or {})
        making = draft_plan if dry_run else make_plan
        return making(self._workspace.catalog, policy, chosen, now=int(time.time()), request=Request())

    def apply(self, plan: Plan, *, max_remove_share: float | None = None) -> Applied:
        """Carry out a plan that was frozen here. `restore` takes it all back.

        Args:
            max_remove_share: percent of a root's pictures that may go; by default what the policy allows.

        Raises:
            UsageError: it is a draft, or not of this library.
            RemovesTooMuch: it takes a larger share of a root; nothing was done.
            LockHeld: another apply, restore or purge is at work.
        """
        if plan.id == 0:
            raise UsageError("a draft cannot be applied; make the plan without dry_run")
        policies = self._workspace.config.policies
        share = share_allowed(policies.get(plan.policy, policies["safe"]), max_remove_share)
        with acting(self.home, self._workspace.catalog):
            return apply_plan(self._workspace.catalog, plan.id, max_remove_share=share)

    def restore(self, plan: Plan | None = None, *, path: AnyPath | None = None) -> list[Outcome]:
        """Put back what a plan removed, or what was removed at or below a path; without either, everything.

        What could not be put back is an outcome that is not `done`, with the reason.

        Raises:
            LockHeld: another apply, restore or purge is at work.
        """
        with acting(self.home, self._workspace.catalog):
            return restore(self._workspace.catalog, self.removed(plan, path=path))

    def removed(self, plan: Plan | None = None, *, path: AnyPath | None = None) -> Sequence[JournalEntry]:
        """The removed files that can be put back, the last removed first."""
        return restorable(
            self._workspace.catalog,
            plan_id=None if plan is None else plan.id,
            path=None if path is None else _absolute(path),
        )

    # --- showing ---------------------------------------------------------------------------------------------------

    def report(
        self,
        target: AnyPath,
        *,
        form: ReportFormat = ReportFormat.HTML,
        limit: int | None = None,
        with_map: bool = True,
    ) -> ReportSummary:
        """Write one self-contained file: totals, clusters with thumbnails and evidence, the map, errors.

        Raises:
            DedupctlError: the file cannot be written.
        """
        return write_report(
            self._workspace.catalog,
            self._workspace.thumbs,
            Path(os.fsdecode(_absolute(target))),
            model_id=self._workspace.model_in_use(),
            options=ReportOptions(format=form, limit=limit, with_map=with_map),
            progress=lambda _stage, _done, _total: None,
        )


def _say_offline(say: Callable[[str], None], root: Root, reason: str) -> None:
    say(f"{os.fsdecode(root.path)} is offline, its pictures stay known: {reason}")


def _sides(cluster: Cluster, folder: bytes) -> set[bool]:
    """Whether its files lie in the folder: {True}, {False}, or both."""
    return {lies_in(member.path, folder) for member in cluster.members}


def _absolute(path: AnyPath) -> bytes:
    return os.path.abspath(os.path.expanduser(os.fsencode(path)))


def _resolved(folder: AnyPath) -> bytes:
    """A folder as the catalog knows it: roots are kept by their real path."""
    return os.path.realpath(_absolute(folder))


def _named(path: AnyPath) -> bytes:
    """A file as the catalog knows it: its folder resolved, a file that is a link kept as one."""
    folder, name = os.path.split(_absolute(path))
    return os.path.join(os.path.realpath(folder), name)
