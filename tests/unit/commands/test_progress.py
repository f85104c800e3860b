from __future__ import annotations

import re
import sys
import time
from io import StringIO

import pytest

from dedupctl.commands import progress as module
from dedupctl.commands.progress import shown_progress, shown_stages
from dedupctl.indexing.pipeline import Progress


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def test_a_stage_tells_how_far_it_is_how_fast_and_how_long_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    with shown_stages() as stage:
        for done in range(1, 9):
            stage("drawing", done, 8)
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", terminal.getvalue())
    assert re.search(r"drawing .* 8/8 [\d,]+/s [\d:-]+", shown)


def test_nothing_is_drawn_into_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    pipe = StringIO()
    monkeypatch.setattr(sys, "stderr", pipe)
    with shown_stages() as stage:
        stage("drawing", 1, 2)
    assert pipe.getvalue() == ""


def test_a_log_tells_how_many_files_are_read_and_then_how_many_pairs_are_compared(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(module, "LINE_SECONDS", 0.0)
    with shown_progress() as update:
        update(Progress(found=40, to_read=40, read=10, to_compare=9))
        update(Progress(found=40, to_read=40, read=40, to_compare=5_000, compared=1_200))
    reading, comparing = capsys.readouterr().err.splitlines()
    assert reading.startswith("read 10 of 40 files")
    assert comparing.startswith("compared 1,200 of 5,000 pairs")


def test_the_rate_in_a_log_is_that_since_the_work_began(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    with shown_progress() as update:
        update(Progress(found=900, to_read=900))
        now += 20
        update(Progress(found=900, to_read=900, read=300))
    assert "15/s, about 40 s left" in capsys.readouterr().err
