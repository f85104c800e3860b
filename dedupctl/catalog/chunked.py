"""Long lists of values for `IN (...)`, a statement's worth at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

MAX_VARIABLES = 30_000
"""SQLite takes 32,766 bound values a statement (SQLITE_MAX_VARIABLE_NUMBER); the rest is for a query's own."""

Value = TypeVar("Value")


def chunked(values: Iterable[Value]) -> Iterator[list[Value]]:
    """The values in lists of at most `MAX_VARIABLES`; no list for no values. For every `IN` of unknown length."""
    wanted = list(values)
    for start in range(0, len(wanted), MAX_VARIABLES):
        yield wanted[start : start + MAX_VARIABLES]
