"""A daemon's current state in a small file in the runtime directory, which is in memory so that disks can sleep."""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)


class Heartbeat:
    """The file of one daemon. A failure to write it is logged only once, because nothing depends on the file."""

    def __init__(self, home: Path, environment: Mapping[str, str] = os.environ) -> None:
        self.path = heartbeat_path(home, environment)
        self._has_failed = False

    def write(self, state: Mapping[str, Any]) -> None:
        part = self.path.with_suffix(".part")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            part.write_text(json.dumps(state), encoding="ascii")
            part.replace(self.path)
        except OSError as error:
            if not self._has_failed:
                log.warning("cannot write the heartbeat %s: %s", self.path, error)
            self._has_failed = True

    def remove(self) -> None:
        try:
            self.path.unlink(missing_ok=True)
        except OSError as error:
            log.debug("cannot remove the heartbeat %s: %s", self.path, error)


def heartbeat_path(home: Path, environment: Mapping[str, str] = os.environ) -> Path:
    """In `RUNTIME_DIRECTORY`, which systemd sets, or in the user's runtime directory; without either, in the home."""
    named = environment.get("RUNTIME_DIRECTORY", "").partition(":")[0]
    of_user = environment.get("XDG_RUNTIME_DIR", "")
    if not (named or of_user):
        return home / "heartbeat.json"
    folder = Path(named) if named else Path(of_user, "dedupctl")
    return folder / f"{hashlib.sha256(os.fsencode(home)).hexdigest()[:16]}.json"


def read_heartbeat(path: Path) -> dict[str, Any] | None:
    """The last state the daemon wrote; None if the file is missing or incomplete."""
    try:
        state = json.loads(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
    return state if isinstance(state, dict) else None
