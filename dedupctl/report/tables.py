"""Listings as tables for a terminal.

Names go into tables as plain text, never as markup or terminal escapes: see `wording.shown`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from dedupctl.domain import Cluster, Member, PairKind
from dedupctl.matching.keeper import reasons_in_words
from dedupctl.report.listing import READABLE, Heading, Listing, longest_word, wrapped
from dedupctl.report.report_facts import FileProblem, LibraryFacts, RootFacts, kind_facts
from dedupctl.report.wording import counted, moment, shown, size

KIND_STYLES = {
    PairKind.EXACT: "cyan",
    PairKind.PIXEL: "magenta",
    PairKind.NEAR: "yellow",
    PairKind.SIMILAR: "bright_black",
}

_BEFORE_A_PATH = (10, 8, 11)
"""Widths of the columns before the path of a cluster member: kind, bytes, pixels."""


def clusters_table(clusters: Sequence[Cluster], limit: int | None = None) -> RenderableType:
    """Clusters for a terminal: a heading and one line per file, the keeper first, totals at the end."""
    parts: list[RenderableType] = []
    for cluster in clusters[:limit]:
        heading = f"#{cluster.id}  {counted(len(cluster.members), 'file')}, frees {size(cluster.reclaimable_bytes)}"
        parts += [Text(heading, style="bold"), *_kept_because(cluster), _Members(cluster), Text()]
    hidden = 0 if limit is None else max(0, len(clusters) - limit)
    return Group(*parts, _totals_line(clusters), *([_hidden_line(hidden)] if hidden else []))


def _kept_because(cluster: Cluster) -> list[Text]:
    if cluster.kind is PairKind.SIMILAR:
        return []
    return [Text(f"kept because {reasons_in_words(cluster.rules)}", style="dim")]


def roots_table(roots: Sequence[RootFacts], offline: dict[int, str]) -> RenderableType:
    """Watched folders; `offline` gives the reason by root id for each that is offline."""
    totals = (
        "total",
        f"{sum(root.files for root in roots):,}",
        size(sum(root.total_bytes for root in roots)),
        size(sum(root.reclaimable_bytes for root in roots)),
        f"{sum(root.errors for root in roots):,}",
        "",
    )
    names = ("folder", "files", "size", "to free", "errors", "state")
    numbers = (False, True, True, True, True, False)
    several = len(roots) > 1
    table = Listing.of(
        *(
            Heading(name, right, total if several else "")
            for name, right, total in zip(names, numbers, totals, strict=True)
        )
    )
    for root in roots:
        reason = offline.get(root.root.id)
        state = Text(f"offline: {reason}", style="red") if reason else Text("online")
        if root.root.reference:
            state.append(", reference")
        table.add(
            shown(root.root.path),
            f"{root.files:,}",
            size(root.total_bytes),
            size(root.reclaimable_bytes),
            f"{root.errors:,}",
            state,
        )
    return table


def library_table(library: LibraryFacts) -> RenderableType:
    """The library as a whole, for `status`."""
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row("files", f"{library.files:,} ({size(library.total_bytes)})")
    table.add_row("pictures", f"{library.pictures:,}")
    table.add_row("waiting to be compared", f"{library.unmatched:,}")
    table.add_row("last full scan", moment(library.last_scan_at) if library.last_scan_at else "never")
    for kind in library.kinds:
        name = Text(f"{kind.kind} to free", style=KIND_STYLES[kind.kind])
        table.add_row(name, f"{size(kind.reclaimable_bytes)} in {counted(kind.files, 'file')}")
    table.add_row("to free", size(library.reclaimable_bytes))
    return table


def problems_table(problems: Sequence[FileProblem]) -> RenderableType:
    """Files from which no picture could be read, each with its reason."""
    table = Listing.of("file", "reason")
    for problem in problems:
        table.add(shown(problem.path), f"{shown(problem.message)} ({shown(problem.code)})")
    return Group(table, Text(), Text(counted(len(problems), "file"), style="bold"))


@dataclass(frozen=True, slots=True)
class _Members:
    """The members of a cluster, in columns that are as wide in every cluster, so that they line up."""

    cluster: Cluster

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        room = options.max_width - sum(_BEFORE_A_PATH) - 2 * len(_BEFORE_A_PATH)
        longest = max(longest_word(Text(_path(member))) for member in self.cluster.members)
        if room >= max(READABLE, longest):
            yield self._grid(self.cluster.members, paths_in=room)
            return
        for member in self.cluster.members:
            yield self._grid([member], paths_in=None)
            yield Padding(wrapped(Text(_path(member), overflow="fold"), options.max_width - 2), (0, 0, 0, 2))

    def _grid(self, members: Sequence[Member], *, paths_in: int | None) -> Table:
        """A table of members; `paths_in` is the width of the column of paths, None for a table without it."""
        table = Table.grid(padding=(0, 2))
        for column, width in enumerate(_BEFORE_A_PATH):
            table.add_column(min_width=width, justify="right" if column else "left", no_wrap=True)
        if paths_in is not None:
            table.add_column(overflow="fold")
        for member in members:
            facts = member.content.facts
            cells = (_role(self.cluster, member), size(member.identity.size), f"{facts.width}×{facts.height}")
            table.add_row(*cells, *([] if paths_in is None else [wrapped(Text(_path(member)), paths_in)]))
        return table


def _path(member: Member) -> str:
    return shown(member.path) + ("" if member.proven else " (not proven against the keeper)")


def _role(cluster: Cluster, member: Member) -> Text:
    if member is cluster.keeper:
        return Text("keep", style="bold green") if cluster.kind is not PairKind.SIMILAR else Text("first")
    sure = f" {100 * member.score:.0f} %" if member.kind in (PairKind.NEAR, PairKind.SIMILAR) else ""
    return Text(member.kind.value + sure, style=KIND_STYLES[member.kind])


def _totals_line(clusters: Sequence[Cluster]) -> Text:
    spare = kind_facts(clusters)
    by_kind = ", ".join(f"{kind.kind} {size(kind.reclaimable_bytes)}" for kind in spare)
    total = sum(cluster.reclaimable_bytes for cluster in clusters)
    line = f"{counted(len(clusters), 'cluster')}, {size(total)} to free"
    return Text(f"{line} ({by_kind})" if by_kind else line, style="bold")


def _hidden_line(hidden: int) -> Text:
    return Text(f"{counted(hidden, 'more cluster')} not shown; --limit 0 shows all", style="dim")
