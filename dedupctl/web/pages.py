"""The pages: what each shows, and what its forms do. A form leads to a page that reports the result."""

from __future__ import annotations

import json
import tempfile
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from dedupctl.domain import Cluster, Member, PairKind, Root, Unreadable, Verdict
from dedupctl.errors import LockHeld, UsageError
from dedupctl.indexing.workers import Workers
from dedupctl.matching.clusters import DUPLICATE_KINDS, find_clusters
from dedupctl.matching.sentence import in_words
from dedupctl.policy.keeper_order import keeper_order
from dedupctl.removal.restore import restorable
from dedupctl.report.page import full_sentence
from dedupctl.report.templating import environment
from dedupctl.web.alignment import align
from dedupctl.web.dashboard import by_kind, look
from dedupctl.web.forms import cookies_of
from dedupctl.web.keys import Keys
from dedupctl.web.pictures import Pictures
from dedupctl.web.query_string import as_query, key_as_text, key_of, number_of, wanted_of
from dedupctl.web.queue import Queue, Row, Wanted
from dedupctl.web.review import Choice, Note, Review
from dedupctl.web.search import Search, save
from dedupctl.workspace import Workspace

PAGE_ROWS = 24
MEMBERS_SHOWN = 60
"""Members shown of one cluster. Those that are not shown cannot be marked."""
HISTORY_ROWS = 100
KEPT_NOTES = 50
GROUPS = ("clusters", "similar")
"""Duplicates, and other shots of one scene: one content may be in a cluster of each."""


