"""`serve` as a user starts it: beside a daemon, with a browser of its own choice, until Ctrl-C."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.request import HTTPCookieProcessor, OpenerDirector, build_opener

from rendered_library import drawn
from running import await_true, command, dedupctl


@contextmanager
def started(home: Path, *arguments: str | Path, **environment: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        command(home, *arguments), stdout=subprocess.PIPE, env=os.environ | environment, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def browser_at(folder: Path) -> tuple[Path, Path]:
    """A browser that only writes down what it was asked to open."""
    opened, script = folder / "opened", folder / "browser"
    script.write_text(f'#!/bin/sh\nprintf %s "$1" > "{opened}"\n')
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return script, opened


def page_at(browser: OpenerDirector, address: str) -> str:
    with browser.open(address, timeout=30) as answer:
        return str(answer.read().decode())


def test_the_link_is_printed_and_opened_and_what_a_daemon_finds_appears(tmp_path: Path) -> None:
    home, photos = tmp_path / "home", tmp_path / "photos"
    photos.mkdir()
    drawn(1).save(photos / "a.jpg")
    assert dedupctl(home, "scan", photos).code == 0
    script, opened = browser_at(tmp_path)
    with started(home, "watch"), started(home, "serve", "--open", BROWSER=str(script)) as server:
        assert server.stdout is not None
        link = server.stdout.readline().strip()
        await_true(lambda: opened.exists() and opened.read_text() == link, "the browser was asked to open the link")
        browser = build_opener(HTTPCookieProcessor(CookieJar()))
        assert "Nothing to review" in page_at(browser, link) or "Gathering" in page_at(browser, link)
        shutil.copy(photos / "a.jpg", photos / "a copy.jpg")
        address = link.partition("?")[0]
        await_true(lambda: 'class="tile"' in page_at(browser, address), "the cluster is in the queue")
        server.send_signal(signal.SIGINT)
        assert server.wait(30) == 130
