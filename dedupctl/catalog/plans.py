"""Plans: the frozen lists of what would be done, and why."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Row, exists, func, insert, select

from dedupctl.catalog.ids import next_id
from dedupctl.catalog.row_decoding import decodes_rows_of
from dedupctl.catalog.schema import actions, journal, plans
from dedupctl.domain import Action, Identity, PairKind, Plan, PlanSummary, Seen, Terms, Verb


class Plans:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, policy: str, terms: Terms, listed: Sequence[Action], at: int) -> Plan:
        values = {"created_at": at, "policy": policy, "terms": _terms_to_json(terms)}
        plan_id = int(self._connection.execute(insert(plans).values(**values).returning(plans.c.id)).scalar_one())
        first = next_id(self._connection, actions)
        stored = tuple(replace(action, id=first + place) for place, action in enumerate(listed))
        if stored:
            self._connection.execute(insert(actions), [_values(plan_id, action) for action in stored])
        return Plan(plan_id, at, policy, terms, stored)

    def get(self, plan_id: int) -> Plan | None:
        header = self._header(plan_id)
        if header is None:
            return None
        query = select(actions).where(actions.c.plan_id == plan_id).order_by(actions.c.bundle, actions.c.id)
        listed = tuple(action_from_row(row) for row in self._connection.execute(query))
        return replace(header, actions=listed)

    def terms(self, plan_id: int) -> Terms | None:
        header = self._header(plan_id)
        return None if header is None else header.terms

    def all(self) -> list[PlanSummary]:
        """Every plan, newest first."""
        removes = actions.c.verb != Verb.DESCRIBE
        removals = func.count(actions.c.id).filter(actions.c.skipped.is_(None), removes).label("removals")
        done = func.count(actions.c.id).filter(actions.c.id.in_(_DONE), removes).label("done")
        query = (
            select(plans.c.id, plans.c.created_at, plans.c.policy, removals, done)
            .join(actions, actions.c.plan_id == plans.c.id, isouter=True)
            .group_by(plans.c.id)
            .order_by(plans.c.id.desc())
        )
        return [
            PlanSummary(row.id, row.created_at, row.policy, row.removals, row.done)
            for row in self._connection.execute(query)
        ]

    def pending(self, plan_id: int, *, after: int, limit: int) -> list[list[Action]]:
        """The next bundles above number `after`, at most `limit`, in which nothing was done, intended or undone yet."""
        wanted = (
            select(actions.c.bundle)
            .where(actions.c.plan_id == plan_id, actions.c.bundle > after, *_NOT_BEGUN)
            .distinct()
            .order_by(actions.c.bundle)
            .limit(limit)
        )
        query = (
            select(actions)
            .where(actions.c.plan_id == plan_id, actions.c.bundle.in_(wanted))
            .order_by(actions.c.bundle, actions.c.id)
        )
        found = [action_from_row(row) for row in self._connection.execute(query)]
        return [list(group) for _, group in itertools.groupby(found, key=lambda action: action.bundle)]

    def count_pending(self, plan_id: int) -> int:
        """The number of files that `pending` would return in all."""
        query = select(func.count(actions.c.id)).where(actions.c.plan_id == plan_id, *_NOT_BEGUN)
        return int(self._connection.execute(query).scalar_one())

    def bundle(self, plan_id: int, bundle: int) -> list[Action]:
        """The actions of one bundle, which happen together or not at all."""
        query = select(actions).where(actions.c.plan_id == plan_id, actions.c.bundle == bundle).order_by(actions.c.id)
        return [action_from_row(row) for row in self._connection.execute(query)]

    def removals_by_root(self, plan_id: int) -> Mapping[bytes, int]:
        """The number of pictures that the plan removes from each root, whether done or not."""
        query = select(actions.c.victim_root, func.count()).where(
            actions.c.plan_id == plan_id, actions.c.skipped.is_(None), actions.c.kind.is_not(None)
        )
        return dict(self._connection.execute(query.group_by(actions.c.victim_root)).all())

    def _header(self, plan_id: int) -> Plan | None:
        row = self._connection.execute(select(plans).where(plans.c.id == plan_id)).one_or_none()
        return None if row is None else Plan(row.id, row.created_at, row.policy, terms_from_json(row.terms), ())


_SIBLING = actions.alias()
_NOT_BEGUN = (
    actions.c.skipped.is_(None),
    ~exists(
        select(journal.c.id)
        .join(_SIBLING, _SIBLING.c.id == journal.c.action_id)
        .where(_SIBLING.c.plan_id == actions.c.plan_id, _SIBLING.c.bundle == actions.c.bundle)
        .where(journal.c.deed == "remove", journal.c.state.in_(("intended", "done", "undone")))
        .correlate(actions)
    ),
)
_DONE = select(journal.c.action_id).where(journal.c.deed == "remove", journal.c.state == "done")


@decodes_rows_of("actions")
def action_from_row(row: Row[Any]) -> Action:
    """The action in a row that has all columns of `actions` under their own names."""
    keeper = None
    if row.keeper_path is not None:
        keeper = Seen(row.keeper_root, row.keeper_path, _identity(row.keeper_identity), row.keeper_digest)
    return Action(
        bundle=row.bundle,
        verb=Verb(row.verb),
        victim=Seen(row.victim_root, row.victim_path, _identity(row.victim_identity), row.victim_digest),
        keeper=keeper,
        kind=None if row.kind is None else PairKind(row.kind),
        score=row.score,
        rule=row.rule,
        skipped=row.skipped,
        id=row.id,
    )


def _values(plan_id: int, action: Action) -> dict[str, Any]:
    keeper = action.keeper
    return {
        "id": action.id,
        "plan_id": plan_id,
        "bundle": action.bundle,
        "verb": action.verb.value,
        "victim_root": action.victim.root,
        "victim_path": action.victim.path,
        "victim_identity": json.dumps(action.victim.identity),
        "victim_digest": action.victim.digest,
        "keeper_root": None if keeper is None else keeper.root,
        "keeper_path": None if keeper is None else keeper.path,
        "keeper_identity": None if keeper is None else json.dumps(keeper.identity),
        "keeper_digest": None if keeper is None else keeper.digest,
        "kind": None if action.kind is None else action.kind.value,
        "score": action.score,
        "rule": action.rule,
        "skipped": action.skipped,
    }


def _identity(text: str) -> Identity:
    return Identity(*json.loads(text))


def _terms_to_json(terms: Terms) -> str:
    move_to = None if terms.move_to is None else os.fsdecode(terms.move_to)
    return json.dumps(
        {
            "kinds": [kind.value for kind in terms.kinds],
            "move_to": move_to,
            "retention_days": terms.retention_days,
            "quarantine": terms.quarantine,
            "unattended": terms.unattended,
            "with_annotations": terms.with_annotations,
            "merge_sidecars": terms.merge_sidecars,
        }
    )


@decodes_rows_of("plans")
def terms_from_json(text: str) -> Terms:
    """The stored terms of a policy.

    Raises:
        StoreDamaged: they cannot be read.
    """
    values = json.loads(text)
    move_to = values["move_to"]
    return Terms(
        kinds=tuple(PairKind(kind) for kind in values["kinds"]),
        move_to=None if move_to is None else os.fsencode(move_to),
        retention_days=values["retention_days"],
        quarantine=values["quarantine"],
        unattended=values["unattended"],
        # Plans of earlier versions lack these. Without the permission a plan only refuses more.
        with_annotations=values.get("with_annotations", False),
        merge_sidecars=values.get("merge_sidecars", False),
    )
