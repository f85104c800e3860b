"""The daemon's view of its roots, without its loop."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from dedupctl.catalog.catalog import Catalog
from dedupctl.daemon.roots import WatchedRoots
from dedupctl.daemon.watcher import Watcher, WatchHealth
from dedupctl.domain import Root
from dedupctl.indexing.roots import add_root


class NotedWatcher(Watcher):
    """Notes what it is to watch; where it is blind, no watch can be set."""

    def __init__(self) -> None:
        super().__init__(is_tool_name=lambda _name: False, polling_seconds=60.0)
        self.watched: list[bytes] = []
        self.is_blind = False

    def watch(self, root: bytes) -> WatchHealth:
        if self.is_blind:
            raise PermissionError(13, "Permission denied", root)
        self.watched.append(root)
        return WatchHealth(root, None)

    def unwatch(self, root: bytes) -> None:
        if root in self.watched:
            self.watched.remove(root)


class Roots:
    def __init__(self, catalog: Catalog, photos: Path) -> None:
        photos.mkdir()
        self.catalog = catalog
        self.photos = photos
        self.root = add_root(catalog, os.fsencode(photos))
        self.said: list[str] = []
        self.watcher = NotedWatcher()
        self.watched = WatchedRoots(catalog, self.watcher, self.said.append)

    def check(self) -> list[bytes]:
        return [root.path for root in self.watched.check()]


@pytest.fixture
def roots(tmp_path: Path) -> Iterator[Roots]:
    with Catalog.open(tmp_path / "catalog.db") as catalog:
        yield Roots(catalog, tmp_path / "photos")


def test_a_root_is_watched_once_and_let_go_of_when_it_is_removed(roots: Roots) -> None:
    assert [roots.check(), roots.check()] == [[roots.root.path], []]
    assert roots.watcher.watched == [roots.root.path]
    with roots.catalog.write() as tx:
        tx.roots.remove(roots.root.id)
    assert roots.check() == []
    assert (roots.watcher.watched, roots.watched.states) == ([], [])


def test_a_root_that_goes_offline_is_told_of_once_and_watched_again_when_it_is_back(roots: Roots) -> None:
    roots.check()
    away = roots.photos.rename(roots.photos.with_name("away"))
    assert [roots.check(), roots.check()] == [[], []]
    assert len([line for line in roots.said if "is offline" in line]) == 1
    assert roots.watched.online() == []
    away.rename(roots.photos)
    assert roots.check() == [roots.root.path]


def test_a_root_that_is_lost_is_watched_anew_also_where_it_is_there_again(roots: Roots) -> None:
    roots.check()
    roots.watched.lost({roots.root.path: "its watch has ended"})
    assert roots.check() == [roots.root.path]
    assert any(line.endswith("will be watched again: its watch has ended") for line in roots.said)


def test_a_root_that_cannot_be_watched_is_not_visited_again_and_again(roots: Roots) -> None:
    roots.watcher.is_blind = True
    assert [roots.check() for _ in range(3)] == [[], [], []]
    assert len(roots.said) == 1
    assert roots.said[0].endswith("photos is offline, its pictures stay known: Permission denied")


def test_a_root_that_goes_between_two_looks_is_offline(roots: Roots, monkeypatch: pytest.MonkeyPatch) -> None:
    def vanish(_catalog: Catalog, _root: Root) -> None:
        raise FileNotFoundError(2, "No such file or directory")

    monkeypatch.setattr("dedupctl.daemon.roots.present", vanish)
    assert roots.check() == []
    assert roots.watched.states[0].offline == "No such file or directory"
