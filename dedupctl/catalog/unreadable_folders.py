"""The folders that could not be looked into at the last visit, with the reason: no file row can tell of them."""

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
    """Paths are absolute bytes, reasons are in words; kept in the meta table, because they are few."""

    def __init__(self, meta: Meta) -> None:
        self._meta = meta

    def all(self) -> dict[bytes, str]:
        """The reason by path, in order of the paths."""
        stored: dict[str, str] = json.loads(self._meta.get(_META_KEY) or "{}")
        return {os.fsencode(path): reason for path, reason in sorted(stored.items())}

    def visited(self, places: Collection[bytes], failures: Mapping[bytes, str]) -> None:
        """These folders were visited with all below them, and just these in them could not be looked into."""
        known = self.all()
        elsewhere = {path: why for path, why in known.items() if not _is_in_one_of(path, places)}
        now = elsewhere | dict(failures)
        if now != known:
            self._meta.put(_META_KEY, json.dumps({os.fsdecode(path): why for path, why in now.items()}))

    def forget(self, root: bytes) -> None:
        """This folder is not watched any more."""
        self.visited([root], {})


def _is_in_one_of(path: bytes, places: Collection[bytes]) -> bool:
    return any(is_or_lies_in(path, place) for place in places)
