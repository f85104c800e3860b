from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from living_library import LivingLibrary, picture
from visitor import Visitor, wait_until

from dedupctl.catalog.catalog import DAEMON_STATE
from dedupctl.report.wording import size
from dedupctl.web.dashboard import look


def tell(library: LivingLibrary, **state: object) -> None:
    usual = {"pid": os.getpid(), "doing": "watching", "settling": 2, "roots": {"/photos": "watched"}}
    with library.catalog.write() as tx:
        tx.meta.put(DAEMON_STATE, json.dumps(usual | state))


def test_savings_add_up_and_what_is_restored_does_not_count(living: LivingLibrary, root: Path) -> None:
    for scene in (1, 2):
        (root / f"{scene}.jpg").write_bytes(picture(scene))
        (root / f"{scene} copy.jpg").write_bytes(picture(scene))
    living.scan()
    living.apply(living.plan())
    with living.catalog.read() as tx:
        now = look(tx)
    assert now.saved == [("2027-01-15", len(picture(1)) + len(picture(2)))]
    assert now.line == "0,100 0.00,100.00 0.00,0.00 100,0.00"
    living.restore_all()
    with living.catalog.read() as tx:
        assert look(tx).saved == []


def test_space_to_free_is_drawn_by_kind(living: LivingLibrary, root: Path, reviewer: Visitor) -> None:
    for name in ("a.jpg", "b.jpg"):
        (root / name).write_bytes(picture(1))
    living.scan()
    wait_until(lambda: 'href="/?kind=exact"' in reviewer.get("/dashboard").text)
    text = reviewer.get("/dashboard").text
    assert f'aria-label="Space to free by kind: exact {size(len(picture(1)))}"' in text
    assert f"{size(len(picture(1)))} in 1 cluster" in text


def test_a_running_daemon_is_shown_as_it_describes_itself(living: LivingLibrary, reviewer: Visitor) -> None:
    assert "not running" in reviewer.get("/dashboard").text
    tell(living)
    text = reviewer.get("/dashboard").text
    assert "watching, 2 files still being written" in text
    assert "/photos" in text


@pytest.mark.parametrize("state", [{"doing": "stopped"}, {"pid": 2**30}])
def test_a_daemon_that_ended_or_died_is_not_running(living: LivingLibrary, state: dict[str, object]) -> None:
    tell(living, **state)
    with living.catalog.read() as tx:
        assert look(tx).watch is None
