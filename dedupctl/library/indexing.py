"""The part of `Library` that takes pictures in: watched folders, scans, encodings."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from dedupctl.domain import Root, ScanSummary
from dedupctl.errors import UsageError
from dedupctl.library.given_paths import AnyPath, absolute
from dedupctl.library.opened import OpenedLibrary

if TYPE_CHECKING:  # these load decoders and OpenCV, which most questions do not need
    from dedupctl.indexing.encoding_table import EncodingTable
    from dedupctl.indexing.encodings import ImportSummary
    from dedupctl.indexing.moved_root import MovedRoot
    from dedupctl.indexing.pipeline import Progress


class Indexing(OpenedLibrary):
    """How files get into the catalog."""

    def roots(self) -> list[Root]:
        """The watched folders."""
        with self._workspace.catalog.read() as tx:
            return tx.roots.all()

    def add_root(self, folder: AnyPath, *, reference: bool = False) -> Root:
        """Watch a folder from now on. A folder that is watched already becomes, or stops being, a reference.

        Args:
            reference: its files are preferred as keepers, and none of them is ever removed.

        Raises:
            UsageError: there is no such folder, or it lies in or around another watched folder.
        """
        from dedupctl.indexing.roots import add_root

        root = add_root(self._workspace.catalog, absolute(folder), reference=reference)
        if root.reference == reference:
            return root
        with self._workspace.catalog.write(durable=True) as tx:
            tx.roots.set_reference(root.id, reference)
            return next(one for one in tx.roots.all() if one.id == root.id)

    def remove_root(self, folder: AnyPath) -> Root:
        """Stop watching a folder. Its files are not touched; verdicts and fingerprints are kept.

        Raises:
            UsageError: the folder is not watched.
        """
        with self._workspace.catalog.write(durable=True) as tx:
            root = tx.roots.at(os.path.realpath(absolute(folder)))
            if root is None:
                shown = os.fsdecode(os.fsencode(folder))
                raise UsageError(f"{shown} is not a watched folder; see `dedupctl roots list`")
            tx.roots.remove(root.id)
            tx.unreadable_folders.forget(root.path)
        return root

    def move_root(self, old: AnyPath, new: AnyPath) -> MovedRoot:
        """A watched folder is elsewhere now: copied to another disk, or mounted elsewhere.

        Verdicts, protections, journal and quarantine stay; only a sample of the files is read.

        Raises:
            UsageError: `old` is not watched, or `new` is not a readable folder with the same files.
            LockHeld: another process is indexing, or acting on pictures.
        """
        from dedupctl.indexing.moved_root import move_root
        from dedupctl.removal.recover import acting

        with self.indexing(), acting(self.home, self._workspace.catalog):
            return move_root(self._workspace.catalog, absolute(old), absolute(new))

    def scan(
        self,
        paths: Iterable[AnyPath] = (),
        *,
        progress: Callable[[Progress], None] | None = None,
        is_stopped: Callable[[], bool] | None = None,
        on_message: Callable[[str], None] | None = None,
        on_unvisited: Callable[[str], None] | None = None,
    ) -> ScanSummary:
        """Index these folders, which become roots if they are not watched; without any, visit every root.

        Args:
            progress: called from time to time with how far the scan is.
            is_stopped: asked from time to time; once it returns true, the scan ends early with a consistent catalog.
            on_message: takes what a person should read.
            on_unvisited: takes what could not be visited, in words: a folder that cannot be read, a root that is
                offline. By default `on_message` takes it.

        Raises:
            UsageError: a path is not a readable folder, or none is given and none is watched.
            LockHeld: the daemon or another scan is indexing this library.
        """
        from dedupctl.indexing.pipeline import Listeners
        from dedupctl.indexing.roots import scan_targets
        from dedupctl.indexing.visit import scan_library

        say = on_message or (lambda _: None)
        say_unvisited = on_unvisited or say
        listeners = Listeners(
            progress or (lambda _: None),
            lambda failure: say_unvisited(f"cannot read {os.fsdecode(failure.path)}: {failure.reason}"),
            is_stopped or (lambda: False),
        )
        with self.indexing():
            wanted = scan_targets(self._workspace.catalog, [absolute(path) for path in paths])
            return scan_library(self._workspace, wanted, listeners, partial(_say_offline, say_unvisited), say)

    def encodings(self) -> EncodingTable:
        """Digests, perceptual hashes and embeddings of every picture as NumPy arrays; `.to_arrow()` makes a table."""
        from dedupctl.indexing.encoding_table import read_encodings

        return read_encodings(self._workspace)

    def export_encodings(self) -> Iterator[str]:
        """What was read of every picture (digest, facts, hashes, embeddings, thumbnail), one JSON document each."""
        from dedupctl.indexing.encodings import export_encodings

        return export_encodings(self._workspace)

    def import_encodings(self, source: AnyPath) -> ImportSummary:
        """Take in a file that `export_encodings` filled, a document a line; bad lines are named in the summary.

        Encodings are a claim: a picture known only by one is read before a copy of it is removed.

        Raises:
            OSError: the file cannot be read.
            LockHeld: the daemon or a scan is indexing this library.
        """
        from dedupctl.indexing.encodings import import_encodings, lines_of

        with open(absolute(source), "rb") as file, self.indexing():
            return import_encodings(self._workspace, lines_of(file))


def _say_offline(say: Callable[[str], None], root: Root, reason: str) -> None:
    say(f"{os.fsdecode(root.path)} is offline, its pictures stay known: {reason}")
