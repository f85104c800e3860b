"""The part of `Library` that answers questions about copies: clusters, pairs, the copies of one picture, the proof."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from contextlib import closing
from typing import TYPE_CHECKING

from dedupctl.domain import Cluster, PairKind, Unreadable
from dedupctl.errors import DedupctlError, UsageError
from dedupctl.library.given_paths import AnyPath, absolute, catalog_path
from dedupctl.library.opened import OpenedLibrary
from dedupctl.matching.clusters import DUPLICATE_KINDS, Linkage, find_clusters
from dedupctl.matching.file_pairs import FilePair, file_pairs, pairs_across
from dedupctl.paths import lies_in
from dedupctl.policy.keeper_order import keeper_order

if TYPE_CHECKING:  # these load decoders and OpenCV, which `clusters` does not need
    from dedupctl.indexing.workers import Workers
    from dedupctl.matching.explanation import Explanation
    from dedupctl.matching.lookup import Match


class Asking(OpenedLibrary):
    """Which files are copies of each other, and how that is known."""

    def clusters(
        self,
        *,
        kinds: Collection[PairKind] = DUPLICATE_KINDS,
        linkage: Linkage = Linkage.STAR,
        within: AnyPath | None = None,
        between: AnyPath | None = None,
        min_size: int = 0,
        policy: str = "tidy",
    ) -> list[Cluster]:
        """Clusters of copies, largest saving first; the first member of each is the keeper.

        Args:
            within: only clusters whose files all lie in this folder.
            between: only clusters with files both in this folder and outside it.
            min_size: only clusters that free at least this many bytes.
            policy: the policy whose rules choose the keepers.

        Raises:
            UsageError: there is no such policy.
        """
        with self._workspace.catalog.read() as tx:
            found = find_clusters(tx, kinds=kinds, linkage=linkage, order=keeper_order(tx, self.policy(policy)))
        if within is not None:
            found = [one for one in found if _sides(one, catalog_path(within)) == {True}]
        if between is not None:
            found = [one for one in found if _sides(one, catalog_path(between)) == {True, False}]
        return [one for one in found if one.reclaimable_bytes >= min_size]

    def pairs(self, kinds: Collection[PairKind] = DUPLICATE_KINDS) -> Iterator[FilePair]:
        """Every two present files that are copies of each other; streamed, because there can be many."""
        with self._workspace.catalog.read() as tx:
            yield from file_pairs(tx, kinds)

    def compare(
        self, folder_a: AnyPath, folder_b: AnyPath, kinds: Collection[PairKind] = DUPLICATE_KINDS
    ) -> list[FilePair]:
        """Pairs with one file in each folder, the one in `folder_a` first."""
        with self._workspace.catalog.read() as tx:
            return list(pairs_across(tx, catalog_path(folder_a), catalog_path(folder_b), kinds))

    def find(self, image: AnyPath) -> list[Match]:
        """The library's copies of the picture in this file, best first. The file need not be in the library.

        Raises:
            DedupctlError: no picture can be read from it.
        """
        from dedupctl.matching.lookup import find_copies

        path = absolute(image)
        with self._one_worker() as workers:
            read = workers.fingerprint(path)
            if isinstance(read, Unreadable) or read.fingerprint is None:
                raise DedupctlError(f"cannot read {os.fsdecode(path)} as a picture: {read}")
            index = self._workspace.open_index().index
            return find_copies(self._workspace, index, read.fingerprint, path, workers.evidence)

    def clusters_of(self, matches: Collection[Match], *, policy: str = "tidy") -> dict[int, Cluster]:
        """The cluster of each file that `find` named, by file id, with the keepers of a policy.

        A file that is only similar, or has no copy, is in no cluster.

        Raises:
            UsageError: there is no such policy.
        """
        from dedupctl.matching.lookup import clusters_of

        with self._workspace.catalog.read() as tx:
            return clusters_of(tx, matches, keeper_order(tx, self.policy(policy)))

    def explain(self, a: AnyPath, b: AnyPath) -> Explanation:
        """What picture B is to picture A, in words, with the evidence; both must be in the library.

        Raises:
            UsageError: one of them is not in the library, or can no longer be read.
        """
        from dedupctl.matching.explanation import explain
        from dedupctl.matching.lookup import file_at

        with self._workspace.catalog.read() as tx:
            one, other = file_at(tx, catalog_path(a)), file_at(tx, catalog_path(b))
        with self._one_worker() as workers:
            return explain(self._workspace, one, other, workers.evidence)

    def draw(self, explanation: Explanation) -> bytes:
        """A PNG of the two explained pictures side by side, with the outline of the match.

        Raises:
            UsageError: both files hold the same bytes.
            DedupctlError: a thumbnail is missing.
        """
        from dedupctl.matching.proof.drawing import side_by_side

        if explanation.pair is None:
            raise UsageError("both files hold the same bytes; there is nothing to draw")
        a, b = explanation.contents
        thumbnails = self._workspace.thumbs.get([a.digest, b.digest])
        if a.digest not in thumbnails or b.digest not in thumbnails:
            raise DedupctlError("a thumbnail is missing; run `dedupctl check --repair`")
        return side_by_side(
            thumbnails[a.digest], thumbnails[b.digest], a, b, explanation.pair.evidence, names=explanation.names
        )

    def _one_worker(self) -> closing[Workers]:
        """Decodes single pictures: a file that crashes its decoder or fills its memory must not do so to the caller."""
        from dedupctl.indexing.workers import Workers

        return closing(Workers(self.config, self._workspace.catalog.path, count=1))


def _sides(cluster: Cluster, folder: bytes) -> set[bool]:
    """Whether its files lie in the folder: {True}, {False}, or both."""
    return {lies_in(member.path, folder) for member in cluster.members}
