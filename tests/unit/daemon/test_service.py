"""The daemon's view of its roots, without its loop."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from dedupctl.daemon.notify import Notifier
from dedupctl.daemon.service import Service
from dedupctl.daemon.watcher import Watcher
from dedupctl.indexing.roots import add_root
from dedupctl.indexing.scan import is_tool_name
from dedupctl.workspace import Workspace


class BlindWatcher(Watcher):
    """No watch can be set on any root."""

    def watch(self, root: bytes) -> None:  # type: ignore[override]
        raise PermissionError(13, "Permission denied", root)


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def service(tmp_path: Path, told: list[str]) -> Iterator[Service]:
    (tmp_path / "photos").mkdir()
    with Workspace.open(tmp_path / "home", create=True) as workspace:
        add_root(workspace.catalog, os.fsencode(tmp_path / "photos"))
        service = Service(workspace, Notifier.from_environment(), lambda: False, told.append)
        service._watcher = BlindWatcher(is_tool_name=is_tool_name, polling_seconds=60.0, always_poll=True)
        yield service
        service._watcher.close()


def test_a_root_that_cannot_be_watched_is_not_visited_again_and_again(service: Service, told: list[str]) -> None:
    assert [service._check_roots() for _ in range(3)] == [[], [], []]
    assert len(told) == 1
    assert told[0].endswith("photos is offline, its pictures stay known: Permission denied")
