"""Develop settings that programs keep in a folder of their own beside the pictures, named after the whole file name.

Capture One: `CaptureOne/Settings153/a.cr2.cos`. Nikon: `NKSC_PARAM/a.nef.nksc`.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator, Sequence

from dedupctl.disk.reading import Reader
from dedupctl.paths import join, split

_NIKON = b"nksc_param"
_CAPTURE_ONE, _SETTINGS = b"captureone", b"settings"


class SettingsFolders:
    """The develop settings ("recipes") of each picture, as they are on disk now."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._recipes: dict[tuple[bytes, bytes], dict[bytes, list[bytes]]] = {}

    def recipes_of(self, root: bytes, picture: bytes) -> Sequence[bytes]:
        """The recipes of a picture; its path and theirs are relative to the root.

        Raises:
            OSError: a folder cannot be listed.
        """
        below, name = split(picture)
        if (root, below) not in self._recipes:
            found: defaultdict[bytes, list[bytes]] = defaultdict(list)
            for folder in self._folders(root, below):
                for recipe in self._reader.names(root, folder):
                    found[os.path.splitext(recipe)[0].lower()].append(join(folder, recipe))
            self._recipes[root, below] = dict(found)
        return self._recipes[root, below].get(name.lower(), ())

    def _folders(self, root: bytes, below: bytes) -> Iterator[bytes]:
        for name in self._reader.folders(root, below):
            folder = join(below, name)
            if name.lower() == _NIKON:
                yield folder
            if name.lower() == _CAPTURE_ONE:
                inner = self._reader.folders(root, folder)
                yield from (join(folder, one) for one in inner if one.lower().startswith(_SETTINGS))
