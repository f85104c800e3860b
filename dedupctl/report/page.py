"""The report as one HTML file: streamed to disk, complete without a network, and never larger than asked for."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

from markupsafe import Markup

from dedupctl.catalog.thumbs import Thumbs
from dedupctl.domain import Cluster, Member
from dedupctl.report.report_facts import Explain, Facts
from dedupctl.report.templating import environment, source_of
from dedupctl.report.thumbnails import Pictures, side_that_fits
from dedupctl.report.wording import shown as printable

MEMBERS_SHOWN = 48
"""Cards per cluster; further members are only counted."""
PROBLEMS_SHOWN = 1000
SIMILAR_SHOWN = 200
_BATCH = 25
_TEXT_A_MEMBER = 1_400
"""Bytes of markup of a member card, without path and picture *(measured: 700 to 1,250; a keeper with seven outlines
2,500)*."""


@dataclass(frozen=True, slots=True)
class MapPart:
    """What the page needs to draw the map."""

    scripts: tuple[str, ...]
    """They run in order, after the page's own."""
    data: str
    """JSON that cannot end a script element."""
    note: str
    """Which pictures are on it, in words."""

    @property
    def size(self) -> int:
        return sum(map(len, self.scripts)) + len(self.data)


@dataclass(slots=True)
class LeftOut:
    """What a page did not show of the clusters it was given."""

    clusters: int = 0
    files: int = 0
    reclaimable_bytes: int = 0

    def add(self, cluster: Cluster) -> None:
        self.clusters += 1
        self.files += len(cluster.members)
        self.reclaimable_bytes += cluster.reclaimable_bytes


@dataclass(slots=True)
class Shelf:
    """Hands clusters with their thumbnails to the template one by one, until the limit or the room is used up."""

    clusters: Sequence[Cluster]
    pictures: Pictures
    limit: int
    room: int
    """Bytes that may still be written."""
    progress: Callable[[int], None] = lambda _done: None
    shown: int = 0
    left_out: LeftOut = field(default_factory=LeftOut)

    def __iter__(self) -> Iterator[Cluster]:
        clusters = iter(self.clusters)
        while batch := list(islice(clusters, _BATCH)):
            self.pictures.load([member.content.digest for cluster in batch for member in shown_members(cluster)])
            for cluster in batch:
                needed = sum(self._cost(member) for member in shown_members(cluster))
                if self.shown >= self.limit or needed > self.room:
                    self.left_out.add(cluster)
                    continue
                self.room -= needed
                self.shown += 1
                yield cluster
            self.progress(self.shown)
            if self.shown >= self.limit:
                break
        for cluster in clusters:
            self.left_out.add(cluster)

    def _cost(self, member: Member) -> int:
        address = self.pictures.address(member.content.digest)
        return _TEXT_A_MEMBER + 4 * len(member.path) + len(address or "")


def page(
    facts: Facts,
    thumbs: Thumbs,
    *,
    explain: Explain,
    limit: int,
    max_bytes: int,
    map_part: MapPart | None = None,
    progress: Callable[[int], None] = lambda _done: None,
) -> tuple[Iterator[str], Shelf]:
    """The page in pieces to be written one after the other, and the shelf that knows afterwards what was shown."""
    scripts = [source_of("report.js"), *(map_part.scripts if map_part else ())]
    room = max_bytes - (map_part.size if map_part else 0) - _fixed(facts)
    shown = facts.clusters[:limit]
    similar = facts.similar[: min(limit, SIMILAR_SHOWN)]
    cards = [member for cluster in (*shown, *similar) for member in shown_members(cluster)]
    side = side_that_fits(thumbs, [card.content.digest for card in cards], room - len(cards) * _TEXT_A_MEMBER)
    pictures = Pictures(thumbs, side)
    similar_room = min(room // 4, room * sum(len(c.members) for c in similar) // max(1, len(cards)) + 1)
    shelf = Shelf(facts.clusters, pictures, limit, room - similar_room, progress)
    similar_shelf = Shelf(facts.similar, pictures, min(limit, SIMILAR_SHOWN), similar_room)
    template = environment().get_template("report.html.j2")
    pieces = template.generate(
        facts=facts,
        clusters=shelf,
        similar=similar_shelf,
        left_out=lambda: shelf.left_out,
        similar_left_out=lambda: similar_shelf.left_out,
        new_clusters=facts.changes.new_cluster_ids if facts.changes else frozenset(),
        picture=lambda member: pictures.address(member.content.digest),
        sentence=lambda keeper, member: full_sentence(explain(keeper, member)),
        members_shown=MEMBERS_SHOWN,
        problems_shown=PROBLEMS_SHOWN,
        map=map_part,
        # Our own files and Bokeh's: the only text on the page that is not escaped.
        scripts=[Markup(script) for script in scripts],  # noqa: S704
        style=Markup(source_of("style.css")),  # noqa: S704
        content_security_policy=content_security_policy(scripts),
    )
    return pieces, shelf


def shown_members(cluster: Cluster) -> tuple[Member, ...]:
    return cluster.members[:MEMBERS_SHOWN]


def content_security_policy(scripts: Sequence[str]) -> str:
    """A policy under which nothing is fetched and only these scripts run, so that injected markup cannot act."""
    hashes = " ".join(f"'sha256-{_sha256(script)}'" for script in scripts)
    return (
        "default-src 'none'; img-src data: blob:; style-src 'unsafe-inline'; font-src data:; "
        f"script-src {hashes}; base-uri 'none'; form-action 'none'"
    )


def full_sentence(text: str) -> str:
    """The text as a printable sentence: it may contain a camera or file name, which may be anything."""
    words = printable(text).strip()
    ending = "" if words.endswith((".", "!", "?")) else "."
    return words[:1].upper() + words[1:] + ending


def _sha256(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")


def _fixed(facts: Facts) -> int:
    """Bytes of the page without clusters and map: style, our script, tables, problems."""
    problems = min(len(facts.errors), PROBLEMS_SHOWN) + min(len(facts.skipped), PROBLEMS_SHOWN)
    return 60_000 + 600 * (problems + len(facts.library.roots))
