"""The templates shared by the report and the review page, and their filters."""

from __future__ import annotations

from dataclasses import dataclass

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

from dedupctl.domain import Cluster, Member, PairKind
from dedupctl.matching.keeper import reasons_in_words
from dedupctl.report import wording
from dedupctl.report.outline import Polygon, outline_on_keeper, outline_on_member

MEANINGS = {
    PairKind.EXACT: "the same bytes",
    PairKind.PIXEL: "the same pixels, other metadata or container",
    PairKind.NEAR: "made from the same picture",
    PairKind.SIMILAR: "another shot of the same scene",
}


@dataclass(frozen=True, slots=True)
class Outline:
    """A polygon over a thumbnail. `numbers` are the members it belongs to, counted from 1 as on the page."""

    numbers: tuple[int, ...]
    label: str
    points: Polygon
    tag: tuple[float, float] | None = None
    """Where its numbers are written, in fractions of the picture; None if there is only one outline."""


def environment(*packages: str) -> Environment:
    """Jinja with autoescape on for everything: no name, camera or error text can become markup.

    Templates are looked up in `packages`, then among those of the report.
    """
    made = Environment(
        loader=ChoiceLoader([PackageLoader(package) for package in (*packages, "dedupctl.report")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "shown": wording.shown,
        "name": lambda path: wording.folder_and_name(path)[1],
        "folder": lambda path: wording.folder_and_name(path)[0],
        "size": wording.size,
        "moment": wording.moment,
        "counted": wording.counted,
        "date": wording.date_of,
        "ratio": _ratio,
        "outlines": outlines_over,
        "has_outline": _has_outline,
        "reasons": reasons_in_words,
    }
    made.globals["meanings"] = MEANINGS
    return made


def source_of(name: str) -> str:
    """The text of a file beside the templates, such as the style sheet."""
    loader = PackageLoader("dedupctl.report")
    return loader.get_source(Environment(autoescape=True), name)[0]


def outlines_over(cluster: Cluster, number: int) -> list[Outline]:
    """The outlines over the thumbnail of the cluster's `number`-th member (the keeper is 1)."""
    if number == 1:
        return _outlines_on_keeper(cluster)
    points = outline_on_member(cluster.keeper, cluster.members[number - 1])
    return [] if points is None else [Outline((number,), "Outline: what the first picture shows", points)]


def _outlines_on_keeper(cluster: Cluster) -> list[Outline]:
    numbers: dict[Polygon, list[int]] = {}
    for number, member in enumerate(cluster.members[1:], start=2):
        points = outline_on_keeper(cluster.keeper, member) if member.proven else None
        if points is not None:
            numbers.setdefault(points, []).append(number)
    return [
        Outline(
            tuple(own), f"Outline: what picture {' and '.join(map(str, own))} shows of this one", points, _tag(points)
        )
        for points, own in numbers.items()
    ]


def _tag(points: Polygon) -> tuple[float, float]:
    """The middle of the top edge, moved inside the picture if necessary."""
    (x1, y1), (x2, y2) = points[:2]
    return min(0.95, max(0.05, (x1 + x2) / 2)), min(0.95, max(0.05, (y1 + y2) / 2))


def _has_outline(cluster: Cluster, number: int) -> bool:
    member = cluster.members[number - 1]
    return member.proven and outline_on_keeper(cluster.keeper, member) is not None


def _ratio(member: Member) -> str:
    """Width divided by height, for CSS; extreme shapes are limited to what a card can show."""
    facts = member.content.facts
    return f"{min(6.0, max(1 / 6, facts.width / max(1, facts.height))):.4f}"
