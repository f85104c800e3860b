"""Pictures for the page, by catalog id and never by path: thumbnails from the cache, large views made when asked."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping

from dedupctl.catalog.files import LocatedFile
from dedupctl.domain import Unreadable
from dedupctl.fingerprint.fingerprinter import thumbnail_of
from dedupctl.fingerprint.view import exif_of, view_of
from dedupctl.workspace import Workspace

VIEW_SIDE = 2048
"""Longer side in pixels of a large view: sharp on a whole screen, and made in a tenth of a second."""
KEPT_VIEWS = 32
AT_ONCE = 2
"""Large pictures decoded at a time: each takes up to 2 GB for its pixels."""


class Pictures:
    """Every picture as JPEG bytes; None where there is nothing to show."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._max_pixels = workspace.config.scan.max_megapixels * 1_000_000
        self._views: OrderedDict[bytes, bytes] = OrderedDict()
        self._shelf = threading.Lock()
        self._decoding = threading.Semaphore(AT_ONCE)

    def thumbnail(self, content_id: int) -> bytes | None:
        digest = self._digest(content_id)
        if digest is None:
            return None
        with self._shelf:
            kept = self._workspace.thumbs.get([digest]).get(digest)
        if kept is not None:
            return kept
        file = self._file(content_id)
        with self._decoding:
            return None if file is None else thumbnail_of(file.path, self._max_pixels)

    def view(self, content_id: int) -> bytes | Unreadable:
        """The picture up to `VIEW_SIDE` pixels, from its file."""
        digest, file = self._digest(content_id), self._file(content_id)
        if digest is None or file is None:
            return Unreadable("vanished", "no file holds this picture any more")
        with self._shelf:
            if digest in self._views:
                self._views.move_to_end(digest)
                return self._views[digest]
        with self._decoding:
            made = view_of(file.path, file.file.identity, longest=VIEW_SIDE, max_pixels=self._max_pixels)
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
        return exif_of(file.path, file.file.identity, max_pixels=self._max_pixels)

    def _digest(self, content_id: int) -> bytes | None:
        with self._workspace.catalog.read() as tx:
            content = tx.contents.get([content_id]).get(content_id)
        return None if content is None else content.digest

    def _file(self, content_id: int) -> LocatedFile | None:
        with self._workspace.catalog.read() as tx:
            return next(iter(tx.files.of_contents([content_id])), None)
