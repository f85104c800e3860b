"""The figures that decide between two models: as a proposer of candidates, and as a ranking of all pairs.

A copy asks a library that holds what it was made from, other photos and look-alikes of every kind. Proposed is what is
at least as near as a threshold, or has a pHash within reach in any orientation, as `matching/candidates` does it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PIL import Image

from dedupctl.config import ModelConfig
from dedupctl.domain import FloatArray
from dedupctl.fingerprint.embedder import BUILT_IN_PATH, Embedder
from dedupctl.fingerprint.fingerprinter import thumbnail_view
from dedupctl.fingerprint.regions import with_regions
from dedupctl.matching.candidates import HASH_REACH

from .benchmark import Seen, read_set
from .ranking import (
    Cosines,
    Partners,
    Proposals,
    micro_average_precision,
    proposals,
    recall_at_precision,
    widest,
)

if TYPE_CHECKING:
    from copies_set import Item

GROUPS = ("library", "five", "hard", "pages")
LADDER = tuple(round(0.30 + 0.01 * step, 2) for step in range(61))
SHOWN = tuple(round(0.4 + 0.05 * step, 2) for step in range(9))
LIMITS = (0.02, 0.2)
"""False candidates a photo that models are compared at."""
PRECISION = 0.999
PICTURES_TIMED = 60
RANKED = ("whole", "parts")
VARIANTS = ("whole", "whole + pHash", "parts", "parts + pHash")


@dataclass(frozen=True, slots=True)
class Ranking:
    """How well the cosine alone tells the pairs of photos and their copies from all others."""

    uap: float
    recall: float
    """At `PRECISION`."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured of one model on one set."""

    model: str
    sha256: str
    dim: int
    side: int
    """Of the square that pictures are squeezed to, in pixels."""
    bytes: int
    cpu_ms: float
    """CPU of one picture with its parts, one at a time on one thread, resize included."""
    library: int
    """Pictures that are asked: photos and look-alikes."""
    queries: dict[str, int]
    """Copies that ask, by group of edits."""
    rankings: dict[str, Ranking]
    """By the vectors of the whole pictures, and by the nearest of those and their parts' (`RANKED`)."""
    ladders: dict[str, dict[str, list[Proposals]]]
    """For each variant and group of edits, what each threshold proposes."""
    look_alikes: dict[str, list[float]]
    """For each kind, the share of its pairs that are proposed by vectors of parts at the thresholds of `SHOWN`."""


def evaluate(items: Sequence[Item], model: ModelConfig, workers: int) -> Figures:
    """Measure a model on a test set; the built-in one if `model` names none."""
    seen = read_set(items, model, workers)
    library = [each for each in seen if each.item.edit == "original"]
    place = {each.item.origin: number for number, each in enumerate(library)}
    queries = [each for each in seen if each.item.edit != "original" and each.item.origin in place]
    partners = np.array([place[query.item.origin] for query in queries], np.int64)
    whole = _cosines([each.vectors[:1] for each in queries], [each.vectors[:1] for each in library])
    parts = _cosines([each.vectors for each in queries], [each.vectors for each in library])
    near = _hash_distances(queries, library) <= HASH_REACH
    groups = {group: np.array([query.item.group == group for query in queries], np.bool_) for group in GROUPS}
    photos = groups["library"] | groups["five"] | groups["hard"]
    embedder, path = Embedder(model), model.path or BUILT_IN_PATH
    return Figures(
        model=path.name,
        sha256=sha256(path.read_bytes()).hexdigest(),
        dim=embedder.dim,
        side=model.input_size,
        bytes=path.stat().st_size,
        cpu_ms=cpu_of_one(embedder, [each.item.path for each in library[:PICTURES_TIMED]]),
        library=len(library),
        queries={group: int(asked.sum()) for group, asked in groups.items()},
        rankings={
            name: _ranking(cosines[photos], partners[photos])
            for name, cosines in zip(RANKED, (whole, parts), strict=True)
        },
        ladders={
            name: _by_group(cosines, also, partners, groups)
            for name, cosines, also in zip(
                VARIANTS, (whole, whole, parts, parts), (near & False, near, near & False, near), strict=True
            )
        },
        look_alikes=_look_alikes(library),
    )


def _ranking(cosines: Cosines, partners: Partners) -> Ranking:
    return Ranking(micro_average_precision(cosines, partners), recall_at_precision(cosines, partners, PRECISION))


def _by_group(
    cosines: Cosines, also: npt.NDArray[np.bool_], partners: Partners, groups: Mapping[str, npt.NDArray[np.bool_]]
) -> dict[str, list[Proposals]]:
    return {
        group: proposals(cosines[asked], also[asked], partners[asked], LADDER)
        for group, asked in groups.items()
        if asked.any()
    }


