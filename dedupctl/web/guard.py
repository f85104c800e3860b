"""The door of the review page: who may ask, from where, and with what a browser may do with the answer.

Any page of any site can make a browser send requests to 127.0.0.1, and any program of another user can connect to it.
So every request needs the session cookie, which only the link with this start's token sets; the `Host` must be ours (a
foreign name that resolves to 127.0.0.1 is DNS rebinding), the `Origin` too, and whatever changes something carries a
token that no other site can read.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders, QueryParams
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_FORM_BYTES = 1 << 20
CSRF_HEADER = "x-csrf-token"
_SAFE = frozenset({"GET", "HEAD"})
_FORM = "application/x-www-form-urlencoded"

HEADERS = {
    # Style attributes (a thumbnail's proportions, made of numbers) are allowed, style elements and scripts are not.
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "style-src-attr 'unsafe-inline'; img-src 'self' blob:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    # Not no-referrer: with it a browser sends "Origin: null" with our own forms.
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


@dataclass(frozen=True)
class Keys:
    """The secrets of one start."""

    port: int
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    """In the link, seen once by the terminal and the browser's address line."""
    session: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    csrf: str = field(default_factory=lambda: secrets.token_urlsafe(32))

    @property
    def cookie(self) -> str:
        """Cookies are shared by all ports of a host; two servers must not take each other's."""
        return f"dedupctl-{self.port}"

    @property
    def hosts(self) -> tuple[str, str]:
        return f"127.0.0.1:{self.port}", f"localhost:{self.port}"

    @property
    def link(self) -> str:
        return f"http://{self.hosts[0]}/?token={self.token}"


class Guard:
    """Lets through only what is allowed, with its form read and checked; adds the headers to every answer."""

    def __init__(self, app: ASGIApp, keys: Keys) -> None:
        self._app = app
        self._keys = keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        answer: ASGIApp | None = self._refusal(scope["method"], headers) or self._entrance(scope, headers)
        if answer is None and scope["method"] not in _SAFE:
            answer = await self._forged(scope, headers, receive)
        await (answer or self._app)(scope, receive, _with_headers(send))

    def _refusal(self, method: str, headers: Headers) -> Response | None:
        host, origin = headers.get("host", ""), headers.get("origin")
        if host not in self._keys.hosts:
            return PlainTextResponse("This is not the name of this page.", 421)
        if origin is not None and origin != f"http://{host}":
            return PlainTextResponse("Another site may not ask this page.", 403)
        if origin is None and method not in _SAFE:
            return PlainTextResponse("Only a browser that says where it comes from may change something.", 403)
        if headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            return PlainTextResponse("Another site may not ask this page.", 403)
        return None

    def _entrance(self, scope: Scope, headers: Headers) -> Response | None:
        """Exchange the token for the cookie, or turn away whoever has neither."""
        if _same(_cookie(headers, self._keys.cookie), self._keys.session):
            return None
        token = QueryParams(scope["query_string"]).get("token", "")
        if scope["path"] == "/" and scope["method"] == "GET" and _same(token, self._keys.token):
            welcome = RedirectResponse("/", 303)
            welcome.set_cookie(self._keys.cookie, self._keys.session, httponly=True, samesite="strict")
            return welcome
        return PlainTextResponse("Open the link that `dedupctl serve` has printed.", 403)

    async def _forged(self, scope: Scope, headers: Headers, receive: Receive) -> Response | None:
        """None when the request proves that one of our own pages made it; its form is then in the scope."""
        scope["form"] = {}
        if CSRF_HEADER in headers:
            given = headers[CSRF_HEADER]
        else:
            if headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
                return PlainTextResponse("The request lacks its token.", 403)
            body = await _read(receive, MAX_FORM_BYTES)
            if body is None:
                return PlainTextResponse("The form is too large.", 413)
            scope["form"] = parse_qs(body.decode("utf-8", "replace"))
            given = scope["form"].get("csrf", [""])[0]
        return None if _same(given, self._keys.csrf) else PlainTextResponse("The request lacks its token.", 403)


async def _read(receive: Receive, limit: int) -> bytes | None:
    """The whole body, None when it is longer than `limit`."""
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > limit:
            return None
        if message["type"] == "http.disconnect" or not message.get("more_body", False):
            return bytes(body)


def _cookie(headers: Headers, name: str) -> str:
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(name)
    except CookieError:
        return ""
    return "" if found is None else found.value


def _same(given: str, secret: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), secret.encode())


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers[name] = value
            headers.setdefault("cache-control", "no-store")
        await send(message)

    return sending
