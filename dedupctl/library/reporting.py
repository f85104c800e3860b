"""The part of `Library` that writes reports and maps."""

from __future__ import annotations

import os
from pathlib import Path

from dedupctl.library.given_paths import AnyPath, absolute
from dedupctl.library.opened import OpenedLibrary
from dedupctl.report.options import ReportFormat, ReportOptions, ReportSummary, StageProgress, unwatched_stages


class Reporting(OpenedLibrary):
    """Files for people to look at."""

    def report(
        self,
        target: AnyPath,
        *,
        form: ReportFormat = ReportFormat.HTML,
        limit: int | None = None,
        with_map: bool = True,
        policy: str = "tidy",
        progress: StageProgress = unwatched_stages,
    ) -> ReportSummary:
        """Write one self-contained file: totals, clusters with thumbnails and evidence, the map, errors.

        Args:
            limit: show at most this many clusters; None: 1,000 on a page, all in the other formats; 0: all.
            policy: the policy whose rules choose the keepers.

        Raises:
            UsageError: there is no such policy.
            DedupctlError: the file cannot be written.
        """
        from dedupctl.report.writing import write_report

        return write_report(
            self._workspace.catalog,
            self._workspace.thumbs,
            _path(target),
            model_id=self._workspace.model_in_use(),
            options=ReportOptions(format=form, limit=limit, with_map=with_map),
            progress=progress,
            group_readable=self.config.home.group_readable,
            policy=self.policy(policy),
        )

    def map_picture(self, target: AnyPath, *, progress: StageProgress = unwatched_stages) -> int:
        """Draw the map of all pictures as one large PNG; returns how many pictures are on it.

        Raises:
            DedupctlError: the file cannot be written.
        """
        from dedupctl.report.writing import write_map_picture

        return write_map_picture(
            self._workspace.catalog,
            self._workspace.thumbs,
            _path(target),
            model_id=self._workspace.model_in_use(),
            progress=progress,
            group_readable=self.config.home.group_readable,
        )

    def map_table(self, target: AnyPath, *, progress: StageProgress = unwatched_stages) -> int:
        """Write where each picture lies on the map as CSV, one row each; returns how many.

        Raises:
            DedupctlError: the file cannot be written.
        """
        from dedupctl.report.writing import write_map_csv

        return write_map_csv(
            self._workspace.catalog,
            _path(target),
            model_id=self._workspace.model_in_use(),
            progress=progress,
            group_readable=self.config.home.group_readable,
        )


def _path(target: AnyPath) -> Path:
    return Path(os.fsdecode(absolute(target)))
