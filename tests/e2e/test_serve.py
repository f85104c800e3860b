"""`serve` as a user starts it: beside a daemon, with a browser of its own choice, until Ctrl-C."""

from __future__ import annotations

import os
import re
import resource
import shutil
import signal
import socket
import stat
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from html import unescape
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlencode, urljoin, urlsplit
from urllib.request import HTTPCookieProcessor, OpenerDirector, build_opener

import psutil
from rendered_library import drawn
from running import await_true, command, dedupctl


@contextmanager
def started(
    home: Path, *arguments: str | Path, stderr: int | None = None, **environment: str
) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        command(home, *arguments), stdout=subprocess.PIPE, stderr=stderr, env=os.environ | environment, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def browser_at(folder: Path) -> tuple[Path, Path]:
    """A browser that only writes down what it was asked to open, and what stands in it if it is a file."""
    opened, script = folder / "opened", folder / "browser"
    keep = f'cat "${{1#file://}}" > "{opened}.html"; stat -c %a "${{1#file://}}" > "{opened}.mode"'
    script.write_text(f'#!/bin/sh\n{keep}\nprintf %s "$1" > "{opened}.part" && mv "{opened}.part" "{opened}"\n')
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return script, opened


def catalog_in(folder: Path) -> Path:
    home = folder / "home"
    (folder / "photos").mkdir()
    assert dedupctl(home, "scan", folder / "photos").code == 0
    return home


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
        await_true(opened.exists, "the browser was asked to open the page")
        file = Path(unquote(opened.read_text().removeprefix("file://")))
        assert link in unescape((tmp_path / "opened.html").read_text())
        assert (tmp_path / "opened.mode").read_text() == "600\n"
        browser = build_opener(HTTPCookieProcessor(CookieJar()))
        assert file.exists()
        address = link.partition("?")[0]
        assert f'url={urlsplit(address).path}"' in page_at(browser, link)
        await_true(lambda: not file.exists(), "the file goes when the link has been opened")
        assert "Nothing to review" in page_at(browser, address) or "Gathering" in page_at(browser, address)
        shutil.copy(photos / "a.jpg", photos / "a copy.jpg")
        await_true(lambda: 'class="tile"' in page_at(browser, address), "the cluster is in the queue")
        server.send_signal(signal.SIGINT)
        assert server.wait(30) == 130


def test_no_secret_stands_where_other_users_can_read_it(tmp_path: Path) -> None:
    home = catalog_in(tmp_path)
    script, opened = browser_at(tmp_path)
    script.write_text(script.read_text() + "sleep 60\n")
    with started(home, "serve", "--open", BROWSER=f"{script} %s &") as server:
        assert server.stdout is not None
        link = server.stdout.readline().strip()
        await_true(opened.exists, "the browser was asked to open the page")
        token = parse_qs(urlsplit(link).query)["token"][0]
        family = [psutil.Process(server.pid), *psutil.Process(server.pid).children(recursive=True)]
        commands = ["\0".join(process.cmdline()) for process in family]
        assert any(str(script) in command for command in commands)
        assert not [command for command in commands if token in command]
        for process in family:
            process.kill()


def test_a_thousand_connections_that_ask_for_nothing_shut_nobody_out(tmp_path: Path) -> None:
    """The server has the 1,024 descriptors that a process has by default."""
    home = catalog_in(tmp_path)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, hard))
    try:
        with started(home, "serve") as server, ExitStack() as stack:
            assert server.stdout is not None
            link = server.stdout.readline().strip()
            resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))
            for _ in range(1100):
                made = stack.enter_context(socket.create_connection(("127.0.0.1", urlsplit(link).port), timeout=60))
                made.sendall(b"GET / HTTP/1.1\r\nHost: ")
            browser = build_opener(HTTPCookieProcessor(CookieJar()))
            assert "Go on to the page" in page_at(browser, link)
            assert "dedupctl" in page_at(browser, link.partition("?")[0])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_other_machines_are_let_in_by_a_password_only(tmp_path: Path) -> None:
    home = catalog_in(tmp_path)
    refused = dedupctl(home, "serve", "--listen", "127.0.0.1")
    assert refused.code == 2
    assert "--set-password" in refused.err
    told = subprocess.run(
        command(home, "serve", "--set-password"), input="correct horse\n", capture_output=True, text=True, check=True
    )
    assert str(home / "password") in told.stderr
    with started(home, "serve", "--listen", "127.0.0.1", "--base-url", "/photos/", stderr=subprocess.PIPE) as server:
        assert server.stdout is not None
        assert server.stderr is not None
        link = server.stdout.readline().strip()
        assert urlsplit(link).path == "/photos/"
        assert "TLS" in server.stderr.readline()
        browser = build_opener(HTTPCookieProcessor(CookieJar()))
        browser.addheaders = [("Origin", link.removesuffix("/photos/"))]
        assert 'type="password"' in page_at(browser, link)
        with browser.open(link, urlencode({"password": "correct horse"}).encode(), timeout=30) as answer:
            (place,) = re.findall(r'url=([^"]+)', answer.read().decode())
        assert place.startswith("/photos/")
        assert "Log out" in page_at(browser, urljoin(link, place))
