"""Long lists of values for `IN (...)`, a statement's worth at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

MAX_VARIABLES = 30_000
"""SQLite takes 32,766 bound values a statement (SQLITE_MAX_VARIABLE_NUMBER); the rest is for a query's own."""

Value = TypeVar("Value")


def chunked(values: Iterable[Value], size: int | None = None) -> Iterator[list[Value]]:
    """The values in lists of at most `MAX_VARIABLES`, or of `size`; no list for no values."""
    left = iter(values)
    while part := list(islice(left, size or MAX_VARIABLES)):
        yield part
