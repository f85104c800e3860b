"""Filters and positions in the queue, read from and written to the query string of an address."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from urllib.parse import urlencode

from starlette.datastructures import QueryParams

from dedupctl.domain import PairKind
from dedupctl.errors import UsageError
from dedupctl.web.queue import Key, Wanted

MEGABYTE = 1_000_000


def wanted_of(query: QueryParams) -> Wanted:
    """Parse the filters of an address.

    Raises:
        UsageError: a value is invalid; none of our pages would have written it.
    """
    try:
        kinds = frozenset(PairKind(name) for name in query.getlist("kind"))
        root, least = query.get("root", ""), query.get("min_mb", "")
        return Wanted(
            kinds=kinds or Wanted().kinds,
            root=int(root) if root else None,
            min_bytes=round(float(least) * MEGABYTE) if least else 0,
            since=_day(query.get("since", "")),
            until=_day(query.get("until", "")),
        )
    except (ValueError, OverflowError) as error:
        raise UsageError(f"this address contains an invalid filter: {error}") from error


def as_query(wanted: Wanted, **more: object) -> str:
    """The query string for these filters, with `?`; empty if all are at their defaults."""
    pairs: list[tuple[str, object]] = []
    if wanted.kinds != Wanted().kinds:
        pairs += [("kind", kind.value) for kind in PairKind if kind in wanted.kinds]
    named: Mapping[str, object] = {
        "root": wanted.root,
        "min_mb": f"{wanted.min_bytes / MEGABYTE:g}" if wanted.min_bytes else None,
        "since": wanted.since,
        "until": wanted.until,
        **more,
    }
    pairs += [(name, value) for name, value in named.items() if value not in (None, "")]
    return f"?{urlencode(pairs)}" if pairs else ""


def key_as_text(key: Key) -> str:
    return f"{-key[0]}.{int(key[1])}.{key[2]}"


def key_of(text: str) -> Key | None:
    """The position after which a page of the queue begins; None means the start.

    Raises:
        UsageError: it is invalid; none of our pages would have written it.
    """
    if not text:
        return None
    try:
        freed, similar, number = map(int, text.split("."))
    except ValueError as error:
        raise UsageError(f"there is no such place in the queue: {text[:40]}") from error
    return -freed, bool(similar), number


def number_of(text: str) -> int | None:
    """The number of a file or journal entry in an address; None if the text is empty.

    Raises:
        UsageError: it is not a number.
    """
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise UsageError("this is not a number of ours")
    return int(text)


def _day(text: str) -> str:
    return date.fromisoformat(text).isoformat() if text else ""
