"""What policy reads from the disk: the names in a folder, and the bytes of a file. Symlinks are never followed."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from dedupctl.disk.folders import opened_folder, standing_at
from dedupctl.disk.moves import same_file
from dedupctl.disk.refusal import Refused
from dedupctl.disk.verification import digest_of
from dedupctl.domain import Identity, Seen

LONGEST_TEXT = 1 << 24
"""Bytes; far more than any sidecar has."""


class Reader:
    """Reads each folder once, so use one only briefly: for one plan, or one batch that is about to be carried out."""

    def __init__(self) -> None:
        self._listed: dict[tuple[bytes, bytes], tuple[tuple[bytes, ...], tuple[bytes, ...]]] = {}
        """By root and folder: the names of its files, and those of its folders."""

    def names(self, root: bytes, folder: bytes) -> tuple[bytes, ...]:
        """The sorted names of everything but folders in this folder below the root.

        Raises:
            OSError: it cannot be listed.
        """
        return self._listing(root, folder)[0]

    def folders(self, root: bytes, folder: bytes) -> tuple[bytes, ...]:
        """The sorted names of the folders in this folder. Raises as `names` does."""
        return self._listing(root, folder)[1]

    def _listing(self, root: bytes, folder: bytes) -> tuple[tuple[bytes, ...], tuple[bytes, ...]]:
        if (root, folder) not in self._listed:
            files, folders = list[bytes](), list[bytes]()
            with opened_folder(root, folder) as opened, os.scandir(opened) as entries:
                for entry in entries:
                    (folders if entry.is_dir(follow_symlinks=False) else files).append(os.fsencode(entry.name))
            self._listed[root, folder] = tuple(sorted(files)), tuple(sorted(folders))
        return self._listed[root, folder]

    def seen(self, root: bytes, path: bytes) -> Seen:
        """The file as it is now, with its content hash.

        Raises:
            Refused, OSError: it is not a regular file, it changes while it is read, or it is unreadable.
        """
        digest, identity = digest_of(root, path)
        return Seen(root, path, identity, digest)

    def text(self, root: bytes, path: bytes) -> tuple[Seen, bytes]:
        """The file as it is now, and all its bytes.

        Raises:
            Refused, OSError: as `seen`, or it is far too long for a sidecar.
        """
        seen = self.seen(root, path)
        if seen.identity.size > LONGEST_TEXT:
            raise Refused("too long for a sidecar")
        with self.opened(seen) as file:
            return seen, file.read(LONGEST_TEXT)

    @contextmanager
    def opened(self, seen: Seen) -> Iterator[BinaryIO]:
        """Open the file that was seen, for reading.

        Raises:
            Refused, OSError: another file is there, it changes meanwhile, or it is unreadable.
        """
        with standing_at(seen.root, seen.path) as at:
            descriptor = at.open()
        with open(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode) or not same_file(Identity.of(status), seen.identity):
                raise Refused("it changed since it was looked at")
            yield file
            if not same_file(Identity.of(os.fstat(descriptor)), seen.identity):
                raise Refused("it changed while it was read")
