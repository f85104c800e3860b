"""Turn members of a cluster into the actions of a plan, bundled with the companions of each picture."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from dedupctl.disk.reading import Reader
from dedupctl.domain import Action, Member, Root, Seen, Verb
from dedupctl.paths import relative_to
from dedupctl.policy.companions import Companions


def action_on(member: Member, keeper: Member, roots: Mapping[int, Root], verb: Verb, rule: str) -> Action:
    """The action on this member in favour of that keeper; its bundle is not known yet."""
    return Action(
        bundle=0,
        verb=verb,
        victim=_seen(member, roots),
        keeper=_seen(keeper, roots),
        kind=member.kind,
        score=member.score,
        rule=rule,
    )


def bundled(
    decided: Iterable[Action], *, with_annotations: bool = False, merge_sidecars: bool = False
) -> Iterator[Action]:
    """The actions, numbered by bundle: first what is removed, with its companions, then what stays."""
    every = list(decided)
    going = {action.victim.absolute: action for action in every if action.skipped is None}
    staying = ([action] for action in every if action.skipped is not None)
    companions = Companions(going, Reader(), with_annotations=with_annotations, merge_sidecars=merge_sidecars)
    bundles = [*companions.bundles(), *staying]
    for number, bundle in enumerate(bundles, start=1):
        for action in bundle:
            yield replace(action, bundle=number)


def _seen(member: Member, roots: Mapping[int, Root]) -> Seen:
    root = roots[member.root_id].path
    return Seen(root, relative_to(member.path, root), member.identity, member.content.digest)
