"""The folders that the last scan could not read, with the reason. There is no file row to record that on."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from dedupctl.paths import is_or_lies_in

if TYPE_CHECKING:
    from dedupctl.catalog.catalog import Meta

_META_KEY = "unreadable_folders"


class UnreadableFolders:
    """Absolute paths as bytes, each with a reason in words. They are few, so the meta table holds them."""

    def __init__(self, meta: Meta) -> None:
        self._meta = meta

    def all(self) -> dict[bytes, str]:
        """The reason for each path, in order of path."""
        stored: dict[str, str] = json.loads(self._meta.get(_META_KEY) or "{}")
        return {os.fsencode(path): reason for path, reason in sorted(stored.items())}

    def visited(self, places: Collection[bytes], failures: Mapping[bytes, str]) -> None:
        """Record a scan of these folders and everything below them: only the folders in `failures` were unreadable."""
        known = self.all()
        elsewhere = {path: why for path, why in known.items() if not _is_in_one_of(path, places)}
        current = elsewhere | dict(failures)
        if current != known:
            self._meta.put(_META_KEY, json.dumps({os.fsdecode(path): why for path, why in current.items()}))

    def forget(self, root: bytes) -> None:
        """Drop what is recorded below this root, which is no longer watched."""
        self.visited([root], {})


def _is_in_one_of(path: bytes, places: Collection[bytes]) -> bool:
    return any(is_or_lies_in(path, place) for place in places)
