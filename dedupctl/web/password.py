"""The password of a page that other machines may open, stored as an Argon2 hash in a private file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from argon2 import PasswordHasher, extract_parameters
from argon2.exceptions import InvalidHashError, VerificationError

from dedupctl.errors import UsageError

PASSWORD_NAME = "password"  # noqa: S105 - the name of a file
PASSWORD_FILE = "DEDUPCTL_PASSWORD_FILE"  # noqa: S105 - the name of a variable
SHORTEST = 8
"""Characters; NIST SP 800-63B asks for no fewer."""


class Password:
    """A password, of which only the hash is known."""

    def __init__(self, hashed: str) -> None:
        self._hashed = hashed
        self._hasher = PasswordHasher()

    def fits(self, given: str) -> bool:
        """Takes a few tenths of a second and 64 MB, so that guessing is slow."""
        try:
            return self._hasher.verify(self._hashed, given.encode("utf-8", "surrogateescape"))
        except VerificationError:
            return False


def set_password(home: Path, password: str) -> Path:
    """Store the hash in `<home>/password`, in place of an earlier one; returns that file.

    Raises:
        UsageError: it is too short, or the file cannot be written.
    """
    target = home / PASSWORD_NAME
    partial = home / f"{PASSWORD_NAME}.partial"
    hashed = _hash(password)
    try:
        partial.unlink(missing_ok=True)
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(hashed + "\n")
            file.flush()
            os.fsync(file.fileno())
        partial.replace(target)
    except OSError as error:
        raise UsageError(f"cannot write {target}: {error.strerror}") from error
    return target


def find_password(home: Path, environment: Mapping[str, str] = os.environ) -> Password:
    """The password on the first line of the file that `DEDUPCTL_PASSWORD_FILE` names, else the one stored in the home.

    Raises:
        UsageError: there is none, or it cannot be used.
    """
    named = environment.get(PASSWORD_FILE)
    if named:
        return Password(_hash(_first_line(Path(named))))
    stored = home / PASSWORD_NAME
    if not stored.exists():
        raise UsageError(
            "--listen needs a password: set one with `dedupctl serve --set-password`,"
            f" or name a file that holds it in {PASSWORD_FILE}"
        )
    hashed = _first_line(stored)
    try:
        extract_parameters(hashed)
    except InvalidHashError as error:
        raise UsageError(f"{stored} holds no password hash; set one with `dedupctl serve --set-password`") from error
    return Password(hashed)


def _hash(password: str) -> str:
    if len(password) < SHORTEST:
        raise UsageError(f"a password needs {SHORTEST} characters or more")
    return PasswordHasher().hash(password.encode("utf-8", "surrogateescape"))


def _first_line(path: Path) -> str:
    try:
        with path.open(encoding="utf-8", errors="surrogateescape") as file:
            return file.readline().rstrip("\r\n")
    except OSError as error:
        raise UsageError(f"cannot read the password in {path}: {error.strerror}") from error
