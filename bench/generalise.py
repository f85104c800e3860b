"""Does the proof hold on edits and look-alikes that others made? Proves pairs directly, without a library around them.

    python bench/generalise.py --photos DIR --work DIR                        a table by maker and edit, a few minutes
    python bench/generalise.py --photos DIR --work DIR --makers filters,boards
    python bench/generalise.py --photos DIR --work DIR --series brackets/ focus/ castle/

What the makers make is kept in `--work` and made again only where sizes or seed change. What is measured is not kept.
`evidence.jsonl` there holds what was measured for every pair, and `failures.tsv` each false pair and each miss.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path

from makers.truth import Comparison, Made, Make, cached, comparisons, photo_files

from dedupctl.catalog.pairs import evidence_as_dict
from dedupctl.config import Config
from dedupctl.domain import Content, Evidence, Fingerprint
from dedupctl.fingerprint.fingerprinter import Fingerprinter
from dedupctl.matching.candidates import HASH_REACH, Candidate, largest_cosine
from dedupctl.matching.comparison import Case, Comparer, Side
from dedupctl.matching.hash_table import closest_distance
from dedupctl.matching.score import judge, thresholds_of

ACCEPTED = ("exact", "pixel", "near")


@dataclass(frozen=True, slots=True)
class Judged:
    """One comparison and what came of it."""

    maker: str
    pair: Comparison
    is_proposed: bool
    """A library would have compared the two."""
    kind: str
    score: float
    evidence: Evidence

    @property
    def is_merged(self) -> bool:
        return self.is_proposed and self.kind in ACCEPTED


def makers_of(chosen: argparse.Namespace, photos: Sequence[Path]) -> dict[str, tuple[object, Make]]:
    """By name, what a maker's pictures depend on and how they are made. A maker's library is loaded when it is used."""
    edited = _spread(photos, chosen.edited)
    templates, fillings, seed = chosen.templates, chosen.fillings, chosen.seed
    scenes = _spread(photos, max(1, chosen.series_made - len(chosen.large))) + chosen.large

    def imported(place: str) -> Callable[..., Iterator[Made]]:
        name, function = place.split(":")

        def made(*arguments: object) -> Iterator[Made]:
            found: Iterator[Made] = getattr(import_module(f"makers.{name}"), function)(*arguments)
            return found

        return made

    def edits(module: str) -> tuple[object, Make]:
        return (list(map(str, edited)), seed), partial(imported(module), edited, seed)

    return {
        "ours": edits("ours:edits"),
        "imagemagick": edits("imagemagick:make"),
        "augmenter": edits("augmenter:make"),
        "filters": edits("filters:make"),
        "browser": edits("browser_edits:make"),
        "ours_alike": ((len(photos), seed), partial(imported("ours:look_alikes"), photos, seed)),
        "browser_alike": (
            (len(photos), templates, fillings, seed),
            partial(imported("browser_templates:make"), photos, templates, fillings, seed),
        ),
        "charts": ((templates, fillings, seed), partial(imported("charts:make"), templates, fillings, seed)),
        "boards": ((templates, fillings, seed), partial(imported("boards:make"), templates, fillings, seed)),
        "exposures": (
            (list(map(str, scenes)), chosen.series_made, chosen.shots, seed),
            partial(imported("exposures:make"), scenes, chosen.series_made, chosen.shots, seed),
        ),
        "filmed": (chosen.frames, partial(imported("filmed:make"), chosen.frames)),
        "taken": (list(map(str, chosen.series)), partial(imported("ours:taken"), chosen.series)),
    }


def _spread(files: Sequence[Path], count: int) -> list[Path]:
    return list(files[:: max(1, len(files) // count)][:count])


class Bench:
    """Reads each picture once and proves pairs as a worker does."""

    def __init__(self, config: Config) -> None:
        self._reader = Fingerprinter(config)
        self._comparer = Comparer()
        self._thresholds = thresholds_of(config)
        self._propose = config.model.propose_cosine
        self._read: dict[Path, tuple[Fingerprint, Side]] = {}

    def judged(self, maker: str, folder: Path, made: Sequence[Made]) -> Iterator[Judged]:
        for pair in comparisons(made):
            (one, a), (other, b) = self._side(folder / pair.a.path), self._side(folder / pair.b.path)
            distance = closest_distance(one.hashes["phash"], other.hashes["phash8"])
            cosine = largest_cosine(list(enumerate(one.vectors)), list(enumerate(other.vectors)))
            same_stream = one.stream_digest is not None and one.stream_digest == other.stream_digest
            candidate = Candidate(a.content.id, b.content.id, same_stream, distance, cosine)
            is_proposed = not (one.flat or other.flat) and (
                same_stream or distance <= HASH_REACH or (cosine or 0) >= self._propose
            )
            if not is_proposed:
                yield Judged(maker, pair, False, "none", 0.0, Evidence("vector", distance, cosine))
                continue
            evidence = self._comparer.evidence(Case(candidate, a, b))
            assert evidence is not None
            kind, score = judge(evidence, self._thresholds)
            yield Judged(maker, pair, True, kind.value if kind else "none", score, evidence)

    def _side(self, path: Path) -> tuple[Fingerprint, Side]:
        if path not in self._read:
            read = self._reader.read(str(path).encode())
            fingerprint = getattr(read, "fingerprint", None)
            if fingerprint is None:
                raise SystemExit(f"{path}: {read}")
            content = Content(
                len(self._read) + 1,
                fingerprint.digest,
                fingerprint.size,
                fingerprint.facts,
                fingerprint.stream_digest,
                fingerprint.flat,
                fingerprint.hashes["phash"],
            )
            self._read[path] = fingerprint, Side(content, fingerprint.thumbnail, str(path).encode())
        return self._read[path]


def print_tables(judged: Sequence[Judged]) -> None:
    rows: defaultdict[tuple[str, bool, str], list[Judged]] = defaultdict(list)
    for one in judged:
        rows[one.maker, one.pair.are_copies, one.pair.family].append(one)
    print(f"{'maker':14} {'copies of / alike':28} {'pairs':>6} {'proposed':>8} {'merged':>7}")
    for (maker, are_copies, family), found in sorted(rows.items()):
        merged = sum(one.is_merged for one in found)
        told = f"{merged / len(found):7.3f}" if are_copies else f"{merged or '-':>7}"
        is_fine = merged == (len(found) if are_copies else 0)
        proposed = sum(one.is_proposed for one in found)
        print(f"{maker:14} {family:28} {len(found):6} {proposed:8} {told}{'' if is_fine else '  <'}")
    for maker in dict.fromkeys(one.maker for one in judged):
        print(_total(maker, [one for one in judged if one.maker == maker]))


def _total(maker: str, judged: Iterable[Judged]) -> str:
    counts: Counter[str] = Counter()
    for one in judged:
        if one.pair.are_copies:
            group = one.pair.family.partition("_")[0]
            group = group if group in ("hard", "page") else "light"
            counts[group] += 1
            counts[f"{group} found"] += one.is_merged
        else:
            counts["other"] += 1
            counts["false"] += one.is_merged
    parts = [
        f"{group} edits {counts[f'{group} found'] / counts[group]:.4f} of {counts[group]}"
        for group in ("light", "hard", "page")
        if counts[group]
    ]
    if counts["other"]:
        parts.append(f"false {counts['false']} of {counts['other']}")
    return f"{maker:14} {', '.join(parts)}"


def print_failures(judged: Iterable[Judged], work: Path) -> None:
    with (work / "failures.tsv").open("w") as failures, (work / "evidence.jsonl").open("w") as evidence:
        for one in judged:
            a, b = (str(work / one.maker / made.path) for made in (one.pair.a, one.pair.b))
            if one.is_merged != one.pair.are_copies:
                what = "missed" if one.pair.are_copies else "false"
                print(what, one.maker, one.pair.family, one.kind, one.is_proposed, a, b, sep="\t", file=failures)
            row = {
                "maker": one.maker,
                "family": one.pair.family,
                "group": one.pair.a.group,
                "copies": one.pair.are_copies,
            }
            row |= {"proposed": one.is_proposed, "kind": one.kind, "score": one.score, "a": a, "b": b}
            print(json.dumps(row | {"evidence": evidence_as_dict(one.evidence)}), file=evidence)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, required=True, help="photos to edit and to fill templates with")
    parser.add_argument("--work", type=Path, required=True, help="where pictures and results are kept")
    parser.add_argument("--makers", help="only these, by commas")
    parser.add_argument("--edited", type=int, default=12, help="photos that every maker edits")
    parser.add_argument("--templates", type=int, default=44, help="templates of every maker of look-alikes")
    parser.add_argument("--fillings", type=int, default=3, help="pictures of one template")
    parser.add_argument("--series-made", type=int, default=24, help="second exposures: how many scenes")
    parser.add_argument("--shots", type=int, default=4, help="... and shots of each")
    parser.add_argument("--frames", type=int, default=12, help="frames of each video")
    parser.add_argument(
        "--large", type=Path, nargs="*", default=[], help="photos of many megapixels, as further scenes"
    )
    parser.add_argument("--series", type=Path, nargs="*", default=[], help="folders of real series")
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    photos = photo_files(chosen.photos)
    bench, judged = Bench(Config()), list[Judged]()
    for maker, (stamp, make) in makers_of(chosen, photos).items():
        if chosen.makers and maker not in chosen.makers.split(","):
            continue
        folder, started = chosen.work / maker, time.process_time()
        made = cached(folder, stamp, make)
        judged += bench.judged(maker, folder, made)
        print(f"{maker}: {len(made)} pictures, {time.process_time() - started:.0f} s", flush=True)
    print_tables(judged)
    print_failures(judged, chosen.work)


if __name__ == "__main__":
    main()
