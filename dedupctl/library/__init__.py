"""`dedupctl.Library`: one photo library, for Python programs. The commands go through this door too.

    from dedupctl import Library

    with Library.open() as library:
        library.scan(["~/Pictures"])
        for cluster in library.clusters():
            print(cluster.keeper.path, len(cluster.members))

Paths may be given as `str`, `bytes` or `os.PathLike`. Every path that comes back is absolute `bytes`, because a file
name on Linux is bytes and nothing else; `os.fsdecode` makes text of one.

Each module here is one part of the class. Heavy libraries (OpenCV, decoders) are imported by the methods that need
them, so that listing clusters does not wait for them.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from dedupctl.catalog.backups import put_back
from dedupctl.catalog.catalog import CATALOG_NAME
from dedupctl.config import default_home
from dedupctl.library.asking import Asking
from dedupctl.library.deciding import Deciding
from dedupctl.library.given_paths import AnyPath, absolute
from dedupctl.library.indexing import Indexing
from dedupctl.library.opened import indexing_lock
from dedupctl.library.removing import Removing
from dedupctl.library.reporting import Reporting
from dedupctl.library.state import State

if TYPE_CHECKING:
    from dedupctl.indexing.check import Fault


class Library(Indexing, State, Asking, Deciding, Removing, Reporting):
    """An open library: its catalog, its caches, and the pictures it watches. Use it in a `with`, or call `close`.

    Reading works beside a running daemon. `scan` and `import_encodings` need the library to themselves, and so do
    `apply`, `restore` and `purge` among each other; they raise LockHeld if another process is at work.
    """

    @staticmethod
    def check(
        home: AnyPath | None = None, *, repair: bool = False, is_stopped: Callable[[], bool] = lambda: False
    ) -> list[Fault]:
        """Everything wrong with the stores of a library; asked of its home, because a damaged one cannot be opened.

        Args:
            home: the directory that holds the catalog; by default where the `dedupctl` command keeps it.
            repair: mend what the catalog and the disk still tell; a fault that was mended says so.
            is_stopped: asked from time to time; once it returns true, mending ends early.

        Raises:
            UsageError: nothing was ever indexed there.
            LockHeld: `repair` is true and another process is indexing, or acting on pictures.
            StoreDamaged: the catalog is no SQLite database any more, or was emptied.
        """
        from dedupctl.library.checking import check_stores

        return check_stores(_folder(home), mend=repair, is_stopped=is_stopped)

    @staticmethod
    def restore_catalog(backup: AnyPath, home: AnyPath | None = None) -> Path | None:
        """Check a backup that `back_up` wrote and put it in the place of a home's catalog, which must not be open.

        Returns:
            Where the catalog that was there is kept now; None if there was none.

        Raises:
            UsageError, StoreDamaged, StoreNewer: the backup cannot be used; nothing was changed.
            LockHeld: another process is indexing this library.
        """
        folder = _folder(home)
        with indexing_lock(folder):
            return put_back(Path(os.fsdecode(absolute(backup))), folder / CATALOG_NAME)


def _folder(home: AnyPath | None) -> Path:
    return default_home() if home is None else Path(os.fsdecode(absolute(home)))


__all__ = ["AnyPath", "Library"]
