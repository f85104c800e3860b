from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from dedupctl.catalog import engine
from dedupctl.catalog.catalog import DAEMON_OUTAGE, Catalog
from dedupctl.daemon import lifetime
from dedupctl.daemon.lifetime import Lifetime
from dedupctl.daemon.notify import Notifier
from dedupctl.errors import StoreDamaged, StoreUnavailable, UsageError
from dedupctl.indexing.roots import add_root
from dedupctl.workspace import Workspace


class Lives:
    """What one life after the other does in place of watching."""

    def __init__(self, home: Path, *ends: BaseException | Callable[[], None]) -> None:
        self.home = home
        self.ends = list(ends)
        self.said: list[str] = []
        self.served = 0
        self.is_over = False
        self.is_service_over: Callable[[], bool] = lambda: False

    def service(self, workspace: Workspace, *_: object) -> Lives:
        assert workspace.home == self.home
        return self

    def run(self) -> None:
        self.served += 1
        end = self.ends.pop(0) if self.ends else None
        if isinstance(end, BaseException):
            raise end
        if end is not None:
            end()

    def live(self) -> None:
        Lifetime(self.home, Notifier(None), lambda: self.is_over, self.said.append).run()

    def outage(self) -> str | None:
        with Catalog.open(self.home / "catalog.db") as catalog, catalog.read() as tx:
            outage: str | None = tx.meta.document(DAEMON_OUTAGE)
            return outage


OpenLives = Callable[..., Lives]


@pytest.fixture
def lives_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OpenLives:
    monkeypatch.setattr(lifetime, "FIRST_PAUSE_SECONDS", 0.01)

    def begin(*ends: BaseException | Callable[[], None]) -> Lives:
        (tmp_path / "photos").mkdir(exist_ok=True)
        with Workspace.open(tmp_path / "home", create=True) as workspace:
            add_root(workspace.catalog, os.fsencode(tmp_path / "photos"))
        lives = Lives(tmp_path / "home", *ends)
        monkeypatch.setattr(lifetime, "Service", lives.service)
        return lives

    return begin


def test_a_store_that_is_unavailable_is_waited_for_and_everything_begins_anew(lives_of: OpenLives) -> None:
    lives = lives_of(StoreUnavailable("the disk is full"), StoreUnavailable("the disk is still full"))
    lives.live()
    assert lives.served == 3
    assert lives.said == [
        "waiting until the stores can be used again: the disk is full",
        "the stores can be used again; everything is scanned again",
        "waiting until the stores can be used again: the disk is still full",
        "the stores can be used again; everything is scanned again",
    ]
    assert (lives.outage() or "").endswith("the disk is still full")


def test_a_catalog_that_is_locked_at_the_start_is_waited_for(
    lives_of: OpenLives, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "BUSY_TIMEOUT_MS", 10)
    lives = lives_of()
    lives.live()
    other = sqlite3.connect(lives.home / "catalog.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    waits: list[str] = []

    def say(line: str) -> None:
        waits.append(line)
        other.rollback()

    Lifetime(lives.home, Notifier(None), lambda: False, say).run()
    other.close()
    assert lives.served == 2
    assert [line.partition(":")[0] for line in waits] == [
        "waiting until the stores can be used again",
        "the stores can be used again; everything is scanned again",
    ]


def test_waiting_ends_when_it_is_time_to_stop(lives_of: OpenLives, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lifetime, "FIRST_PAUSE_SECONDS", 3600.0)
    lives = lives_of()

    def stop_and_fail() -> None:
        lives.is_over = True
        raise StoreUnavailable("full")

    lives.ends.append(stop_and_fail)
    lives.live()
    assert lives.served == 1


def test_a_store_that_is_damaged_ends_it(lives_of: OpenLives) -> None:
    lives = lives_of(StoreDamaged("no database"))
    with pytest.raises(StoreDamaged):
        lives.live()


def test_the_pauses_grow_and_begin_anew_after_a_long_life(lives_of: OpenLives, monkeypatch: pytest.MonkeyPatch) -> None:
    rests: list[float] = []
    monkeypatch.setattr(lifetime.Pulse, "rest", lambda _pulse, seconds: rests.append(seconds))
    monkeypatch.setattr(lifetime, "FIRST_PAUSE_SECONDS", 1.0)
    lives_of(*[StoreUnavailable("full")] * 8).live()
    assert rests == [1, 2, 4, 8, 16, 32, 60, 60]
    rests.clear()
    monkeypatch.setattr(lifetime, "HEALTHY_SECONDS", 0.0)
    lives_of(*[StoreUnavailable("full")] * 3).live()
    assert rests == [1, 1, 1]


def test_the_folders_it_is_given_become_roots(lives_of: OpenLives, tmp_path: Path) -> None:
    more = tmp_path / "more"
    more.mkdir()
    lives = lives_of()
    Lifetime(lives.home, Notifier(None), lambda: False, lives.said.append).run([os.fsencode(more)])
    with Catalog.open(lives.home / "catalog.db") as catalog, catalog.read() as tx:
        assert os.fsencode(more) in {root.path for root in tx.roots.all()}


def test_without_any_root_it_does_not_begin_but_it_outlives_the_removal_of_the_last(lives_of: OpenLives) -> None:
    lives = lives_of()

    def remove_roots_and_fail() -> None:
        with Catalog.open(lives.home / "catalog.db") as catalog, catalog.write() as tx:
            for root in tx.roots.all():
                tx.roots.remove(root.id)
        raise StoreUnavailable("full")

    lives.ends.append(remove_roots_and_fail)
    lives.live()
    assert lives.served == 2
    with pytest.raises(UsageError):
        lives.live()


def test_another_configuration_is_taken_up_at_a_hangup_and_an_invalid_one_is_refused(
    lives_of: OpenLives, monkeypatch: pytest.MonkeyPatch
) -> None:
    lives = lives_of()
    config = lives.home / "config.toml"
    hangups: list[bool] = []
    seen: list[float] = []

    def service(
        workspace: Workspace, _notifier: Notifier, _pulse: object, is_over: Callable[[], bool], _: object
    ) -> Lives:
        seen.append(workspace.config.watch.settle_seconds)
        lives.is_service_over = is_over
        return lives

    monkeypatch.setattr(lifetime, "Service", service)

    def hang_up(text: str) -> bool:
        config.write_text(text)
        hangups.append(True)
        return lives.is_service_over()

    def first_life() -> None:
        assert not lives.is_service_over()
        assert not hang_up("[watch]\nsettle_secunds = 3.0\n")
        assert not hang_up("")
        assert hang_up("[watch]\nsettle_seconds = 7.0\n")

    lives.ends += [first_life, StoreUnavailable("full"), lambda: config.write_text("broken meanwhile")]
    Lifetime(
        lives.home, Notifier(None), lambda: False, lives.said.append, lambda: bool(hangups and hangups.pop())
    ).run()
    assert seen == [2.0, 7.0, 7.0]
    assert [line.partition(":")[0] for line in lives.said] == [
        "the configuration is invalid and was not reloaded",
        "the configuration has not changed",
        "the configuration was reloaded",
        "waiting until the stores can be used again",
        "the stores can be used again; everything is scanned again",
    ]
    assert "watch.settle_secunds" in lives.said[0]
