"""Turning rows into values of the domain: a row that cannot be decoded means a damaged catalog, not a traceback."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from dedupctl.errors import StoreDamaged

Parameters = ParamSpec("Parameters")
Value = TypeVar("Value")


def decodes_rows_of(table: str) -> Callable[[Callable[Parameters, Value]], Callable[Parameters, Value]]:
    """Decorator for a function that decodes values stored in this table.

    The decorated function raises `StoreDamaged` instead of an error in the stored value.
    """

    def decorate(decode: Callable[Parameters, Value]) -> Callable[Parameters, Value]:
        @wraps(decode)
        def decode_or_report(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Value:
            try:
                return decode(*args, **kwargs)
            except (ValueError, TypeError, KeyError, AttributeError) as error:
                raise StoreDamaged(
                    f"a row of the table {table} cannot be read ({error}); run `dedupctl check --repair`"
                ) from error

        return decode_or_report

    return decorate
