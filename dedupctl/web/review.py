"""What a person does with a cluster: verdicts and removals, and undoing each of them."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from dedupctl.domain import Cluster, JournalEntry, Member, PairKind, Verdict
from dedupctl.errors import UsageError
from dedupctl.matching.clusters import DUPLICATE_KINDS, find_clusters
from dedupctl.policy.keeper_order import keeper_order
from dedupctl.policy.review_plan import plan_choice, refusals
from dedupctl.removal.apply import apply_plan
from dedupctl.removal.outcome import Outcome
from dedupctl.removal.recover import acting
from dedupctl.removal.restore import restorable, restore
from dedupctl.removal.same_pixels import SamePixels
from dedupctl.report.wording import counted, folder_and_name, size
from dedupctl.web.queue import Queue
from dedupctl.workspace import Workspace

_SPARE_KINDS = frozenset(DUPLICATE_KINDS)


class Choice(NamedTuple):
    """A file as a person saw it. If its content has changed since, it is no longer the one that was chosen."""

    file_id: int
    content_id: int

    @classmethod
    def of(cls, member: Member) -> Choice:
        return cls(member.file_id, member.content.id)

    @classmethod
    def parse(cls, text: str) -> Choice:
        """Raises UsageError if none of our pages wrote this text."""
        file_id, _, content_id = text.partition("-")
        if not (text.isascii() and file_id.isdigit() and content_id.isdigit() and len(text) < 40):
            raise UsageError("the form names a file in a way no page of ours does")
        return cls(int(file_id), int(content_id))

    def __str__(self) -> str:
        return f"{self.file_id}-{self.content_id}"


@dataclass(frozen=True, slots=True)
class Note:
    """The result of a step, in words."""

    text: str
    failed: bool = False


@dataclass(frozen=True, slots=True)
class _Said:
    """A verdict that was given, and the previous one."""

    cluster: int
    similar: bool
    digests: tuple[bytes, bytes]
    contents: tuple[int, int]
    before: Verdict | None


@dataclass(frozen=True, slots=True)
class _Removed:
    """A plan that was applied."""

    cluster: int
    similar: bool
    plan_id: int
    contents: tuple[int, ...]


_Step: TypeAlias = _Said | _Removed


class Review:
    """The steps of a review since the server started; all of them can be undone, the last one first."""

    def __init__(self, workspace: Workspace, queue: Queue, same_pixels: SamePixels) -> None:
        self._workspace = workspace
        self._catalog = workspace.catalog
        self._queue = queue
        self._same_pixels = same_pixels
        self._policy = queue.policy
        self._steps: list[_Step] = []
        self._one_at_a_time = threading.RLock()

    def cluster(self, content_id: int, *, similar: bool = False, keeper: int | None = None) -> Cluster | None:
        """The cluster that this content is in now; None if it is no longer in one.

        Args:
            similar: look for the group of other shots instead of duplicates.
            keeper: the file to use as keeper, with only those members that have a pair of their own with it.
        """
        kinds = (PairKind.SIMILAR,) if similar else DUPLICATE_KINDS
        with self._catalog.read() as tx:
            order = keeper_order(tx, self._policy, chosen=keeper)
            found = find_clusters(tx, kinds=kinds, around=[content_id], order=order)
        if keeper is not None:
            return next((one for one in found if one.keeper.file_id == keeper), None)
        return next((one for one in found if any(member.content.id == content_id for member in one.members)), None)

    def refusals(self, cluster: Cluster) -> Mapping[int, str]:
        """The reasons, in words and by file id, why some of its members cannot be removed now."""
        with self._catalog.read() as tx:
            return refusals(tx, cluster.keeper, cluster.members[1:])

    def say(self, cluster: Cluster, other: int, verdict: Verdict, *, similar: bool) -> Note:
        """Store a person's verdict on the keeper and the member with the content `other`."""
        member = next((one for one in cluster.members if one.content.id == other), None)
        keeper = cluster.keeper
        if member is None or other == keeper.content.id:
            raise UsageError("a verdict is on two pictures of one cluster")
        digests, contents = (keeper.content.digest, member.content.digest), (keeper.content.id, other)
        with self._one_at_a_time:
            with self._catalog.write(durable=True) as tx:
                before = tx.verdicts.between(*digests)
                tx.verdicts.put(*digests, verdict, int(time.time()))
            self._steps.append(_Said(cluster.id, similar, digests, contents, before))
            self._queue.refresh(_contents(cluster))
        return Note(f"{_name(member.path)} and {_name(keeper.path)} are {_in_words(verdict)}, you said.")

    def apply(self, cluster: Cluster, keeper: Choice, removed: Collection[Choice]) -> Note:
        """Make a plan for the chosen files and apply it.

        Raises:
            UsageError: the cluster no longer holds what was chosen; nothing was done.
            LockHeld: another apply, restore or purge is at work; nothing was done.
        """
        members = {Choice.of(member): member for member in cluster.members}
        if Choice.of(cluster.keeper) != keeper or not members.keys() >= set(removed) or keeper in removed:
            raise UsageError("the cluster has changed since you looked at it; nothing was removed, look again")
        victims = [members[choice] for choice in removed]
        if any(not member.proven or member.kind not in _SPARE_KINDS for member in victims):
            raise UsageError("only what is proven to be the same picture as the keeper may be removed")
        with self._one_at_a_time:
            with acting(self._workspace.home, self._catalog):
                plan = plan_choice(self._catalog, cluster.keeper, victims, now=int(time.time()))
                applied = apply_plan(self._catalog, plan.id, max_remove_share=100, same_pixels=self._same_pixels)
            contents = tuple(_contents(cluster))
            if applied.removed:
                self._steps.append(_Removed(cluster.id, False, plan.id, contents))
            self._queue.refresh(contents)
        skipped = [(action.victim.absolute, action.skipped) for action in plan.actions if action.skipped is not None]
        left = [*skipped, *((outcome.action.victim.absolute, outcome.reason) for outcome in applied.refused)]
        done = f"Removed {counted(applied.removed, 'file')} ({size(applied.bytes_removed)})." if applied.removed else ""
        stays = " ".join(f"{_name(path)} stays: {reason}." for path, reason in left)
        return Note(f"{done} {stays}".strip(), failed=bool(left))

    def undo(self) -> tuple[Note, _Step | None]:
        """Undo the last step; returns the step that was undone."""
        with self._one_at_a_time:
            if not self._steps:
                return Note("There is nothing to undo.", failed=True), None
            step = self._steps[-1]
            note = self._unsay(step) if isinstance(step, _Said) else self._bring_back(step)
            self._steps.pop()
            self._queue.refresh(step.contents)
        return note, step

    def restore(self, entries: Sequence[JournalEntry]) -> Note:
        """Put these removed files back.

        Raises:
            LockHeld: another apply, restore or purge is at work; nothing was done.
        """
        with self._one_at_a_time:
            with acting(self._workspace.home, self._catalog):
                outcomes = restore(self._catalog, entries)
            digests = {entry.action.victim.digest for entry in entries}
            with self._catalog.read() as tx:
                contents = tx.contents.ids_of(digests).values()
            self._queue.refresh(list(contents))
        return _restored(outcomes)

    def _bring_back(self, step: _Removed) -> Note:
        waiting = restorable(self._catalog, plan_id=step.plan_id)
        return self.restore(waiting) if waiting else Note("What this step removed is back, or purged, already.")

    def _unsay(self, step: _Said) -> Note:
        with self._catalog.write(durable=True) as tx:
            if step.before is None:
                tx.verdicts.withdraw(*step.digests)
            else:
                tx.verdicts.put(*step.digests, step.before, int(time.time()))
        return Note("Your verdict was withdrawn.")


def _restored(outcomes: Sequence[Outcome]) -> Note:
    done = [outcome for outcome in outcomes if outcome.done]
    moved = [outcome for outcome in done if outcome.reason is not None]
    left = [outcome for outcome in outcomes if not outcome.done]
    parts = [f"Restored {counted(len(done), 'file')}."] if done or not left else []
    parts += [f"{_name(one.action.victim.absolute)} is now {_name(one.where or b'')}: {one.reason}." for one in moved]
    parts += [f"{_name(one.action.victim.absolute)} was not restored: {one.reason}." for one in left]
    return Note(" ".join(parts), failed=bool(left))


def _contents(cluster: Cluster) -> set[int]:
    return {member.content.id for member in cluster.members}


def _name(path: bytes) -> str:
    return folder_and_name(path)[1]


def _in_words(verdict: Verdict) -> str:
    return "the same picture" if verdict is Verdict.SAME else "different pictures"
