"""Prove a `pixel` pair again from the two files, in the run that removes one of them.

The catalog only holds a digest from an earlier run. Before a picture is removed, the pixels are compared again: by the
image streams if those are conclusive, else by the decoded pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from dedupctl.catalog.catalog import Catalog
from dedupctl.disk.refusal import Refused
from dedupctl.disk.verification import Checked
from dedupctl.domain import Action, PairKind, Verdict
from dedupctl.fingerprint.jpeg_streams import streams_equal
from dedupctl.fingerprint.pixels import pixels_equal

SAYING_PIXELS = frozenset({"stream", "pixels"})
"""Methods of `Evidence` that state that two pictures have the same pixels."""


def with_pixels_proven(
    catalog: Catalog,
    actions: Iterable[Action],
    results: Mapping[int, Checked | Refused],
    between: Callable[[], None],
) -> dict[int, Checked | Refused]:
    """The results of reading victims and kept copies, with a refusal where the two turn out to have different pixels.

    `between` is called after each comparison: some take a second, and a watchdog expects signs of life.
    """
    checked = [action for action in actions if isinstance(results[action.id], Checked)]
    resting = _resting_on_pixels(catalog, checked)
    refused = Refused("it does not show the same pixels as the kept copy")
    proven = dict(results)
    for action in resting:
        if not _show_same_pixels(action):
            proven[action.id] = refused
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


def _show_same_pixels(action: Action) -> bool:
    assert action.keeper is not None
    victim, keeper = action.victim.absolute, action.keeper.absolute
    return streams_equal(victim, keeper) or pixels_equal(victim, keeper)
