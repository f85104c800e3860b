"""`dedupctl report`: gather the facts, write them in the chosen format, and remember what was shown."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from dedupctl.catalog.catalog import Catalog
from dedupctl.catalog.thumbs import Thumbs
from dedupctl.config import TIDY, PolicyConfig
from dedupctl.errors import DedupctlError
from dedupctl.matching.sentence import in_words
from dedupctl.modes import file_mode
from dedupctl.report.changes import remember_report
from dedupctl.report.formats import as_csv, as_json, as_markdown
from dedupctl.report.mosaic import mosaic
from dedupctl.report.options import ReportFormat, ReportOptions, ReportSummary, StageProgress
from dedupctl.report.page import MapPart, page
from dedupctl.report.picture_map import PictureMap, make_map, map_csv
from dedupctl.report.report_facts import Explain, Facts, gather_facts

MAP_SHARE = 0.4
"""The share of the page's bytes that the map's thumbnails may take."""
FEWEST_ON_A_MAP = 3
PAGE_LIMIT = 1_000
"""More clusters than anybody reads in one sitting, and few enough for a page to open quickly."""
_NO_LIMIT = 2**31


def write_report(
    catalog: Catalog,
    thumbs: Thumbs,
    target: Path,
    *,
    model_id: int,
    options: ReportOptions,
    progress: StageProgress,
    explain: Explain = in_words,
    group_readable: bool = False,
    policy: PolicyConfig = TIDY,
) -> ReportSummary:
    """Write the report to `target`, whole or not at all, and remember it so that the next one can say what changed.

    The keepers are those of `policy`.

    Raises:
        DedupctlError: `target` cannot be written.
    """
    progress("reading the catalog", 0, 0)
    facts = gather_facts(catalog, policy)
    limit = _limit(options)
    total = min(limit, len(facts.clusters))
    if options.format is ReportFormat.HTML:
        pieces, shelf = page(
            facts,
            thumbs,
            explain=explain,
            limit=limit,
            max_bytes=options.max_bytes,
            map_part=_map_part(catalog, thumbs, facts, model_id=model_id, options=options, progress=progress),
            progress=lambda done: progress("writing clusters", done, total),
        )
        written = write_whole(target, pieces, group_readable=group_readable)
        shown = shelf.shown
    else:
        written = write_whole(target, _in_format(facts, options.format, explain, limit), group_readable=group_readable)
        shown = total
    progress("writing clusters", total, total)
    remember_report(catalog, facts.clusters, facts.library.written_at)
    return ReportSummary(target, written, shown, len(facts.clusters) - shown, facts.library.reclaimable_bytes)


def write_map_picture(
    catalog: Catalog,
    thumbs: Thumbs,
    target: Path,
    *,
    model_id: int,
    progress: StageProgress,
    group_readable: bool = False,
) -> int:
    """Write the map as one large PNG; returns how many pictures are on it.

    Raises:
        DedupctlError: `target` cannot be written.
    """
    drawn = _map(catalog, gather_facts(catalog), model_id, progress)
    total = len(drawn.points)
    picture = mosaic(drawn, thumbs, lambda done: progress("drawing the map", done, total))
    write_whole(target, [picture], group_readable=group_readable)
    return total


def write_map_csv(
    catalog: Catalog, target: Path, *, model_id: int, progress: StageProgress, group_readable: bool = False
) -> int:
    """Write where each picture lies on the map, one row each; returns how many.

    Raises:
        DedupctlError: `target` cannot be written.
    """
    drawn = _map(catalog, gather_facts(catalog), model_id, progress)
    write_whole(target, map_csv(drawn), group_readable=group_readable)
    return len(drawn.points)


def write_whole(target: Path, pieces: Iterable[str | bytes], *, group_readable: bool = False) -> int:
    """Write a file so that a reader sees either the old one or the whole new one; returns its size.

    A report shows pictures from folders that may be closed to others, so only its owner may read it; an existing file
    keeps its mode.

    Raises:
        DedupctlError: `target` cannot be written.
    """
    try:
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".part")
    except OSError as error:
        raise DedupctlError(f"cannot write {target}: {error.strerror or error}") from error
    try:
        with os.fdopen(handle, "wb") as stream:
            for piece in pieces:
                stream.write(piece if isinstance(piece, bytes) else piece.encode())
            written = stream.tell()
        Path(temporary).chmod(_mode_for(target, group_readable=group_readable))
        Path(temporary).replace(target)
    except BaseException as error:
        with suppress(OSError):
            Path(temporary).unlink()
        if isinstance(error, OSError):
            raise DedupctlError(f"cannot write {target}: {error.strerror or error}") from error
        raise
    return written


def _map_part(
    catalog: Catalog, thumbs: Thumbs, facts: Facts, *, model_id: int, options: ReportOptions, progress: StageProgress
) -> MapPart | None:
    if not options.with_map:
        return None
    drawn = _map(catalog, facts, model_id, progress)
    total = len(drawn.points)
    if total < FEWEST_ON_A_MAP:
        return None
    from dedupctl.report.map_page import map_part

    budget = int(options.max_bytes * MAP_SHARE)
    return map_part(drawn, thumbs, budget, lambda done: progress("packing the map's pictures", done, total))


def _map(catalog: Catalog, facts: Facts, model_id: int, progress: StageProgress) -> PictureMap:
    return make_map(
        catalog,
        model_id,
        facts.clusters,
        facts.similar,
        steps=lambda done, total: progress("laying out the map", done, total),
    )


def _in_format(facts: Facts, wanted: ReportFormat, explain: Explain, limit: int) -> Iterator[str]:
    writers = {ReportFormat.JSON: as_json, ReportFormat.CSV: as_csv, ReportFormat.MARKDOWN: as_markdown}
    return writers[wanted](facts, explain, limit)


def _limit(options: ReportOptions) -> int:
    if options.limit is None:
        return PAGE_LIMIT if options.format is ReportFormat.HTML else _NO_LIMIT
    return options.limit or _NO_LIMIT


def _mode_for(target: Path, *, group_readable: bool) -> int:
    try:
        return stat.S_IMODE(target.stat().st_mode)
    except FileNotFoundError:
        return file_mode(group_readable=group_readable)
