"""The routes of the page below its base. No address contains a file path: pictures have ids, static files a table."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from dedupctl.errors import DedupctlError
from dedupctl.indexing.workers import Workers
from dedupctl.web.guard import Guard
from dedupctl.web.keys import Keys
from dedupctl.web.pages import GROUPS, Pages
from dedupctl.web.queue import Queue
from dedupctl.web.static_files import StaticFiles
from dedupctl.workspace import Workspace

BEAT_SECONDS = 0.5
SIGN_OF_LIFE = 30
"""Beats after which something is sent even if nothing has changed, so that a dead connection is noticed."""


def make_app(workspace: Workspace, queue: Queue, workers: Workers, keys: Keys) -> Starlette:
    static_files = StaticFiles()
    pages = Pages(workspace, queue, workers, keys, static_files.address)

    def static(request: Request) -> Response:
        return static_files.answer(request, request.path_params["name"])

    async def events(request: Request) -> Response:
        return StreamingResponse(_events(queue, request.query_params.get("seen", "")), media_type="text/event-stream")

    return Starlette(
        routes=[
            Route("/", pages.queue),
            *(Route(f"/{group}/{{id:int}}", pages.cluster, name=group) for group in GROUPS),
            Route("/clusters/{id:int}/apply", pages.apply, methods=["POST"]),
            *(Route(f"/{group}/{{id:int}}/verdict", pages.say, methods=["POST"]) for group in GROUPS),
            Route("/exif/{keeper:int}/{member:int}", pages.exif),
            Route("/undo", pages.undo, methods=["POST"]),
            Route("/history", pages.history),
            Route("/restore", pages.restore, methods=["POST"]),
            Route("/dashboard", pages.dashboard),
            Route("/leave", pages.leave, methods=["POST"]),
            Route("/search", pages.search),
            Route("/search", pages.find, methods=["POST"]),
            Route("/thumbnail/{id:int}", pages.thumbnail),
            Route("/view/{id:int}", pages.view),
            Route("/static/{name}", static),
            Route("/events", events),
        ],
        exception_handlers={DedupctlError: pages.refused},
        middleware=[Middleware(Guard, keys=keys, static_files=static_files)],
    )


async def _events(queue: Queue, seen: str) -> AsyncIterator[str]:
    """Server-sent events: one whenever the state differs from the one that the page has shown."""
    silence = 0
    while not queue.stopped:
        if queue.state != seen:
            seen, silence = queue.state, 0
            yield f"event: changed\ndata: {seen}\n\n"
        elif silence >= SIGN_OF_LIFE:
            silence = 0
            yield ": still here\n\n"
        silence += 1
        await asyncio.sleep(BEAT_SECONDS)
