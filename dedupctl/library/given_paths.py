"""Paths as callers give them, and as the catalog knows them: absolute bytes."""

from __future__ import annotations

import os
from typing import TypeAlias

AnyPath: TypeAlias = str | bytes | os.PathLike[str] | os.PathLike[bytes]


def absolute(path: AnyPath) -> bytes:
    """The path as it was written, made absolute; `~` is expanded and no link is followed."""
    return os.path.abspath(os.path.expanduser(os.fsencode(path)))


def catalog_path(path: AnyPath) -> bytes:
    """The path by which the catalog knows a file or folder, which may be gone.

    Folders are resolved, because a root is stored by its real path. A file that is a symbolic link stays one.
    """
    written = absolute(path)
    if os.path.isdir(written):
        return os.path.realpath(written)
    folder, name = os.path.split(written)
    return os.path.join(os.path.realpath(folder), name)
