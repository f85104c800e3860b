"""Long lists of values for `IN (...)`, in chunks that fit into one statement."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

MAX_VARIABLES = 30_000
"""SQLite accepts 32,766 bound values in a statement (SQLITE_MAX_VARIABLE_NUMBER); the query's own need some too."""

Value = TypeVar("Value")


def chunked(values: Iterable[Value], size: int | None = None) -> Iterator[list[Value]]:
    """The values in lists of at most `size` (by default `MAX_VARIABLES`); no list if there are no values."""
    remaining = iter(values)
    while chunk := list(islice(remaining, size or MAX_VARIABLES)):
        yield chunk
