"""The part of `Library` that remembers what a person says: verdicts, and what may never be removed."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable

from dedupctl.domain import Verdict
from dedupctl.errors import UsageError
from dedupctl.library.given_paths import AnyPath, absolute, catalog_path
from dedupctl.library.opened import OpenedLibrary
from dedupctl.policy.protection import protected_forms


class Deciding(OpenedLibrary):
    """What a person says. It is on the disk when the call returns: nobody says it twice after a power cut."""

    def verdict(self, a: AnyPath, b: AnyPath, said: Verdict) -> None:
        """Remember what a person says about two pictures. It is kept by content, and no proof overrules it.

        Raises:
            UsageError: one is not in the library, or both hold the same bytes.
        """
        from dedupctl.matching.lookup import content_at

        with self._workspace.catalog.write(durable=True) as tx:
            first, second = content_at(tx, catalog_path(a)), content_at(tx, catalog_path(b))
            if first.id == second.id:
                raise UsageError("these two files hold the same bytes; there is nothing to decide")
            tx.verdicts.put(first.digest, second.digest, said, int(time.time()))

    def protect(self, paths: Iterable[AnyPath]) -> None:
        """Never remove these files, or anything in these folders, under whatever name.

        Raises:
            UsageError: there is no such file or folder.
        """
        wanted = [absolute(path) for path in paths]
        for path in wanted:
            if not os.path.lexists(path):
                raise UsageError(f"no such file or folder: {os.fsdecode(path)}")
        with self._workspace.catalog.write(durable=True) as tx:
            tx.protected.add([form for path in wanted for form in protected_forms(path)], int(time.time()))

    def unprotect(self, paths: Iterable[AnyPath]) -> None:
        """Let these files and folders be treated like any other; all of them, or none if one is not protected.

        Raises:
            UsageError: one of them is not protected.
        """
        with self._workspace.catalog.write(durable=True) as tx:
            for path in paths:
                if not tx.protected.remove(protected_forms(absolute(path))):
                    shown = os.fsdecode(os.fsencode(path))
                    raise UsageError(f"{shown} is not protected; see `dedupctl protect`")

    def protected(self) -> list[bytes]:
        """The protected files and folders, as they were written and as they really are."""
        with self._workspace.catalog.read() as tx:
            return tx.protected.all()
