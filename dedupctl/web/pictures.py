"""Pictures for the page, by catalog id and never by path: cached thumbnails, and large views made on request."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping

from dedupctl.catalog.files import LocatedFile
from dedupctl.domain import Unreadable
from dedupctl.indexing.workers import Workers
from dedupctl.workspace import Workspace

VIEW_SIDE = 2048
"""Longer side in pixels of a large view: sharp on a whole screen, and made in a tenth of a second."""
KEPT_VIEWS = 32
AT_ONCE = 2
"""Pictures decoded at the same time, each in its own process."""
PATIENCE = 20.0
"""CPU seconds a picture may take, since a person is waiting for it. One of 12 megapixels takes a tenth."""


class Pictures:
    """Every picture as JPEG bytes."""

    def __init__(self, workspace: Workspace, workers: Workers) -> None:
        self._workspace = workspace
        self._workers = workers
        self._views: OrderedDict[bytes, bytes] = OrderedDict()
        self._shelf = threading.Lock()

    def thumbnail(self, content_id: int) -> bytes | None:
        digest = self._digest(content_id)
        if digest is None:
            return None
        with self._shelf:
            kept = self._workspace.thumbs.get([digest]).get(digest)
        if kept is not None:
            return kept
        file = self._file(content_id)
        made = None if file is None else self._workers.thumbnail(file.path)
        return made if isinstance(made, bytes) else None

    def view(self, content_id: int) -> bytes | Unreadable:
        """The picture up to `VIEW_SIDE` pixels, from its file."""
        digest, file = self._digest(content_id), self._file(content_id)
        if digest is None or file is None:
            return Unreadable("vanished", "no file holds this picture any more")
        with self._shelf:
            if digest in self._views:
                self._views.move_to_end(digest)
                return self._views[digest]
        made = self._workers.view(file.path, file.file.identity, VIEW_SIDE)
        if isinstance(made, bytes):
            with self._shelf:
                self._views[digest] = made
                while len(self._views) > KEPT_VIEWS:
                    self._views.popitem(last=False)
        return made

    def exif(self, content_id: int) -> Mapping[str, str] | Unreadable:
        file = self._file(content_id)
        if file is None:
            return Unreadable("vanished", "no file holds this picture any more")
        return self._workers.exif(file.path, file.file.identity)

    def _digest(self, content_id: int) -> bytes | None:
        with self._workspace.catalog.read() as tx:
            content = tx.contents.get([content_id]).get(content_id)
        return None if content is None else content.digest

    def _file(self, content_id: int) -> LocatedFile | None:
        with self._workspace.catalog.read() as tx:
            return next(iter(tx.files.of_contents([content_id])), None)