class Pages:
    """The handlers; each runs in its own thread. `own` returns the address of a static file."""

    def __init__(
        self, workspace: Workspace, queue: Queue, workers: Workers, keys: Keys, own: Callable[[str], str]
    ) -> None:
        self._catalog = workspace.catalog
        self._queue = queue
        self._review = Review(workspace, queue, workers.same_pixels)
        self._pictures = Pictures(workspace, workers)
        self._search = Search(workspace, queue, workers)
        self._notes: OrderedDict[str, Note] = OrderedDict()
        self._keys = keys
        self._templates = environment("dedupctl.web")
        self._templates.globals |= {"base": keys.base, "csrf": keys.csrf, "with_password": keys.password is not None}
        self._templates.globals |= {
            "own": lambda name: keys.base + own(name),
            "picture": lambda member: keys.base + thumbnail_address(member),
            "view": lambda member: keys.base + view_address(member),
        }
        self._templates.globals |= {"sentence": lambda keeper, member: full_sentence(in_words(keeper, member))}
        self._templates.filters |= {
            "choice": lambda member: str(Choice.of(member)),
            "as_json": json.dumps,
            "full_sentence": full_sentence,
        }

    # --- looking ---------------------------------------------------------------------------------------------------

    def queue(self, request: Request) -> Response:
        wanted = wanted_of(request.query_params)
        state, snapshot = self._queue.state, self._queue.snapshot
        chosen = snapshot.choose(wanted)
        rows = snapshot.page(wanted, key_of(request.query_params.get("after", "")), PAGE_ROWS)
        more = snapshot.page(wanted, rows[-1].key, 1) if rows else ()
        return self._page(
            request,
            "queue.html.j2",
            state=state,
            clusters=self._load(rows),
            query=as_query(wanted),
            wanted=wanted,
            roots=self._roots(),
            kinds=list(PairKind),
            ready=snapshot.version > 0,
            total=len(chosen),
            reclaimable=sum(row.reclaimable_bytes for row in chosen),
            more=as_query(wanted, after=key_as_text(rows[-1].key)) if more else None,
            begins="after" not in request.query_params,
        )

    def cluster(self, request: Request) -> Response:
        similar = _is_similar(request)
        wanted, state = _within(wanted_of(request.query_params), similar), self._queue.state
        keeper = number_of(request.query_params.get("keeper", ""))
        cluster = self._review.cluster(_number(request), similar=similar, keeper=keeper)
        if cluster is None:
            return self._page(request, "gone.html.j2", status=404, back=as_query(wanted))
        snapshot = self._queue.snapshot
        before, previous, following = snapshot.position(wanted, _key(cluster, similar))
        return self._page(
            request,
            "review.html.j2",
            state=state,
            cluster=cluster,
            members=cluster.members[:MEMBERS_SHOWN],
            similar=similar,
            refusals={} if similar else self._review.refusals(cluster),
            chosen_keeper=keeper,
            alignments=[align(cluster.keeper, member) for member in cluster.members[:MEMBERS_SHOWN]],
            query=as_query(wanted),
            here=f"/{_group(similar)}/{cluster.id}",
            previous=_address(previous, wanted),
            following=_address(following, wanted),
            number=before + 1,
            total=len(snapshot.choose(wanted)),
        )

    def exif(self, request: Request) -> Response:
        """The EXIF of two contents, as a table to be inserted into a page."""
        ids = _number(request, "keeper"), _number(request, "member")
        kept, other = (self._pictures.exif(content_id) for content_id in ids)
        faults = [str(one) for one in (kept, other) if isinstance(one, Unreadable)]
        rows = [] if isinstance(kept, Unreadable) or isinstance(other, Unreadable) else compared(kept, other)
        return self._page(request, "_exif.html.j2", faults=faults, rows=rows)

    def history(self, request: Request) -> Response:
        before, state = number_of(request.query_params.get("before", "")), self._queue.state
        with self._catalog.read() as tx:
            entries = list(tx.journal.entries(limit=HISTORY_ROWS + 1, before=before))
            known = tx.contents.ids_of({entry.action.victim.digest for entry in entries})
        shown = entries[:HISTORY_ROWS]
        return self._page(
            request,
            "history.html.j2",
            state=state,
            entries=shown,
            thumbnail={digest: f"{self._keys.base}/thumbnail/{number}" for digest, number in known.items()},
            older=shown[-1].id if len(entries) > len(shown) else None,
        )

    def dashboard(self, request: Request) -> Response:
        state, chosen = self._queue.state, self._queue.snapshot.choose(Wanted())
        with self._catalog.read() as tx:
            now = look(tx)
        return self._page(
            request,
            "dashboard.html.j2",
            state=state,
            now=now,
            clusters=len(chosen),
            to_free=by_kind(chosen),
        )

    def search(self, request: Request) -> Response:
        return self._page(request, "search.html.j2", state=self._queue.state)

    async def find(self, request: Request) -> Response:
        """The copies of the picture in the request body, as a list to be inserted into a page."""
        with tempfile.TemporaryDirectory() as folder:
            path = await save(request.stream(), Path(folder))
            found = await run_in_threadpool(self._search.copies_of, path)
        return self._page(request, "_found.html.j2", found=found)

    def thumbnail(self, request: Request) -> Response:
        return self._jpeg(request, "small")

    def view(self, request: Request) -> Response:
        return self._jpeg(request, "large")

    # --- acting ----------------------------------------------------------------------------------------------------

    def apply(self, request: Request) -> Response:
        wanted, form = wanted_of(request.query_params), request.scope["form"]
        keeper = Choice.parse(_one(form, "keeper"))
        cluster = self._review.cluster(_number(request), keeper=keeper.file_id)
        if cluster is None:
            raise UsageError("the cluster has changed since you looked at it; nothing was removed, look again")
        _, _, following = self._queue.snapshot.position(wanted, _key(cluster, similar=False))
        removed = [Choice.parse(text) for text in form.get("remove", [])]
        if not removed:
            return self._go(_address(following, wanted) or f"/{as_query(wanted)}", None)
        note = self._review.apply(cluster, keeper, removed)
        here = f"/clusters/{cluster.id}{as_query(wanted)}"
        return self._go(here if note.failed else _address(following, wanted) or f"/{as_query(wanted)}", note)

    def say(self, request: Request) -> Response:
        similar = _is_similar(request)
        wanted, form = _within(wanted_of(request.query_params), similar), request.scope["form"]
        keeper = Choice.parse(_one(form, "keeper"))
        cluster = self._review.cluster(_number(request), similar=similar, keeper=keeper.file_id)
        if cluster is None or Choice.of(cluster.keeper) != keeper:
            raise UsageError("the cluster has changed since you looked at it; look again")
        verdict = Verdict.DIFFERENT if "different" in form else Verdict.SAME
        other = number_of(_one(form, verdict.value))
        _, _, following = self._queue.snapshot.position(wanted, _key(cluster, similar))
        note = self._review.say(cluster, other or 0, verdict, similar=similar)
        if self._review.cluster(cluster.id, similar=similar) is None:
            return self._go(_address(following, wanted) or f"/{as_query(wanted)}", note)
        return self._go(f"/{_group(similar)}/{cluster.id}{as_query(wanted)}", note)

    def undo(self, request: Request) -> Response:
        note, step = self._review.undo()
        wanted = wanted_of(request.query_params)
        if step is None:
            return self._go(f"/{as_query(wanted)}", note)
        return self._go(f"/{_group(step.similar)}/{step.cluster}{as_query(_within(wanted, step.similar))}", note)

    def restore(self, request: Request) -> Response:
        """Restore one removed file with the rest of its bundle, or all files of one plan."""
        form = request.scope["form"]
        plan_id, entry_id = number_of(_one(form, "plan", "")), number_of(_one(form, "entry", ""))
        waiting = restorable(self._catalog, plan_id=plan_id)
        if entry_id is not None:
            asked = next((entry for entry in waiting if entry.id == entry_id), None)
            bundle = None if asked is None else (asked.plan_id, asked.action.bundle)
            waiting = [entry for entry in waiting if (entry.plan_id, entry.action.bundle) == bundle]
        elif plan_id is None:
            raise UsageError("the form does not say what to restore")
        return self._go("/history", self._review.restore(waiting))

    def leave(self, request: Request) -> Response:
        """Log out."""
        for secret in cookies_of(request.headers, self._keys.cookie):
            self._keys.sessions.end(secret)
        gone = RedirectResponse(f"{self._keys.base_url}/", 303)
        gone.delete_cookie(self._keys.cookie, path=f"{self._keys.base}/", httponly=True, samesite="strict")
        return gone

    # --- answering -------------------------------------------------------------------------------------------------

    def refused(self, request: Request, error: Exception) -> Response:
        """Show one of our errors as a page."""
        status = 409 if isinstance(error, LockHeld) else 400 if isinstance(error, UsageError) else 500
        return self._page(request, "refused.html.j2", status=status, message=str(error))

    def _page(self, request: Request, template: str, *, status: int = 200, state: str = "", **facts: Any) -> Response:
        note = self._notes.get(request.query_params.get("note", ""))
        section = request.url.path.split("/")[1]
        made = self._templates.get_template(template).render(note=note, section=section, state=state, **facts)
        return HTMLResponse(made, status)

    def _go(self, address: str, note: Note | None) -> Response:
        """Redirect with 303 See Other, so that reloading the target page repeats nothing."""
        if note is None:
            return RedirectResponse(self._keys.base + address, 303)
        number = str(len(self._notes) + 1 if not self._notes else int(next(reversed(self._notes))) + 1)
        self._notes[number] = note
        while len(self._notes) > KEPT_NOTES:
            self._notes.popitem(last=False)
        joint = "&" if "?" in address else "?"
        return RedirectResponse(f"{self._keys.base}{address}{joint}{urlencode({'note': number})}", 303)

    def _jpeg(self, request: Request, form: str) -> Response:
        content_id = _number(request)
        made = self._pictures.thumbnail(content_id) if form == "small" else self._pictures.view(content_id)
        if not isinstance(made, bytes):
            return Response("No picture can be read.", 404)
        # The cache of a browser outlives the session, and must not keep somebody's pictures.
        return Response(made, media_type="image/jpeg", headers={"cache-control": "no-store"})

    def _load(self, rows: Sequence[Row]) -> list[Cluster]:
        """The clusters of these rows as they are now, in that order."""
        around = [row.id for row in rows if not row.similar], [row.id for row in rows if row.similar]
        with self._catalog.read() as tx:
            order = keeper_order(tx, self._queue.policy)
            duplicates = find_clusters(tx, kinds=DUPLICATE_KINDS, around=around[0], order=order) if around[0] else []
            similar = find_clusters(tx, kinds=(PairKind.SIMILAR,), around=around[1], order=order) if around[1] else []
        found = {(False, one.id): one for one in duplicates} | {(True, one.id): one for one in similar}
        return [found[row.similar, row.id] for row in rows if (row.similar, row.id) in found]

    def _roots(self) -> list[Root]:
        with self._catalog.read() as tx:
            return tx.roots.all()


