"""The policy that was asked for by name, with the changes that were asked for with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from dedupctl.config import PolicyConfig
from dedupctl.errors import UsageError


def policy_named(policies: Mapping[str, PolicyConfig], name: str, changes: Mapping[str, Any]) -> PolicyConfig:
    """The policy of this name, with `changes` to fields of `PolicyConfig`.

    An action other than "move-to" leaves out the folder that the policy moves to.

    Raises:
        UsageError: there is no such policy, or the changes do not go with it.
    """
    if name not in policies:
        raise UsageError(f"there is no policy {name!r}; there are {', '.join(sorted(policies))}")
    without_folder = {"move_to": None} if changes.get("action", "move-to") != "move-to" else {}
    try:
        return PolicyConfig.model_validate(policies[name].model_dump() | without_folder | dict(changes))
    except ValidationError as error:
        reason = str(error.errors()[0]["msg"]).removeprefix("Value error, ")
        raise UsageError(f"this does not go with the policy {name!r}: {reason}") from error


def share_allowed(policy: PolicyConfig, asked: float | None) -> float:
    """The percentage of a root's pictures that may be removed: as asked for, or else as the policy says.

    Raises:
        UsageError: it is not a percentage. "nan" parses as a number, and no share is ever larger than it.
    """
    share = policy.max_remove_share if asked is None else asked
    if not 0 <= share <= 100:
        raise UsageError(f"--max-remove-share is a percentage from 0 to 100, not {share:g}")
    return share
