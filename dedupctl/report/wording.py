"""How names, sizes and dates are written for people, in every format.

A file name is bytes that anybody may have chosen: it may be no UTF-8, contain terminal escapes or newlines, reverse the
direction of text, or be a formula to a spreadsheet. Text to be shown is made here and nowhere else.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from dedupctl.domain import Member

_JOINER = "\u200d"
"""Joins emoji; every other invisible character is escaped."""
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+!|~&-])")
_UNITS = ("bytes", "kB", "MB", "GB", "TB")


def shown(name: bytes | str) -> str:
    r"""A name as printable text: bytes that are not UTF-8 as `\xff`, control and direction characters as `\u202e`."""
    text = name if isinstance(name, str) else name.decode("utf-8", "surrogateescape")
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() or letter == _JOINER else _escaped(letter) for letter in text)


def folder_and_name(path: bytes) -> tuple[str, str]:
    """(folder, name) of a path, both as printable text."""
    folder, _, name = path.rpartition(b"/")
    return shown(folder) or "/", shown(name)


def csv_cell(value: object) -> str:
    """Text that a spreadsheet treats as text: an apostrophe is put before anything that would start a formula.

    https://owasp.org/www-community/attacks/CSV_Injection
    """
    text = "" if value is None else str(value)
    if isinstance(value, int | float):
        return text
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def markdown(text: str) -> str:
    """Text in which nothing is Markdown markup, even inside a table cell."""
    return _MARKDOWN.sub(r"\\\1", text)


def size(count: int) -> str:
    """Bytes in decimal units with at most three digits: 940 bytes, 8.1 kB, 12.4 MB, 1.02 TB."""
    amount, unit = float(count), 0
    while amount >= 999.5 and unit < len(_UNITS) - 1:
        amount, unit = amount / 1000, unit + 1
    if unit == 0:
        return f"{count} byte" if count == 1 else f"{count} bytes"
    return f"{amount:.{2 if amount < 1 else 1 if amount < 99.95 else 0}f} {_UNITS[unit]}"


def counted(count: int, one: str, many: str | None = None) -> str:
    """A number with its noun: "1 file", "12,345 files"."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def moment(seconds: float) -> str:
    """Seconds since 1970 as local date and time, to the minute."""
    return datetime.fromtimestamp(seconds, UTC).astimezone().strftime("%Y-%m-%d %H:%M")


def date_of(member: Member) -> tuple[str, str]:
    """When the picture was taken, or else when its file was changed; and which of the two it is."""
    taken = member.content.facts.taken_at
    if taken:
        return shown(taken.replace("T", " ")[:16]), "taken"
    return moment(member.identity.mtime_ns / 1e9), "changed"


def _escaped(letter: str) -> str:
    code = ord(letter)
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
