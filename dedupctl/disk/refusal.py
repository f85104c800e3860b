"""Why a file is left alone, as a reason a person can read."""

from __future__ import annotations

import errno
import os


class Refused(Exception):
    """This file is left alone; the text is the reason. Never leaves this room: it becomes an Outcome."""


def reason_of(error: OSError | Refused) -> str:
    """The reason a person reads, without path and error number."""
    if isinstance(error, OSError):
        if error.errno == errno.ELOOP:
            named = error.filename if isinstance(error.filename, bytes) and b"/" in error.filename else None
            return f"{os.fsdecode(named)} is a symbolic link" if named else "a symbolic link stands in its place"
        return error.strerror or str(error)
    return str(error)
