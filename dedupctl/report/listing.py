"""A listing for a terminal: rows under headings, or beside them where the terminal is too narrow to read columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from rich.console import Console, ConsoleOptions, JustifyMethod, RenderResult
from rich.table import Table
from rich.text import Text

from dedupctl.report.wording import shown

READABLE = 16
"""Characters. A path folded into pieces shorter than this is not read any more, it is spelt."""
_GAP = 2


@dataclass(frozen=True, slots=True)
class Heading:
    name: str
    right: bool = False
    """Numbers: set to the right."""
    total: str = ""


@dataclass(slots=True)
class Listing:
    """Cells are plain text, whatever is in them; a last row of totals where headings have any."""

    headings: Sequence[Heading]
    rows: list[tuple[Text, ...]] = field(default_factory=list)

    @classmethod
    def of(cls, *headings: Heading | str) -> Listing:
        return cls([Heading(one) if isinstance(one, str) else one for one in headings])

    def add(self, *cells: Text | str) -> None:
        self.rows.append(tuple(cell if isinstance(cell, Text) else Text(shown(cell)) for cell in cells))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield from [self._in_columns()] if self._width() <= options.max_width else self._one_below_the_other()

    def _width(self) -> int:
        """Fewest characters in which all columns can be read."""
        longest = [
            max([len(heading.name), len(heading.total), *(row[column].cell_len for row in self.rows)])
            for column, heading in enumerate(self.headings)
        ]
        return sum(min(READABLE, length) for length in longest) + _GAP * (len(longest) - 1)

    def _in_columns(self) -> Table:
        table = Table(box=None, pad_edge=False, header_style="bold", show_footer=self._has_totals)
        for heading in self.headings:
            justify: JustifyMethod = "right" if heading.right else "left"
            table.add_column(heading.name, heading.total, justify=justify, no_wrap=heading.right, overflow="fold")
        for row in self.rows:
            table.add_row(*row)
        return table

    def _one_below_the_other(self) -> RenderResult:
        totals = [tuple(Text(heading.total) for heading in self.headings)] if self._has_totals else []
        beside = max(len(heading.name) for heading in self.headings)
        for position, row in enumerate([*self.rows, *totals]):
            table = Table.grid(padding=(0, _GAP))
            table.add_column(style="dim", no_wrap=True, min_width=beside)
            table.add_column(overflow="fold")
            for heading, cell in zip(self.headings, row, strict=True):
                if cell:
                    table.add_row(heading.name, cell)
            if position:
                yield Text()
            yield table

    @property
    def _has_totals(self) -> bool:
        return any(heading.total for heading in self.headings)