def _cosines(asking: Sequence[FloatArray], asked: Sequence[FloatArray]) -> Cosines:
    """The largest cosine of any vector of one to any vector of the other."""
    cosines = np.concatenate(asking) @ np.concatenate(asked).T
    rows, columns = (np.cumsum([0, *map(len, vectors[:-1])]) for vectors in (asking, asked))
    return np.asarray(np.maximum.reduceat(np.maximum.reduceat(cosines, rows, axis=0), columns, axis=1), np.float32)


def _hash_distances(asking: Sequence[Seen], asked: Sequence[Seen]) -> npt.NDArray[np.uint8]:
    """Bits between the pHash of the one asked and the nearest of the eight of the one asking."""
    upright = np.array([each.orientations[0] for each in asked], np.uint64)
    eight = np.stack([each.orientations for each in asking])
    return np.asarray(np.bitwise_count(eight[:, :, np.newaxis] ^ upright).min(axis=1), np.uint8)


def _look_alikes(library: Sequence[Seen]) -> dict[str, list[float]]:
    kinds = sorted({each.item.group for each in library} - {"photo"})
    out: dict[str, list[float]] = {}
    for kind in kinds:
        members = [each.vectors for each in library if each.item.group == kind]
        if len(members) > 1:
            pairs = _cosines(members, members)[np.triu_indices(len(members), 1)]
            out[kind] = [float((pairs >= threshold).mean()) for threshold in SHOWN]
    return out


def cpu_of_one(embedder: Embedder, paths: Sequence[Path]) -> float:
    """Milliseconds of CPU a picture with its parts; the median, because other work on the machine disturbs."""
    spent = []
    for path in paths:
        with Image.open(path) as image:
            seen = with_regions(thumbnail_view(image.convert("RGB")))
        start = time.process_time()
        embedder.embed(seen)
        spent.append(1000 * (time.process_time() - start))
    return float(np.median(spent))


def save(figures: Figures, path: Path) -> None:
    path.write_text(json.dumps(asdict(figures), indent=1) + "\n", encoding="utf-8")


def as_markdown(figures: Figures) -> str:
    """The figures as tables that read well on a terminal too."""
    asked = ", ".join(f"{count} {group}" for group, count in figures.queries.items())
    lines = [
        f"{figures.model}: {figures.dim} dimensions, {figures.side} x {figures.side} px, {figures.bytes / 1e6:.1f} MB, "
        f"{figures.cpu_ms:.1f} ms CPU a picture",
        f"{asked} copies against a library of {figures.library} pictures",
        *(
            f"ranked by {name}: uAP {ranking.uap:.4f}, recall {ranking.recall:.3f} at precision {PRECISION}"
            for name, ranking in figures.rankings.items()
        ),
        "",
        *_limits(figures),
        "",
        *_thresholds(figures),
        "",
        *_kinds(figures),
    ]
    return "\n".join(lines)


def _limits(figures: Figures) -> list[str]:
    """True pairs proposed at the lowest threshold that keeps false candidates low."""
    groups = list(figures.ladders[VARIANTS[0]])
    rows = [_row("proposed by", "false candidates a photo", *groups), _rule(2 + len(groups))]
    for name in VARIANTS:
        for limit in LIMITS:
            steps = (widest(figures.ladders[name][group], limit) for group in groups)
            cells = ("-" if step is None else f"{step.found:.4f} (cosine {step.cosine:.2f})" for step in steps)
            rows.append(_row(name, f"<= {limit}", *cells))
    return rows


def _thresholds(figures: Figures) -> list[str]:
    """What the product proposes at each threshold: true pairs, and false candidates a photo."""
    ladders = figures.ladders[VARIANTS[-1]]
    rows = [
        _row(f"cosine >= ({VARIANTS[-1]})", *(f"{group}: true; false" for group in ladders)),
        _rule(1 + len(ladders)),
    ]
    for threshold in SHOWN:
        steps = [step for ladder in ladders.values() for step in ladder if step.cosine == threshold]
        rows.append(_row(f"{threshold:.2f}", *(f"{step.found:.4f}; {step.false:.3f}" for step in steps)))
    return rows


def _kinds(figures: Figures) -> list[str]:
    rows = [_row("pairs of look-alikes proposed, cosine >=", *map(str, SHOWN)), _rule(1 + len(SHOWN))]
    return rows + [_row(kind, *(f"{share:.3f}" for share in shares)) for kind, shares in figures.look_alikes.items()]


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _rule(columns: int) -> str:
    return _row(*["---"] * columns)