def thumbnail_address(member: Member) -> str:
    return f"/thumbnail/{member.content.id}?{member.content.digest.hex()[:12]}"


def view_address(member: Member) -> str:
    """The digest makes the address unique, so that a browser never shows a cached picture of another catalog."""
    return f"/view/{member.content.id}?{member.content.digest.hex()[:12]}"


def compared(kept: Mapping[str, str], other: Mapping[str, str]) -> list[tuple[str, str | None, str | None]]:
    """Rows of (tag, value of the keeper, value of the other picture), differing ones first."""
    names = dict.fromkeys((*kept, *other))
    rows = [(name, kept.get(name), other.get(name)) for name in names]
    return sorted(rows, key=lambda row: row[1] == row[2])


def _one(form: Mapping[str, Sequence[str]], name: str, default: str | None = None) -> str:
    values = form.get(name, ())
    if not values and default is None:
        raise UsageError(f"the form lacks its field {name!r}")
    return values[0] if values else str(default)


def _number(request: Request, name: str = "id") -> int:
    """A number in the path; 404 for one that SQLite cannot store."""
    number: int = request.path_params[name]
    if number >= 2**63:
        raise HTTPException(404)
    return number


def _is_similar(request: Request) -> bool:
    return request.url.path.startswith("/similar/")


def _within(wanted: Wanted, similar: bool) -> Wanted:
    """When reviewing other shots, stay among them even if the filters do not include them."""
    if not similar or PairKind.SIMILAR in wanted.kinds:
        return wanted
    return Wanted(frozenset({PairKind.SIMILAR}), wanted.root, wanted.min_bytes, wanted.since, wanted.until)


def _group(similar: bool) -> str:
    return GROUPS[similar]


def _key(cluster: Cluster, similar: bool) -> tuple[int, bool, int]:
    return -cluster.reclaimable_bytes, similar, cluster.id


def _address(row: Row | None, wanted: Wanted) -> str | None:
    return None if row is None else f"/{_group(row.similar)}/{row.id}{as_query(wanted)}"
