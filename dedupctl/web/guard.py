"""The access control of the review page: who may send requests, from where, and what a browser may do with answers.

Any page of any site can make a browser send requests to 127.0.0.1, and any program of another user can connect to it.
So every request needs a session, which only the link of this start or the password opens. The `Host` must be ours (a
foreign name that resolves to 127.0.0.1 is DNS rebinding), and so must the `Origin`. Every request that changes anything
must carry a token that no other site can read.

A browser sends the cookies of a host to all of its ports, and another user of this machine may run a server on one of
them. So the page is below a folder with a random name for each start, and its cookie is limited to that folder: it is
never sent to another server.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dedupctl.web.forms import cookies_of, is_form, read_form
from dedupctl.web.keys import Keys
from dedupctl.web.login import Login
from dedupctl.web.sessions import same
from dedupctl.web.static_files import StaticFiles

CSRF_HEADER = "x-csrf-token"
_SAFE = frozenset({"GET", "HEAD"})

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


class Guard:
    """Passes on allowed requests only, with their forms read and checked, and adds the headers to every answer."""

    def __init__(self, app: ASGIApp, keys: Keys, static_files: StaticFiles) -> None:
        self._app = app
        self._keys = keys
        self._login = Login(keys, static_files)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers, path = Headers(scope=scope), _below(scope["path"], self._keys.base_url)
        inside = path.removeprefix(self._keys.folder) if path.startswith(f"{self._keys.folder}/") else None
        is_known = inside is not None and any(map(self._keys.sessions.knows, cookies_of(headers, self._keys.cookie)))
        answer: ASGIApp | None = self._refusal(scope["method"], headers, is_known=is_known)
        if answer is None and not is_known:
            answer = await self._login.answer(path, scope, receive)
        if answer is None and scope["method"] not in _SAFE:
            answer = await self._forged(scope, headers, receive)
        # The routes of the page need not know below which base they are.
        await (answer or self._app)({**scope, "path": inside or path}, receive, _with_headers(send))

    def _refusal(self, method: str, headers: Headers, *, is_known: bool) -> Response | None:
        host, origin, site = headers.get("host", ""), headers.get("origin"), headers.get("sec-fetch-site", "none")
        # With a password any name is accepted: DNS rebinding does not help, as a foreign name has no cookie of ours.
        if self._keys.password is None and host not in self._keys.hosts:
            return PlainTextResponse("This is not the name of this page.", 421)
        if origin is not None and not self._is_own(origin, host, site):
            return PlainTextResponse(
                "Another site may not ask this page. (A proxy has to hand on the Host that it was asked for.)", 403
            )
        if origin is None and method not in _SAFE:
            return PlainTextResponse("Only a browser that says where it comes from may change something.", 403)
        # The link may be opened from anywhere; a session may only follow links of our own pages.
        if site not in ("none", "same-origin") and (is_known or method not in _SAFE):
            return PlainTextResponse("Another site may not ask this page.", 403)
        return None

    def _is_own(self, origin: str, host: str, site: str) -> bool:
        if self._keys.password is None:
            return origin == f"http://{host}"
        # Behind a proxy the Host may differ; over TLS the browser itself states whether the request is same-origin.
        parts = urlsplit(origin)
        return site == "same-origin" or (parts.scheme in ("http", "https") and parts.netloc == host)

    async def _forged(self, scope: Scope, headers: Headers, receive: Receive) -> Response | None:
        """None if the request proves that one of our own pages made it; its form is then in the scope."""
        scope["form"] = {}
        if CSRF_HEADER in headers:
            given = headers[CSRF_HEADER]
        else:
            if not is_form(headers):
                return PlainTextResponse("The request lacks its token.", 403)
            form = await read_form(receive)
            if form is None:
                return PlainTextResponse("The form is too large, or did not come.", 413)
            scope["form"] = form
            given = form.get("csrf", [""])[0]
        return None if same(given, self._keys.csrf) else PlainTextResponse("The request lacks its token.", 403)


def _below(path: str, base_url: str) -> str:
    """The path below `base_url`, which a proxy may have removed already."""
    return path.removeprefix(base_url) if path.startswith(f"{base_url}/") else path


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers[name] = value
            headers.setdefault("cache-control", "no-store")
        await send(message)

    return sending
