"""How removals, restorations and purges ended, told to a person."""

from __future__ import annotations

from collections.abc import Sequence

from dedupctl.commands.messages import say
from dedupctl.domain import EntryState
from dedupctl.removal.outcome import Outcome
from dedupctl.report.wording import counted, shown

SHOWN_UNSETTLED = 20


def say_settled(settled: Sequence[Outcome]) -> None:
    """Say what an earlier run was cut off at, and what became of it before anything new was done."""
    left = [outcome for outcome in settled if outcome.state is EntryState.INTENDED]
    if ended := len(settled) - len(left):
        say(f"an earlier run was cut off: {counted(ended, 'file')} settled (`dedupctl log` lists them)")
    for outcome in left[:SHOWN_UNSETTLED]:
        say(f"not settled yet: {shown(outcome.action.victim.absolute)}: {shown(outcome.reason or '')}")
    if len(left) > SHOWN_UNSETTLED:
        say(f"... and {len(left) - SHOWN_UNSETTLED:,} more")


def say_left_alone(outcomes: Sequence[Outcome]) -> None:
    """Name every file that was left alone, with the reason, on stderr."""
    for outcome in outcomes:
        say(f"left alone: {shown(outcome.action.victim.absolute)}: {shown(outcome.reason or '')}")
