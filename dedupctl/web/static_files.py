"""The static files of the page: styles, scripts and an icon, looked up in a table and never by path."""

from __future__ import annotations

import hashlib
from importlib import resources

from starlette.requests import Request
from starlette.responses import Response

from dedupctl.report.templating import source_of

_NAMES = ("web.css", "review.js", "page.js", "search.js", "icon.svg")
_TYPES = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}


class StaticFiles:
    """All static files, read once."""

    def __init__(self) -> None:
        self._files = {name: resources.files("dedupctl.web").joinpath("static", name).read_bytes() for name in _NAMES}
        self._files["style.css"] = source_of("style.css").encode()
        self._tags = {name: hashlib.sha256(data).hexdigest()[:32] for name, data in self._files.items()}

    def address(self, name: str) -> str:
        """Contains a digest of the content, so that a browser can cache the file and never paints without styles."""
        return f"/static/{name}?{self._tags[name]}"

    def answer(self, request: Request, name: str) -> Response:
        if name not in self._files:
            return Response("There is no such file.", 404)
        tag = self._tags[name]
        lasting = request.url.query == tag
        headers = {
            "etag": f'"{tag}"',
            "cache-control": "private, max-age=31536000, immutable" if lasting else "no-cache",
        }
        if tag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        return Response(self._files[name], media_type=_TYPES[name.rpartition(".")[2]], headers=headers)
