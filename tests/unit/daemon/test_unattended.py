"""The daemon acts by itself where a policy says so: within its guards, not too often, and never in silence."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from living_library import LivingLibrary, picture, quarantined, same_pixels, tree

from dedupctl.config import PolicyConfig
from dedupctl.daemon import unattended
from dedupctl.daemon.notify import Notifier
from dedupctl.daemon.pulse import Pulse
from dedupctl.daemon.unattended import Unattended
from dedupctl.disk.steps import Step
from dedupctl.errors import DedupctlError, StoreDamaged
from dedupctl.removal import recover
from dedupctl.removal.recover import acting

ALONE = PolicyConfig(unattended=True, max_remove_share=100)


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Daemon:
    """What the service would have of it, and the lines it would log."""

    library: LivingLibrary
    root: Path
    said: list[str] = field(default_factory=list)

    def with_policies(self, policies: Mapping[str, PolicyConfig], *, purges: bool = False) -> Unattended:
        return Unattended(
            self.library.home,
            self.library.catalog,
            policies,
            purges=purges,
            same_pixels=same_pixels,
            is_stopped=lambda: False,
            pulse=Pulse(Notifier(None), lambda: False),
            say=self.said.append,
        )

    def save(self, *names: str, data: bytes) -> None:
        for name in names:
            (self.root / name).write_bytes(data)
        self.library.scan()

    def plans(self) -> int:
        with self.library.catalog.read() as tx:
            return len(tx.plans.all())


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(unattended.time, "monotonic", clock)
    return clock


@pytest.fixture
def daemon(tmp_path: Path, empty_catalog: Path) -> Iterator[Daemon]:
    library = LivingLibrary(tmp_path, empty_catalog)
    yield Daemon(library, library.add_root("photos"))
    library.close()


def test_copies_go_once_the_library_was_scanned_and_the_log_says_so(daemon: Daemon) -> None:
    daemon.save("a.jpg", "a copy.jpg", data=picture(1))
    daemon.save("a edited.jpg", data=picture(1, 0, "edited"))
    acts = daemon.with_policies({"alone": ALONE})
    acts.act_when_due()
    assert len(tree(daemon.root)) == 3
    acts.after_scan()
    acts.act_when_due()
    assert len(tree(daemon.root)) == 1
    assert daemon.said == ["policy alone, plan 1: 2 files removed (54 bytes)"]


def test_a_policy_that_is_not_unattended_and_a_near_copy_wait_for_a_person(daemon: Daemon) -> None:
    daemon.save("a.jpg", "a copy.jpg", data=picture(1))
    daemon.save("b.jpg", data=picture(2, 0))
    daemon.save("b small.jpg", data=picture(2, 1))
    near = PolicyConfig(kinds=("near",), unattended=True, max_remove_share=100)
    for policies in ({"safe": PolicyConfig()}, {"near": near}):
        acts = daemon.with_policies(policies)
        acts.after_scan()
        acts.act_when_due()
    assert len(tree(daemon.root)) == 4
    tidy = PolicyConfig(kinds=("exact", "near"), unattended=True, max_remove_share=100)
    acts = daemon.with_policies({"tidy": tidy})
    acts.after_scan()
    acts.act_when_due()
    assert sorted(tree(daemon.root)) == ["a.jpg", "b small.jpg", "b.jpg"]


@pytest.mark.parametrize("guard", [{"min_age_days": 1.0}, {"min_size": 10_000}])
def test_the_guards_of_age_and_size_hold_here_too(daemon: Daemon, guard: dict[str, float]) -> None:
    daemon.save("a.jpg", "a copy.jpg", data=picture(1))
    acts = daemon.with_policies({"alone": ALONE.model_copy(update=guard)})
    acts.after_scan()
    acts.act_when_due()
    assert len(tree(daemon.root)) == 2
    assert (daemon.said, daemon.plans()) == ([], 0)


def test_past_the_cap_nothing_is_done_and_it_is_said_once_until_the_next_scan(daemon: Daemon, clock: Clock) -> None:
    daemon.save("a.jpg", "a copy.jpg", data=picture(1))
    acts = daemon.with_policies({"alone": ALONE.model_copy(update={"max_remove_share": 30})})
    for change in (acts.after_scan, acts.after_batch, acts.after_batch, acts.after_scan):
        change()
        acts.act_when_due()
        clock.now += unattended.PAUSE_SECONDS
    assert len(tree(daemon.root)) == 2
    assert len(daemon.said) == 2
    assert all("more than 30 %" in line for line in daemon.said)


def test_many_batches_of_an_import_are_one_run(daemon: Daemon, clock: Clock) -> None:
    acts = daemon.with_policies({"alone": ALONE})
    daemon.save("a.jpg", "a copy.jpg", data=picture(1))
    acts.after_scan()
    acts.act_when_due()
    for number in range(5):
        daemon.save(f"{number}.jpg", f"{number} copy.jpg", data=picture(10 + number))
        acts.after_batch()
        acts.act_when_due()
    assert daemon.plans() == 1
    clock.now += unattended.PAUSE_SECONDS
    acts.act_when_due()
    assert daemon.plans() == 2
    assert len(tree(daemon.root)) == 6


def test_a_file_left_alone_is_named_and_not_tried_at_every_batch(daemon: Daemon, clock: Clock) -> None:
    daemon.save("a.jpg", "a copy.jpg", data=picture(1))
    (daemon.root / "a copy.jpg").write_bytes(picture(9))
    acts = daemon.with_policies({"alone": ALONE})
    for _ in range(3):
        acts.after_batch()
        acts.act_when_due()
        clock.now += unattended.PAUSE_SECONDS
    assert daemon.plans() == 1
    assert daemon.said == [
        "policy alone, plan 1: 0 files removed (0 bytes), 1 left alone",
        f"left alone: {daemon.root}/a copy.jpg: it has changed since the plan was made",
    ]


def test_what_a_person_restored_is_not_taken_away_again(daemon: Daemon, clock: Clock) -> None:
    daemon.save("a.jpg", "a copy.jpg", data=picture(1))
    acts = daemon.with_policies({"alone": ALONE})
    acts.after_scan()
    acts.act_when_due()
    daemon.library.restore_all()
    clock.now += unattended.PAUSE_SECONDS
    acts.after_batch()
    acts.act_when_due()
    assert len(tree(daemon.root)) == 2
    assert daemon.plans() == 1


def test_while_a_command_acts_the_daemon_waits_and_says_so(daemon: Daemon, clock: Clock) -> None:
    daemon.save("a.jpg", "a copy.jpg", data=picture(1))
    acts = daemon.with_policies({"alone": ALONE})
    acts.after_scan()
    with acting(daemon.library.home, daemon.library.catalog):
        acts.settle_journal()
        acts.act_when_due()
    assert len(tree(daemon.root)) == 2
    assert "another dedupctl" in daemon.said[-1]
    clock.now += unattended.PAUSE_SECONDS
    acts.act_when_due()
    assert len(tree(daemon.root)) == 1


def test_what_was_cut_off_is_settled_and_named(daemon: Daemon) -> None:
    daemon.save("a.jpg", "a copy.jpg", data=picture(1))
    cut_off(lambda steps: daemon.library.apply(daemon.library.plan(), steps=steps))
    daemon.with_policies({}).settle_journal()
    assert daemon.said == [f"a remove was interrupted: {daemon.root}/a copy.jpg: done"]
    with daemon.library.catalog.read() as tx:
        assert tx.journal.open() == []


@pytest.mark.parametrize("failure", [DedupctlError("the disk failed"), OSError(errno.EIO, "the disk failed")])
def test_a_journal_that_cannot_be_settled_is_said_and_the_daemon_goes_on(
    daemon: Daemon, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise failure

    monkeypatch.setattr(recover, "recover", fails)
    daemon.with_policies({}).settle_journal()
    assert len(daemon.said) == 1
    assert "the disk failed" in daemon.said[0]


def test_a_store_that_is_damaged_still_ends_the_daemon(daemon: Daemon, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise StoreDamaged("the catalog is damaged")

    monkeypatch.setattr(recover, "recover", fails)
    with pytest.raises(StoreDamaged):
        daemon.with_policies({}).settle_journal()


class Died(BaseException):
    pass


def cut_off(operation: Callable[[Callable[[Step], None]], object]) -> None:
    def dies(step: Step) -> None:
        if step is Step.SYNCED:
            raise Died

    with pytest.raises(Died):
        operation(dies)


def test_what_is_past_its_retention_is_ended_once_a_day_if_that_is_wanted(daemon: Daemon, clock: Clock) -> None:
    daemon.save("a.jpg", "a copy.jpg", data=picture(1))
    waiting = daemon.with_policies({"alone": ALONE.model_copy(update={"retention_days": 30.0})})
    waiting.after_scan()
    waiting.act_when_due()
    ending = daemon.with_policies({"alone": ALONE.model_copy(update={"retention_days": 0.0})}, purges=True)
    ending.purge_when_due()
    assert len(quarantined(daemon.root)) == 1, "it has a month left"
    daemon.save("b.jpg", "b copy.jpg", data=picture(2))
    ending.after_scan()
    ending.act_when_due()
    ending.purge_when_due()
    assert len(quarantined(daemon.root)) == 2, "the next look is tomorrow"
    clock.now += 86_400.0
    daemon.with_policies({}).purge_when_due()
    assert len(quarantined(daemon.root)) == 2, "nobody has asked for it"
    ending.purge_when_due()
    assert len(quarantined(daemon.root)) == 1
    assert daemon.said[-1] == "purged 1 file past their retention (27 bytes)"
    assert sorted(tree(daemon.root)) == ["a.jpg", "b.jpg"]


def test_where_the_daemon_may_not_write_the_policy_waits_and_names_the_drop_in(
    daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    daemon.save("a.jpg", "a copy.jpg", data=picture(1))
    acts = daemon.with_policies({"alone": ALONE})
    monkeypatch.setattr(unattended.os, "access", lambda path, how: (path, how) != (bytes(daemon.root), os.W_OK))
    acts.after_scan()
    acts.act_when_due()
    (said,) = daemon.said
    assert said.startswith(f"policy alone waits: this daemon may not write to {daemon.root} ")
    assert "systemd/act-in-a-root.conf" in said
    assert (len(tree(daemon.root)), daemon.plans()) == (2, 0)
    monkeypatch.undo()
