"""Prove a `pixel` pair again from the two files, in the run that removes one of them.

The catalog only holds a digest from an earlier run. Before a picture is removed, the pixels are compared again: by the
image streams if those are conclusive, else by the decoded pixels. The caller passes in what compares them, because a
decoder belongs in a process of its own, with limits on memory and time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

from dedupctl.catalog.catalog import Catalog
from dedupctl.disk.refusal import Refused
from dedupctl.disk.verification import Checked
from dedupctl.domain import Action, PairKind, Unreadable, Verdict

SamePixels: TypeAlias = Callable[[bytes, bytes], bool | Unreadable]
"""Whether the files at two absolute paths show the same pixels; Unreadable if that cannot be found out."""
SAYING_PIXELS = frozenset({"stream", "pixels"})
"""Methods of `Evidence` that state that two pictures have the same pixels."""


def with_pixels_proven(
    catalog: Catalog,
    actions: Iterable[Action],
    results: Mapping[int, Checked | Refused],
    same_pixels: SamePixels,
    between: Callable[[], None],
) -> dict[int, Checked | Refused]:
    """The results of reading victims and kept copies, with a refusal where the two turn out to have different pixels.

    `between` is called after each comparison: some take a second, and a watchdog expects signs of life.
    """
    checked = [action for action in actions if isinstance(results[action.id], Checked)]
    resting = _resting_on_pixels(catalog, checked)
    proven = dict(results)
    for action in resting:
        doubt = _doubt(action, same_pixels)
        if doubt is not None:
            proven[action.id] = Refused(doubt)
        between()
    return proven


def _resting_on_pixels(catalog: Catalog, actions: Iterable[Action]) -> list[Action]:
    """The actions whose only proof is equal pixels. A verdict `same` needs no proof."""
    found = []
    with catalog.read() as tx:
        for action in actions:
            keeper, victim = action.keeper, action.victim
            if action.kind is not PairKind.PIXEL or keeper is None or keeper.digest == victim.digest:
                continue
            if tx.verdicts.between(keeper.digest, victim.digest) is Verdict.SAME:
                continue
            kept, removed = tx.contents.id_of(keeper.digest), tx.contents.id_of(victim.digest)
            pair = None if kept is None or removed is None else tx.pairs.between(kept, removed)
            if pair is not None and pair.evidence.method in SAYING_PIXELS:
                found.append(action)
    return found


def _doubt(action: Action, same_pixels: SamePixels) -> str | None:
    """Why the two files may not show the same pixels, in words; None if they do."""
    assert action.keeper is not None
    same = same_pixels(action.victim.absolute, action.keeper.absolute)
    if isinstance(same, Unreadable):
        return f"its pixels could not be compared with those of the kept copy: {same.message}"
    return None if same else "it does not show the same pixels as the kept copy"
