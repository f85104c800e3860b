"""Runs the real program as a user would, and waits for what it does to become true."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

PATIENCE = 90.0
"""Seconds; a busy machine may take long, a right program never takes for ever."""


@dataclass(frozen=True)
class Answer:
    """What a finished run of the program said. Bytes that are not UTF-8 are surrogates."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on stdout."""
        return json.loads(self.out)


def command(home: Path, *arguments: str | bytes | Path) -> list[str]:
    return [sys.executable, "-m", "dedupctl", "--home", str(home), *map(os.fsdecode, arguments)]


def dedupctl(home: Path, *arguments: str | bytes | Path, environment: Mapping[str, str] | None = None) -> Answer:
    """One command, run to its end. Whatever it was asked, it never answers with a traceback."""
    done = subprocess.run(
        command(home, *arguments),
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )
    answer = Answer(done.returncode, os.fsdecode(done.stdout), os.fsdecode(done.stderr))
    assert "Traceback" not in answer.err
    return answer


def listed(home: Path, *arguments: str | bytes | Path) -> Any:
    """The document of a listing that must succeed."""
    answer = dedupctl(home, *arguments, "--json")
    assert answer.code == 0, answer.err
    return answer.document


def rows(home: Path, query: str, *values: object) -> list[tuple[Any, ...]]:
    """What the catalog answers, asked beside the program; nothing before there is one."""
    try:
        with closing(sqlite3.connect(f"file:{home}/catalog.db?mode=ro", uri=True, timeout=PATIENCE)) as connection:
            return connection.execute(query, values).fetchall()
    except sqlite3.OperationalError as error:
        if "unable to open" in str(error) or "no such table" in str(error):
            return []
        raise


def await_true(condition: Callable[[], bool], what: str) -> None:
    """Look again and again until it is so."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        time.sleep(0.05)


def session_ended(leader: int) -> bool:
    """No process is left of those that this one, started as a session of its own, has started."""
    for pid in psutil.pids():
        with suppress(ProcessLookupError, psutil.NoSuchProcess):
            if os.getsid(pid) == leader and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                return False
    return True
