"""The policy that was asked for by name, changed by what was said beside the name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from dedupctl.config import PolicyConfig
from dedupctl.errors import UsageError


def policy_named(policies: Mapping[str, PolicyConfig], name: str, changes: Mapping[str, Any]) -> PolicyConfig:
    """The policy of this name with `changes` (fields of `PolicyConfig`) laid over it.

    Raises:
        UsageError: there is no such policy, or the changes do not go with it.
    """
    if name not in policies:
        raise UsageError(f"there is no policy {name!r}; there are {', '.join(sorted(policies))}")
    try:
        return PolicyConfig.model_validate(policies[name].model_dump() | dict(changes))
    except ValidationError as error:
        reason = str(error.errors()[0]["msg"]).removeprefix("Value error, ")
        raise UsageError(f"this does not go with the policy {name!r}: {reason}") from error


def share_allowed(policy: PolicyConfig, asked: float | None) -> float:
    """The percentage of a root's pictures that may be removed: as asked for, else as the policy has it.

    Raises:
        UsageError: not a percentage. "nan" is one to a parser of numbers, and no share is ever larger than that.
    """
    share = policy.max_remove_share if asked is None else asked
    if not 0 <= share <= 100:
        raise UsageError(f"--max-remove-share is a percentage from 0 to 100, not {share:g}")
    return share
