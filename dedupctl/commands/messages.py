"""The one door to the terminal and to the log.

A file name is bytes that anybody may have chosen. Printed as it is, an escape sequence in it can repaint the terminal
or type into it, and a newline can put a line of its own into the daemon's log. So whatever is printed for people goes
through `wording.shown` here: messages, answers, tables, what libraries log, what Python says of an uncaught error.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import warnings
from collections.abc import Iterable, Iterator
from traceback import TracebackException
from types import TracebackType
from typing import Any, Protocol, TextIO

import typer
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from dedupctl.report.wording import shown

WIDTH_OF_A_PIPE = 10_000
"""Longer than a path can be, with room for the columns before it."""


def say(message: str) -> None:
    """A message for people: one line on stderr, so that stdout holds the answer alone."""
    typer.echo(shown(message), err=True)


def answer(text: str) -> None:
    """An answer in words: one line on stdout."""
    typer.echo(shown(text))


def hand_over(text: str) -> None:
    """A line on stdout that a script may take as it is, such as a path; a terminal gets it printable."""
    # Not typer.echo: in a pipe it takes out of a name what looks like a colour.
    sys.stdout.write((shown(text) if sys.stdout.isatty() else text) + "\n")
    sys.stdout.flush()


def console() -> Console:
    """Where answers go. Rich itself heeds NO_COLOR and the width of the terminal; in a pipe no path may be folded."""
    piped = not sys.stdout.isatty() and "COLUMNS" not in os.environ
    return _PrintableConsole(
        markup=False, emoji=False, highlight=False, soft_wrap=piped, width=WIDTH_OF_A_PIPE if piped else None
    )


def hand_over_script(script: bytes) -> None:
    """A script on stdout, byte for byte; a terminal gets its lines printable."""
    if not sys.stdout.isatty():
        sys.stdout.buffer.write(script)
        return
    for line in os.fsdecode(script).split("\n"):
        answer(line)


class Lines(Protocol):
    """Takes whole lines, each with its end."""

    def write(self, line: str, /) -> int: ...


def output_stream() -> Lines:
    """Stdout for data of many lines: as it is for a file or a program, printable for a terminal."""
    return _Printable(sys.stdout) if sys.stdout.isatty() else sys.stdout


def guard_stderr() -> None:
    """Send what others than we print on stderr through the door as well: logs, warnings, tracebacks."""
    handler = logging.StreamHandler()
    handler.setFormatter(_OneLine())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.captureWarnings(True)
    warnings.formatwarning = _warning_in_a_line
    sys.excepthook = _tell_traceback
    threading.excepthook = lambda args: _tell_traceback(args.exc_type, args.exc_value, args.exc_traceback)
    sys.unraisablehook = lambda args: _tell_traceback(args.exc_type, args.exc_value, args.exc_traceback)


def in_lines(error: BaseException) -> Iterator[str]:
    """The traceback of an error in printable lines; its own text is one of them, however many it was meant to be."""
    told = TracebackException.from_exception(error)
    _spell_notes(told)
    for piece in told.format():
        is_place = piece.lstrip(" |+-").startswith('File "')
        yield from piece.rstrip("\n").split("\n") if is_place else [shown(piece.strip("\n"))]


def _spell_notes(told: TracebackException | None) -> None:
    """Each note becomes one line; Python would begin a line wherever a note does."""
    if told is None:
        return
    if isinstance(told.__notes__, list):
        told.__notes__ = [shown(str(note)) for note in told.__notes__]
    for inner in (told.__cause__, told.__context__, *(told.exceptions or ())):
        _spell_notes(inner)


class _PrintableConsole(Console):
    """Nothing leaves it that a terminal would obey but what Rich itself puts in for colours and links."""

    def print(self, *objects: Any, **how: Any) -> None:
        super().print(*(shown(one) if isinstance(one, str) else one for one in objects), **how)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            if segment.control or segment.text.isprintable():
                yield segment
            else:
                yield Segment("\n".join(map(shown, segment.text.split("\n"))), segment.style)


class _Printable:
    """Every line of it is printable."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, line: str, /) -> int:
        return self._stream.write(shown(line.rstrip("\r\n")) + "\n")


class _OneLine(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        lines = [shown(record.getMessage().strip())]
        if record.exc_info and record.exc_info[1]:
            lines += in_lines(record.exc_info[1])
        return "\n".join(lines)


def _warning_in_a_line(
    message: Warning | str, category: type[Warning], filename: str, lineno: int, line: str | None = None
) -> str:
    del line  # the source line says no more than file and number
    return f"{filename}:{lineno}: {category.__name__}: {message}"


def _tell_traceback(kind: type[BaseException], error: BaseException | None, _place: TracebackType | None) -> None:
    if error is not None and not issubclass(kind, SystemExit):
        sys.stderr.write("\n".join(in_lines(error)) + "\n")
