"""A listing for a terminal: columns under headings, or one field a line if the terminal is too narrow for columns."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, JustifyMethod, RenderResult
from rich.table import Table
from rich.text import Text

from dedupctl.report.wording import shown

READABLE = 16
"""Characters. Text wrapped into lines shorter than this can hardly be read."""
_GAP = 2
_WORD = re.compile(r"[^\s/]*(?:/+|\s+|$)")
"""A piece after which a line may break: a folder name with its slash, or a word with the spaces after it."""


@dataclass(frozen=True, slots=True)
class Heading:
    name: str
    right: bool = False
    """Aligned to the right, for numbers."""
    total: str = ""


@dataclass(slots=True)
class Listing:
    """Cells are plain text, whatever they contain. A row of totals comes last if headings have totals."""

    headings: Sequence[Heading]
    rows: list[tuple[Text, ...]] = field(default_factory=list)

    @classmethod
    def of(cls, *headings: Heading | str) -> Listing:
        return cls([Heading(one) if isinstance(one, str) else one for one in headings])

    def add(self, *cells: Text | str) -> None:
        self.rows.append(tuple(cell if isinstance(cell, Text) else Text(shown(cell)) for cell in cells))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        widths = self._widths(options.max_width)
        yield from self._one_below_the_other(options.max_width) if widths is None else [self._in_columns(widths)]

    def _widths(self, room: int) -> list[int] | None:
        """The width of each column: what it needs if there is room, and never less than can be read.

        None if the columns do not fit beside each other.
        """
        needs = [
            max([len(heading.name), len(heading.total), *(row[column].cell_len for row in self.rows)])
            for column, heading in enumerate(self.headings)
        ]
        widths = [self._least(column, need) for column, need in enumerate(needs)]
        spare = room - sum(widths) - _GAP * (len(widths) - 1)
        if spare < 0:
            return None
        wanting = sorted(range(len(needs)), key=lambda column: needs[column] - widths[column])
        for place, column in enumerate(wanting):
            given = min(needs[column] - widths[column], spare // (len(wanting) - place))
            widths[column] += given
            spare -= given
        return widths

    def _least(self, column: int, need: int) -> int:
        heading = self.headings[column]
        if heading.right:
            return need
        words = max((longest_word(row[column]) for row in self.rows), default=0)
        return max(min(READABLE, need), words, len(heading.name))

    def _in_columns(self, widths: Sequence[int]) -> Table:
        table = Table(box=None, pad_edge=False, header_style="bold", show_footer=self._has_totals)
        for heading, width in zip(self.headings, widths, strict=True):
            justify: JustifyMethod = "right" if heading.right else "left"
            table.add_column(
                heading.name, heading.total, justify=justify, width=width, no_wrap=heading.right, overflow="fold"
            )
        for row in self.rows:
            table.add_row(*(wrapped(cell, width) for cell, width in zip(row, widths, strict=True)))
        return table

    def _one_below_the_other(self, room: int) -> RenderResult:
        totals = [tuple(Text(heading.total) for heading in self.headings)] if self._has_totals else []
        beside = max(len(heading.name) for heading in self.headings)
        for position, row in enumerate([*self.rows, *totals]):
            table = Table.grid(padding=(0, _GAP))
            table.add_column(style="dim", no_wrap=True, min_width=beside)
            table.add_column(overflow="fold")
            for heading, cell in zip(self.headings, row, strict=True):
                if cell:
                    table.add_row(heading.name, wrapped(cell, room - beside - _GAP))
            if position:
                yield Text()
            yield table

    @property
    def _has_totals(self) -> bool:
        return any(heading.total for heading in self.headings)


def wrapped(text: Text, width: int) -> Text:
    """The text in lines of this width, broken after a slash or a space and never within a word.

    A word that is longer than a line stays whole here; whoever prints it has to break it.
    """
    if text.cell_len <= width:
        return text
    breaks: list[int] = []
    used = 0
    for word in _WORD.finditer(text.plain):
        taken = cell_len(word.group())
        if used and used + cell_len(word.group().rstrip()) > width:
            breaks.append(word.start())
            used = 0
        used += taken
    lines = text.divide(breaks)
    for line in lines:
        line.rstrip()
    return Text("\n").join(lines)


def longest_word(text: Text) -> int:
    """The width of the longest piece that may not be broken, in characters."""
    return max((cell_len(word.rstrip()) for word in _WORD.findall(text.plain)), default=0)
