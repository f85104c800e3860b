"""All output to the terminal and the log goes through this module.

A file name is bytes that anybody may have chosen. Printed unchanged, an escape sequence in it can repaint the terminal
or type into it, and a newline can forge a line in the daemon's log. So everything printed for people goes through
`wording.shown` here: messages, answers, tables, what libraries log, and Python's report of an uncaught error.
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
"""Longer than any path, with room for the columns before it."""


def say(message: str) -> None:
    """Print a message for people: one line on stderr, so that stdout contains only the answer."""
    typer.echo(shown(message), err=True)


def answer(text: str) -> None:
    """Print an answer in words: one line on stdout."""
    typer.echo(shown(text))


def hand_over(text: str) -> None:
    """Print a line on stdout that a script can use unchanged, such as a path; a terminal gets it escaped."""
    # Not typer.echo, which in a pipe removes what looks like a colour code from a name.
    sys.stdout.write((shown(text) if sys.stdout.isatty() else text) + "\n")
    sys.stdout.flush()


def console() -> Console:
    """The console for answers. Rich respects NO_COLOR and the terminal's width; in a pipe, no path may be wrapped."""
    piped = not sys.stdout.isatty() and "COLUMNS" not in os.environ
    return _PrintableConsole(
        markup=False, emoji=False, highlight=False, soft_wrap=piped, width=WIDTH_OF_A_PIPE if piped else None
    )


def hand_over_script(script: bytes) -> None:
    """Print a script on stdout, byte for byte; a terminal gets its lines escaped."""
    if not sys.stdout.isatty():
        sys.stdout.buffer.write(script)
        return
    for line in os.fsdecode(script).split("\n"):
        answer(line)


class Lines(Protocol):
    """Takes whole lines, each with its line ending."""

    def write(self, line: str, /) -> int: ...


def output_stream() -> Lines:
    """Stdout for many lines of data: unchanged for a file or a program, escaped for a terminal."""
    return _Printable(sys.stdout) if sys.stdout.isatty() else sys.stdout


def guard_stderr() -> None:
    """Escape what other code prints on stderr, too: logs, warnings, tracebacks."""
    handler = logging.StreamHandler()
    handler.setFormatter(_OneLine())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.captureWarnings(True)
    warnings.formatwarning = _warning_in_a_line
    sys.excepthook = _print_traceback
    threading.excepthook = lambda args: _print_traceback(args.exc_type, args.exc_value, args.exc_traceback)
    sys.unraisablehook = lambda args: _print_traceback(args.exc_type, args.exc_value, args.exc_traceback)


def in_lines(error: BaseException) -> Iterator[str]:
    """The traceback of an error in printable lines. The error's own text becomes a single line."""
    told = TracebackException.from_exception(error)
    _escape_notes(told)
    for piece in told.format():
        is_place = piece.lstrip(" |+-").startswith('File "')
        yield from piece.rstrip("\n").split("\n") if is_place else [shown(piece.strip("\n"))]


def _escape_notes(told: TracebackException | None) -> None:
    """Make each note a single line; Python would start a new line wherever the note has one."""
    if told is None:
        return
    if isinstance(told.__notes__, list):
        told.__notes__ = [shown(str(note)) for note in told.__notes__]
    for inner in (told.__cause__, told.__context__, *(told.exceptions or ())):
        _escape_notes(inner)


class _PrintableConsole(Console):
    """Prints nothing that a terminal would obey, except what Rich itself adds for colours and links."""

    def print(self, *objects: Any, **how: Any) -> None:
        super().print(*(shown(one) if isinstance(one, str) else one for one in objects), **how)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            if segment.control or segment.text.isprintable():
                yield segment
            else:
                yield Segment("\n".join(map(shown, segment.text.split("\n"))), segment.style)


class _Printable:
    """Escapes every line it writes."""

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
    del line  # the source line adds nothing to file and line number
    return f"{filename}:{lineno}: {category.__name__}: {message}"


def _print_traceback(kind: type[BaseException], error: BaseException | None, _place: TracebackType | None) -> None:
    if error is not None and not issubclass(kind, SystemExit):
        sys.stderr.write("\n".join(in_lines(error)) + "\n")
