"""How the browser of this user is opened at the link, without the link standing where others can read it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from html import escape
from pathlib import Path


@contextmanager
def redirect_to(link: str) -> Iterator[Path]:
    """A page in a file of its owner alone that goes on to the link; removed at the end of the block.

    The browser is started with the name of the file: what a program is started with, all users see in /proc.
    """
    handle, name = tempfile.mkstemp(prefix="dedupctl-", suffix=".html")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(
                f'<!DOCTYPE html><html lang="en"><meta charset="utf-8"><meta name="referrer" content="no-referrer">'
                f'<meta http-equiv="refresh" content="0; url={escape(link)}">'
                f'<title>dedupctl</title><a href="{escape(link)}">Go on to the page</a></html>'
            )
        yield Path(name)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(name)
