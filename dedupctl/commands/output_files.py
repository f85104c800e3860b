"""Files that a command writes where it was told to, with the mode that the configuration gives to what it writes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from dedupctl.errors import DedupctlError
from dedupctl.library import Library
from dedupctl.modes import file_mode, opener


@contextmanager
def written_file(library: Library, target: Path, mode: str, **how: Any) -> Iterator[IO[Any]]:
    """Open a file for writing; `mode` and `how` are those of `open`.

    Raises:
        DedupctlError: the file cannot be written.
    """
    try:
        opening = opener(file_mode(group_readable=library.config.home.group_readable))
        with open(target, mode, opener=opening, **how) as file:
            yield file
    except OSError as error:
        raise DedupctlError(f"cannot write {target}: {error.strerror}") from error
