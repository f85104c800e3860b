"""The facts that a report shows, read from one snapshot of the catalog; all formats and the terminal show the same."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from dedupctl.catalog.catalog import Catalog, Transaction
from dedupctl.config import TIDY, PolicyConfig
from dedupctl.domain import Cluster, FileState, Member, PairKind, Root
from dedupctl.matching.clusters import find_clusters
from dedupctl.policy.keeper_order import keeper_order
from dedupctl.report.changes import Changes, changes_since_last_report

Explain: TypeAlias = Callable[[Member, Member], str]
"""Takes (keeper, member) and returns one plain sentence: what the member is to the keeper, and how that is known."""

SKIPPED_CODES = frozenset({"not-an-image", "unsupported", "too-large"})
"""Reasons for which a file was skipped on purpose; every other reason is an error."""

UNREADABLE_FOLDER = "unreadable-folder"


@dataclass(frozen=True, slots=True)
class KindFacts:
    """What the members of one kind would free. `files` does not count keepers, and counts hard links once."""

    kind: PairKind
    clusters: int
    """Clusters whose weakest kind this is, so that the kinds add up to all clusters."""
    files: int
    reclaimable_bytes: int


@dataclass(frozen=True, slots=True)
class RootFacts:
    root: Root
    files: int
    total_bytes: int
    reclaimable_bytes: int
    errors: int


@dataclass(frozen=True, slots=True)
class FileProblem:
    """A file from which no picture could be read, or a folder that cannot be read.

    `path` is absolute; `code` is stable, `message` is for people.
    """

    path: bytes
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class LibraryFacts:
    """The library as a whole; times are seconds since 1970."""

    written_at: int
    last_scan_at: int | None
    files: int
    pictures: int
    """Distinct contents."""
    total_bytes: int
    reclaimable_bytes: int
    unmatched: int
    """Pictures not yet compared with the rest."""
    kinds: Sequence[KindFacts]
    roots: Sequence[RootFacts]


@dataclass(frozen=True, slots=True)
class Facts:
    library: LibraryFacts
    clusters: Sequence[Cluster]
    """Duplicates, largest saving first."""
    similar: Sequence[Cluster]
    """Other shots of one scene; no rule removes anything from them."""
    errors: Sequence[FileProblem]
    skipped: Sequence[FileProblem]
    changes: Changes | None
    """None if this is the first report."""


def gather_facts(catalog: Catalog, policy: PolicyConfig = TIDY) -> Facts:
    """Everything a report shows except pictures, with the keepers of this policy.

    Memory grows with the clustered files, not with the library.
    """
    with catalog.read() as tx:
        order = keeper_order(tx, policy)
        clusters = find_clusters(tx, order=order)
        problems = problems_of(tx)
        return Facts(
            library=library_facts(tx, clusters),
            clusters=clusters,
            similar=find_clusters(tx, kinds=(PairKind.SIMILAR,), order=order),
            errors=[problem for problem in problems if problem.code not in SKIPPED_CODES],
            skipped=[problem for problem in problems if problem.code in SKIPPED_CODES],
            changes=changes_since_last_report(tx, clusters),
        )


def problems_of(tx: Transaction) -> list[FileProblem]:
    """The folders that could not be read, then the files from which no picture could be read."""
    folders = tx.unreadable_folders.all().items()
    return [
        *(FileProblem(path, UNREADABLE_FOLDER, f"this folder cannot be read: {reason}") for path, reason in folders),
        *(FileProblem(located.path, what.code, what.message) for located, what in tx.files.errors()),
    ]


def library_facts(tx: Transaction, clusters: Sequence[Cluster]) -> LibraryFacts:
    freed_in_root: Counter[int] = Counter()
    for cluster in clusters:
        for member in removable(cluster):
            freed_in_root[member.root_id] += member.identity.size
    last_scan = tx.runs.last_finished()
    return LibraryFacts(
        written_at=int(time.time()),
        last_scan_at=last_scan.finished_at if last_scan else None,
        files=tx.files.count()[FileState.PRESENT],
        pictures=tx.contents.count(),
        total_bytes=tx.files.total_bytes(),
        reclaimable_bytes=sum(cluster.reclaimable_bytes for cluster in clusters),
        unmatched=tx.contents.count_unmatched(),
        kinds=kind_facts(clusters),
        roots=[_root_facts(tx, root, freed_in_root[root.id]) for root in tx.roots.all()],
    )


def kind_facts(clusters: Iterable[Cluster]) -> list[KindFacts]:
    """Each kind that occurs, strongest promise first. A cluster counts once, each of its files for its own kind."""
    in_clusters: Counter[PairKind] = Counter()
    members: defaultdict[PairKind, list[Member]] = defaultdict(list)
    for cluster in clusters:
        spare = list(removable(cluster))
        in_clusters[cluster.kind] += 1
        for member in spare:
            members[member.kind].append(member)
    return [
        KindFacts(kind, in_clusters[kind], len(members[kind]), sum(member.identity.size for member in members[kind]))
        for kind in PairKind
        if kind in members
    ]


def removable(cluster: Cluster) -> Iterator[Member]:
    """The members that would free their size: all but the keeper; hard links to one inode count once."""
    counted = {_inode(cluster.keeper)}
    for member in cluster.members:
        if _inode(member) not in counted:
            counted.add(_inode(member))
            yield member


def _root_facts(tx: Transaction, root: Root, reclaimable: int) -> RootFacts:
    counts = tx.files.count(root.id)
    return RootFacts(
        root=root,
        files=counts[FileState.PRESENT],
        total_bytes=tx.files.total_bytes(root.id),
        reclaimable_bytes=reclaimable,
        errors=counts[FileState.ERROR],
    )


def _inode(member: Member) -> tuple[int, int]:
    return member.identity.device, member.identity.inode
