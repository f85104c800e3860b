"""The cookies and the form of a request; a form is read with a limit on size and time."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from http.cookies import CookieError, SimpleCookie
from typing import TypeAlias
from urllib.parse import parse_qs

from starlette.datastructures import Headers
from starlette.types import Receive

MAX_FORM_BYTES = 1 << 20
FORM_SECONDS = 20.0
"""How long a form may take to arrive."""
_FORM = "application/x-www-form-urlencoded"

Form: TypeAlias = Mapping[str, Sequence[str]]


def is_form(headers: Headers) -> bool:
    return headers.get("content-type", "").partition(";")[0].strip().lower() == _FORM


async def read_form(receive: Receive) -> Form | None:
    """The fields of the body; None if it is too long or does not arrive in time."""
    try:
        body = await asyncio.wait_for(_read(receive, MAX_FORM_BYTES), FORM_SECONDS)
    except TimeoutError:
        return None
    return None if body is None else parse_qs(body.decode("utf-8", "replace"))


def cookies_of(headers: Headers, name: str) -> list[str]:
    """The values of all cookies of this name: a server on another port may have set one that looks the same."""
    found = []
    for header in headers.getlist("cookie"):
        for piece in header.split(";"):
            try:
                cookie = SimpleCookie(piece).get(name)
            except CookieError:
                continue
            if cookie is not None:
                found.append(cookie.value)
    return found


async def _read(receive: Receive, limit: int) -> bytes | None:
    """The whole body; None if it is longer than `limit`."""
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > limit:
            return None
        if message["type"] == "http.disconnect" or not message.get("more_body", False):
            return bytes(body)
