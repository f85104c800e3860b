"""How the link is opened in the browser of this user, without other users being able to read it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from html import escape
from pathlib import Path


@contextmanager
def redirect_to(link: str) -> Iterator[Path]:
    """A private file with a page that redirects to the link; it is deleted at the end of the block.

    The browser is started with the name of this file, because all users can see the arguments of a program in /proc.
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
