"""Is every copy found, and nothing else? Makes the copies itself, runs `dedupctl` on them and counts.

    python bench/copies.py --photos DIR [--scenes DIR] [--edited 40]    precision and recall an edit, cost of a stage
    python bench/copies.py --photos DIR --config config.toml            the same with another model or thresholds
    python bench/copies.py --photos DIR --cost                          what candidates and proof add to a scan of DIR

`--scenes` holds a folder for each scene, with other shots of it: none may be called a copy of another. Each edited
photo comes in about fifty forms, and all pairs of them are proven: 40 photos are 50,000 proofs, 300 are 370,000.
"""

from __future__ import annotations

import argparse
import csv
import json
import shutil
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from copies_set import Item, make_set

ACCEPTED = ("exact", "pixel", "near")
EXTRA_STAGES = ("candidates", "proof")


@dataclass
class Outcome:
    """What `dedupctl` said of one set."""

    found: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(edit, kind) of each copy's pair with its original; "missed" and "similar" count as not found."""
    false_pairs: list[tuple[Item, Item, str]] = field(default_factory=list)
    missed: list[tuple[Item, str]] = field(default_factory=list)


def dedupctl(home: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "dedupctl", "--home", str(home), *arguments]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


def judged_pairs(home: Path, work: Path) -> Iterable[tuple[Path, Path, str]]:
    for kinds in (ACCEPTED, ("similar",)):
        table = work / "pairs.csv"
        chosen = [argument for kind in kinds for argument in ("--kind", kind)]
        dedupctl(home, "export", "pairs", *chosen, "-o", str(table))
        with table.open(newline="") as rows:
            for row in csv.DictReader(rows):
                yield Path(row["a"]), Path(row["b"]), row["kind"]


def evaluated(items: Sequence[Item], pairs: Iterable[tuple[Path, Path, str]]) -> Outcome:
    outcome, item_at = Outcome(), {item.path: item for item in items}
    kind_of: dict[Path, str] = {}
    for path_a, path_b, kind in pairs:
        a, b = item_at[path_a], item_at[path_b]
        if a.origin != b.origin:
            if kind in ACCEPTED:
                outcome.false_pairs.append((a, b, kind))
        elif "original" in (a.edit, b.edit):
            kind_of[b.path if a.edit == "original" else a.path] = kind
    for item in items:
        if item.edit != "original":
            kind = kind_of.get(item.path, "missed")
            outcome.found[item.edit, kind] += 1
            if kind not in ACCEPTED:
                outcome.missed.append((item, kind))
    return outcome


def print_table(items: Sequence[Item], outcome: Outcome) -> None:
    false_with = Counter(edit for a, b, _ in outcome.false_pairs for edit in {a.edit, b.edit})
    copies: dict[tuple[str, str], int] = Counter((item.group, item.edit) for item in items if item.edit != "original")
    found = {edit: sum(outcome.found[edit, kind] for kind in ACCEPTED) for _, edit in copies}
    print(f"{'group':8} {'edit':18} {'copies':>6} {'recall':>7} {'precision':>9}   kinds")
    for group, edit in sorted(copies):
        kinds = ", ".join(f"{count} {kind}" for (name, kind), count in sorted(outcome.found.items()) if name == edit)
        recall, precision = found[edit] / copies[group, edit], found[edit] / max(1, found[edit] + false_with[edit])
        print(f"{group:8} {edit:18} {copies[group, edit]:6} {recall:7.4f} {precision:9.4f}   {kinds}")
    totals: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0])
    for (group, edit), count in copies.items():
        totals[group][0] += found[edit]
        totals[group][1] += count
    for group, (hits, count) in sorted(totals.items()):
        print(f"{group:8} {'all':18} {count:6} {hits / count:7.4f}")
    kinds_of_false = Counter(" + ".join(sorted((_family(a), _family(b)))) for a, b, _ in outcome.false_pairs)
    print(
        f"false pairs: {len(outcome.false_pairs)}"
        + "".join(f"\n  {n} {name}" for name, n in kinds_of_false.most_common())
    )


def _family(item: Item) -> str:
    return item.group if item.edit == "original" else f"{item.group} ({item.edit})"


def print_cost(summary: str) -> None:
    seconds, files = json.loads(summary)["seconds"], json.loads(summary)["new"]
    extra = sum(seconds.get(stage, 0.0) for stage in EXTRA_STAGES)
    rest = sum(value for stage, value in seconds.items() if stage not in EXTRA_STAGES)
    print(f"CPU s: {', '.join(f'{stage} {value:.2f}' for stage, value in seconds.items())}; {files} pictures")
    print(f"candidates and proof over the rest: {extra / rest:.1%}")


def print_failures(outcome: Outcome, target: Path) -> None:
    """Every false pair and every miss, a line each, to be looked at."""
    with target.open("w") as lines:
        for a, b, kind in outcome.false_pairs:
            print("false", kind, a.path, b.path, sep="\t", file=lines)
        for item, kind in outcome.missed:
            print("missed", kind, item.edit, item.path, sep="\t", file=lines)
    print(f"each of them: {target}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--scenes", type=Path, help="folders of other shots of one scene")
    parser.add_argument("--edited", type=int, default=40, help="how many photos are edited")
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--config", type=Path, help="a config.toml instead of the defaults")
    parser.add_argument("--work", type=Path, help="where the set and the catalog are made and stay (emptied first)")
    parser.add_argument("--cost", action="store_true", help="only what candidates and proof cost on --photos")
    chosen = parser.parse_args()
    work = chosen.work or Path(tempfile.mkdtemp())
    if work.is_dir() and any(work.iterdir()) and not (work / "home" / "catalog.db").exists():
        parser.error(f"{work} holds something else than a former run; it would be emptied")
    shutil.rmtree(work, ignore_errors=True)
    if chosen.config:
        (work / "home").mkdir(parents=True)
        shutil.copy(chosen.config, work / "home" / "config.toml")
    try:
        if chosen.cost:
            shutil.copytree(chosen.photos, work / "set")
            print_cost(dedupctl(work / "home", "scan", str(work / "set"), "--json"))
            return
        items = make_set(chosen.photos, chosen.scenes, work / "set", chosen.edited, chosen.seed)
        summary = dedupctl(work / "home", "scan", str(work / "set"), "--json")
        outcome = evaluated(items, judged_pairs(work / "home", work))
        print_table(items, outcome)
        print_cost(summary)
        if chosen.work:
            print_failures(outcome, work / "failures.tsv")
    finally:
        if not chosen.work:
            shutil.rmtree(work)


if __name__ == "__main__":
    main()
