"""How a browser gets its session: by the one-time link, or by the password."""

from __future__ import annotations

import asyncio
from html import escape
from math import ceil

from starlette.datastructures import Headers, QueryParams
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import Receive, Scope

from dedupctl.report.templating import environment
from dedupctl.web.forms import is_form, read_form
from dedupctl.web.keys import Keys
from dedupctl.web.login_attempts import LoginAttempts
from dedupctl.web.password import Password
from dedupctl.web.static_files import StaticFiles

_STATIC = "/static/"


class Login:
    """Answers requests without a session."""

    def __init__(self, keys: Keys, static_files: StaticFiles) -> None:
        self._keys = keys
        self._static_files = static_files
        self._attempts = LoginAttempts()
        self._checking = asyncio.Lock()
        templates = environment("dedupctl.web")
        templates.globals["own"] = lambda name: keys.base_url + static_files.address(name)
        self._template = templates.get_template("login.html.j2")

    async def answer(self, path: str, scope: Scope, receive: Receive) -> Response:
        """`path` is relative to `base_url`. The guard has already refused forged requests."""
        password = self._keys.password
        if password is None:
            return self._by_link(path, scope)
        if path.startswith(_STATIC):
            return self._static_files.answer(Request(scope), path.removeprefix(_STATIC))
        if path == "/" and scope["method"] == "POST":
            return await self._by_password(password, scope, receive)
        if path == "/":
            return self._login_page()
        if scope["method"] == "GET":
            return RedirectResponse(f"{self._keys.base_url}/", 303)
        return PlainTextResponse("Log in first.", 403)

    def _by_link(self, path: str, scope: Scope) -> Response:
        token = QueryParams(scope["query_string"]).get("token", "")
        if path != f"{self._keys.folder}/" or scope["method"] != "GET" or not token:
            return PlainTextResponse("Open the link that `dedupctl serve` has printed.", 403)
        # A prefetch is not a person opening the link.
        if "prefetch" in Headers(scope=scope).get("sec-purpose", "") or not self._keys.token.spend(token):
            return PlainTextResponse(
                "This link opens the page in one browser, once. `dedupctl serve`, started again, prints a new one.", 403
            )
        return self._welcome(secure=False)

    async def _by_password(self, password: Password, scope: Scope, receive: Receive) -> Response:
        headers, address = Headers(scope=scope), scope["client"][0] if scope["client"] else ""
        form = await read_form(receive) if is_form(headers) else None
        if form is None:
            return self._login_page("The form was not understood.", 400)
        # One at a time: each check takes 64 MB, and a parallel one could exceed the limit of attempts.
        async with self._checking:
            wait = self._attempts.wait(address)
            if wait:
                minutes = ceil(wait / 60)
                page = self._login_page(f"Too many wrong passwords. Try again in {minutes} minutes.", 429)
                page.headers["retry-after"] = str(ceil(wait))
                return page
            if not await asyncio.to_thread(password.fits, form.get("password", [""])[0]):
                self._attempts.failed(address)
                return self._login_page("That is not the password.", 403)
        return self._welcome(secure=headers.get("origin", "").startswith("https://"))

    def _login_page(self, message: str = "", status: int = 200) -> Response:
        return HTMLResponse(self._template.render(action=f"{self._keys.base_url}/", message=message), status)

    def _welcome(self, *, secure: bool) -> Response:
        """Set the cookie, and send a page that opens the review by itself.

        A redirect would not do: if it begins at a link in another program or site, the browser attributes the request
        to that site and withholds a strict cookie.
        """
        page = escape(f"{self._keys.base}/")
        welcome = HTMLResponse(
            f'<!DOCTYPE html><html lang="en"><meta charset="utf-8"><meta http-equiv="refresh" content="0; url={page}">'
            f'<link rel="icon" href="{escape(self._keys.base + self._static_files.address("icon.svg"))}">'
            f'<title>dedupctl</title><a href="{page}">Go on to the page</a></html>'
        )
        welcome.set_cookie(
            self._keys.cookie,
            self._keys.sessions.begin(),
            path=f"{self._keys.base}/",
            httponly=True,
            samesite="strict",
            secure=secure,
        )
        return welcome
