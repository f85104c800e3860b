"""A client of the review page that can be anybody: it sends just the headers it is told to."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from dedupctl.catalog.catalog import Catalog
from dedupctl.catalog.thumbs import Thumbs
from dedupctl.config import Config
from dedupctl.fingerprint.embedder import ModelIdentity
from dedupctl.web.keys import Keys
from dedupctl.workspace import Workspace


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    """By lower-case name."""
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def location(self) -> str:
        return self.headers["location"]


@dataclass
class Visitor:
    """By default a browser that has opened the link.

    Addresses are those below the base, in what is asked and in what is answered; `outside` asks for others.
    """

    keys: Keys
    cookie: str | None = None
    sent: dict[str, str] = field(default_factory=dict)
    """Headers with every request, in place of a browser's own."""

    def __post_init__(self) -> None:
        if self.cookie is None:
            self.cookie = f"{self.keys.cookie}={self.keys.sessions.begin()}"

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.keys.port}"

    def get(self, path: str, **headers: str) -> Answer:
        return self._ask("GET", self.keys.base + path, None, headers)

    def outside(self, path: str, **headers: str) -> Answer:
        return self._ask("GET", path, None, headers)

    def post(self, path: str, form: dict[str, object] | None = None, **headers: str) -> Answer:
        """A form of one of our own pages, with its token and origin."""
        body = urlencode({"csrf": self.keys.csrf} | (form or {}), doseq=True)
        usual = {"Origin": self.origin, "Content-Type": "application/x-www-form-urlencoded"}
        return self._ask("POST", self.keys.base + path, body.encode(), usual | headers)

    def post_outside(self, path: str, form: dict[str, object], **headers: str) -> Answer:
        usual = {"Origin": self.origin, "Content-Type": "application/x-www-form-urlencoded"}
        return self._ask("POST", path, urlencode(form).encode(), usual | headers)

    def raw(self, path: str) -> str:
        """A page as it was sent, with its base in every address."""
        return self._asked("GET", self.keys.base + path, None, {}).text

    def follow(self, answer: Answer) -> Answer:
        assert answer.status == 303
        place = urlsplit(answer.location)
        return self.get(place.path + (f"?{place.query}" if place.query else ""))

    def note(self, answer: Answer) -> str:
        """What the page that a form led to says of it."""
        found = re.search(r'<p class="note[^>]*>(.*?)</p>', self.follow(answer).text, re.DOTALL)
        assert found is not None
        return found.group(1)

    def _ask(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> Answer:
        answer = self._asked(method, path, body, headers)
        told = dict(answer.headers)
        if "location" in told:
            told["location"] = told["location"].removeprefix(self.keys.base)
        return Answer(answer.status, told, answer.body.replace(f"{self.keys.base}/".encode(), b"/"))

    def _asked(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> Answer:
        connection = HTTPConnection("127.0.0.1", self.keys.port, timeout=30)
        try:
            named = {name.replace("_", "-"): value for name, value in (self.sent | headers).items()}
            if self.cookie:
                named.setdefault("Cookie", self.cookie)
            connection.request(method, path, body, {name: value for name, value in named.items() if value})
            answer = connection.getresponse()
            return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
        finally:
            connection.close()


def workspace_of(home: Path, catalog: Catalog, thumbs: Thumbs, model: ModelIdentity) -> Workspace:
    return Workspace(home, Config(), catalog, thumbs, model, 1)


def wait_until(condition: Callable[[], bool], seconds: float = 30) -> None:
    """For what a thread of the server does."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)
