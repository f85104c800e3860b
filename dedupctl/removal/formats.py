"""Plans as JSON and as shell scripts, and outcomes and journal entries as JSON."""

from __future__ import annotations

import itertools
import os
import shlex
from collections.abc import Sequence
from typing import Any

from dedupctl.domain import Action, JournalEntry, PairKind, Plan, Seen, Verb
from dedupctl.matching.keeper import rule_in_words
from dedupctl.paths import split
from dedupctl.removal.apply import Applied
from dedupctl.removal.destinations import Destinations
from dedupctl.removal.outcome import Outcome


def plan_as_json(plan: Plan) -> dict[str, Any]:
    removals = plan.removals
    return {
        "plan": plan.id or None,
        "policy": plan.policy,
        "created_at": plan.created_at,
        "removals": sum(action.verb.removes for action in removals),
        "bytes": sum(action.victim.identity.size for action in removals),
        "actions": [action_as_json(action) for action in removals],
        "skipped": [action_as_json(action) for action in plan.actions if action.skipped is not None],
    }


def action_as_json(action: Action) -> dict[str, Any]:
    return {
        "action": action.verb.value,
        "path": os.fsdecode(action.victim.absolute),
        "size": action.victim.identity.size,
        "keeper": None if action.keeper is None else os.fsdecode(action.keeper.absolute),
        "kind": None if action.kind is None else action.kind.value,
        "score": action.score,
        "rule": action.rule,
        "why": rule_in_words(action.rule),
        "bundle": action.bundle,
        "skipped": action.skipped,
    }


def outcome_as_json(outcome: Outcome) -> dict[str, Any]:
    keeper = outcome.action.keeper
    return {
        "path": os.fsdecode(outcome.action.victim.absolute),
        "state": outcome.state.value,
        "where": None if outcome.where is None else os.fsdecode(outcome.where),
        "keeper": None if keeper is None else os.fsdecode(keeper.absolute),
        "reason": outcome.reason,
    }


def applied_as_json(applied: Applied) -> dict[str, Any]:
    return {
        "plan": applied.plan_id,
        "removed": applied.removed,
        "bytes": applied.bytes_removed,
        "purged": applied.purged,
        "refused": [outcome_as_json(outcome) for outcome in [*applied.refused, *applied.not_purged]],
    }


def entry_as_json(entry: JournalEntry) -> dict[str, Any]:
    keeper = entry.action.keeper
    return {
        "entry": entry.id,
        "at": entry.settled_at or entry.started_at,
        "plan": entry.plan_id,
        "policy": entry.policy,
        "action": entry.action.verb.value,
        "deed": entry.operation.value,
        "state": entry.state.value,
        "path": os.fsdecode(entry.action.victim.absolute),
        "where": os.fsdecode(entry.target) if entry.target is not None and entry.resting else None,
        "keeper": None if keeper is None else os.fsdecode(keeper.absolute),
        "kind": None if entry.action.kind is None else entry.action.kind.value,
        "rule": entry.action.rule,
        "reason": entry.reason,
    }


def plan_as_shell(plan: Plan) -> bytes:
    """A POSIX script that carries out the plan without a journal. Files of a bundle are compared, then moved together,
    never over another file. `delete` only moves files too: nothing in this script deletes a picture.

    The script is bytes because paths are. Every path is absolute, so none can be taken for an option.
    """
    destinations = Destinations(plan.id, plan.terms)
    lines = [b"#!/bin/sh", b"set -eu"]
    for _, bundle in itertools.groupby(plan.removals, key=lambda action: action.bundle):
        lines += _bundle_as_shell(list(bundle), destinations)
    return b"\n".join(lines) + b"\n"


def _bundle_as_shell(bundle: Sequence[Action], destinations: Destinations) -> list[bytes]:
    names = b" ".join(_quoted(action.victim.absolute) for action in bundle)
    if any(action.verb in (Verb.MERGE, Verb.DESCRIBE) for action in bundle):
        return [b"# left out, only dedupctl can merge or write a sidecar: " + names.replace(b"\n", b" ")]
    why = [b"# " + rule_in_words(one.rule).replace("\n", " ").encode("utf-8", "surrogateescape") for one in bundle]
    guards = [_guard(action, action.keeper) for action in bundle if action.keeper is not None]
    moves = [step for action in bundle for step in _moves(action, destinations)]
    return [*why, b" &&\n  ".join([*guards, *moves]) + b" ||\n  echo not all was done: " + names + b" >&2"]


def _guard(action: Action, keeper: Seen) -> bytes:
    victim, kept = _quoted(action.victim.absolute), _quoted(keeper.absolute)
    same_bytes = action.kind is PairKind.EXACT
    return b"cmp -s %s %s" % (victim, kept) if same_bytes else b"test -s %s" % kept


def _moves(action: Action, destinations: Destinations) -> list[bytes]:
    victim, target = action.victim.absolute, destinations.choose(action).absolute
    steps = [b"mkdir -p %s" % _quoted(split(target)[0]), b"mv -n %s %s" % (_quoted(victim), _quoted(target))]
    commands = {Verb.HARDLINK: b"ln", Verb.SYMLINK: b"ln -s", Verb.REFLINK: b"cp --reflink=always"}
    if action.verb in commands and action.keeper is not None:
        steps.append(b"%s %s %s" % (commands[action.verb], _quoted(action.keeper.absolute), _quoted(victim)))
    return steps


def _quoted(path: bytes) -> bytes:
    return os.fsencode(shlex.quote(os.fsdecode(path)))
