"""From hints to findings: whatever a hint suggests is looked up on disk, and only the disk is believed."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from dedupctl.catalog.catalog import Catalog
from dedupctl.catalog.engine import Beat
from dedupctl.config import ScanConfig
from dedupctl.daemon.hints import FolderTouched, Hint, Moved, Removed, Touched
from dedupctl.daemon.settle import Settler, Stamp
from dedupctl.domain import Root
from dedupctl.indexing.findings import Finding, Unread
from dedupctl.indexing.recognition import Recognition
from dedupctl.indexing.roots import while_online
from dedupctl.indexing.scan import Walk, look_at, nothing


class Interpreter:
    """Turns hints about a set of roots into findings. Files that may still be written wait in the settler first."""

    def __init__(self, catalog: Catalog, config: ScanConfig, settler: Settler, beat: Beat = nothing) -> None:
        """`beat` is called for every file and hint examined."""
        self._catalog = catalog
        self._config = config
        self._settler = settler
        self._beat = beat
        self._recognition = Recognition()
        self._roots: tuple[Root, ...] = ()
        self._overflowed = False

    def set_roots(self, roots: Iterable[Root]) -> None:
        """Set the roots that are online. Hints about any other root are dropped."""
        self._roots = tuple(roots)

    def findings(self, hints: Iterable[Hint]) -> Iterator[Finding]:
        """The findings behind these hints, except for files that must settle first."""
        self._recognition = Recognition()
        for hint in hints:
            self._beat()
            match hint:
                case Touched(path):
                    self._hold(path)
                case FolderTouched(path):
                    yield from self._settled_later(self._walk(path))
                case Removed(path, folder=True):
                    yield from self._settled_later(self._walk(path))
                case Removed(path):
                    yield from self._settled_later(self._look(path))
                case Moved(source, target, folder=True):
                    yield from self._settled_later(self._walk(target))
                    yield from self._settled_later(self._walk(source))
                case Moved(source, target):
                    yield from self._settled_later(self._look(target))
                    yield from self._settled_later(self._look(source))
                case _:
                    pass  # the service answers lost roots and lost events with a scan

    def settled(self) -> Iterator[Finding]:
        """Findings for the files that have settled."""
        for path in self._settler.due(self._stamp):
            self._beat()
            yield from self._look(path)

    def take_overflow(self) -> bool:
        """Whether a file could not be held since the last call, so that only a scan will find it."""
        overflowed, self._overflowed = self._overflowed, False
        return overflowed

    def _hold(self, path: bytes) -> None:
        self._overflowed |= not self._settler.saw(path)

    def _settled_later(self, findings: Iterable[Finding]) -> Iterator[Finding]:
        for finding in findings:
            if isinstance(finding, Unread):
                self._hold(finding.absolute)
            else:
                yield finding

    def _look(self, path: bytes) -> Iterator[Finding]:
        place = self._place(path)
        if place is not None:
            finding = look_at(self._catalog, *place, self._config, self._recognition)
            if finding is not None:
                yield from while_online(place[0], [finding, *self._other_names(finding)])

    def _other_names(self, finding: Finding) -> Iterator[Finding]:
        """Findings for other hard links of a file written in place: they changed as well, but raised no event."""
        if not (isinstance(finding, Unread) and finding.known):
            return
        with self._catalog.read() as tx:
            names = tx.files.names_of(finding.identity)
        for path in {name.path for name in names} - {finding.absolute}:
            place = self._place(path)
            other = None if place is None else look_at(self._catalog, *place, self._config, self._recognition)
            if isinstance(other, Unread):
                yield other

    def _walk(self, path: bytes) -> Iterator[Finding]:
        place = self._place(path)
        if place is not None:
            root, folder = place
            yield from while_online(
                root, Walk(self._catalog, root, self._config, self._beat, self._recognition).findings(folder)
            )

    def _place(self, path: bytes) -> tuple[Root, bytes] | None:
        for root in self._roots:
            if path == root.path:
                return root, b""
            if path.startswith(root.path.rstrip(b"/") + b"/"):
                return root, path[len(root.path) :].strip(b"/")
        return None

    def _stamp(self, path: bytes) -> Stamp | None:
        self._beat()
        try:
            status = os.stat(path)
        except OSError:
            return None
        return status.st_size, status.st_mtime_ns
