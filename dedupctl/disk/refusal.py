"""Why a file is left alone, as a reason that a person can read."""

from __future__ import annotations

import errno
import os


class Refused(Exception):
    """This file is left alone; the text is the reason. `removal` turns it into an Outcome."""


def reason_of(error: OSError | Refused) -> str:
    """The reason for a person, without path and error number."""
    if isinstance(error, OSError):
        if error.errno == errno.ELOOP:
            named = error.filename if isinstance(error.filename, bytes) and b"/" in error.filename else None
            return f"{os.fsdecode(named)} is a symbolic link" if named else "a symbolic link is in its place"
        return error.strerror or str(error)
    return str(error)
