"""Rows become values of the domain, or the catalog is damaged: words that nobody here wrote are no traceback."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from dedupctl.errors import StoreDamaged

Given = ParamSpec("Given")
Value = TypeVar("Value")


def legible(table: str) -> Callable[[Callable[Given, Value]], Callable[Given, Value]]:
    """Marks what makes a value from a row of this table.

    Raises:
        StoreDamaged: by the function it marks, where the row holds what cannot be read.
    """

    def marked(read: Callable[Given, Value]) -> Callable[Given, Value]:
        @wraps(read)
        def reading(*args: Given.args, **kwargs: Given.kwargs) -> Value:
            try:
                return read(*args, **kwargs)
            except (ValueError, TypeError, KeyError, AttributeError) as error:
                raise StoreDamaged(
                    f"a row of the table {table} cannot be read ({error}); run `dedupctl check --repair`"
                ) from error

        return reading

    return marked
