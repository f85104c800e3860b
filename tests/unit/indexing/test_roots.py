from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from dedupctl.catalog.catalog import Catalog
from dedupctl.config import ScanConfig
from dedupctl.disk.root_marker import why_offline
from dedupctl.domain import Root
from dedupctl.errors import UsageError
from dedupctl.indexing import roots as module
from dedupctl.indexing.findings import Finding, Gone, Unchanged, Unread
from dedupctl.indexing.roots import ScanTarget, add_root, present, scan_targets, walk_targets, while_online


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    path = tmp_path / "disk"
    (path / "trip/day").mkdir(parents=True)
    (path / "trip/day/a.jpg").write_text("a")
    (path / "b.jpg").write_text("b")
    return path


def unmount(disk: Path) -> None:
    """Leave the empty folder that an unmounted disk leaves."""
    disk.rename(disk.with_name("in a drawer"))
    disk.mkdir()


def mount(disk: Path) -> None:
    disk.rmdir()
    disk.with_name("in a drawer").rename(disk)


def roots(catalog: Catalog) -> list[Root]:
    with catalog.read() as tx:
        return tx.roots.all()


def walked(catalog: Catalog, wanted: list[ScanTarget]) -> tuple[set[str], list[tuple[bytes, str]]]:
    """The names of the files that a walk_targets wants read, and the roots it found offline."""
    offline: list[tuple[bytes, str]] = []
    findings = walk_targets(catalog, wanted, ScanConfig(), lambda root, reason: offline.append((root.path, reason)))
    return {os.fsdecode(found.path) for found in findings if isinstance(found, Unread)}, offline


# --- adding ----------------------------------------------------------------------------------------------------------


def test_another_disk_that_is_a_copy_of_one_is_not_taken_for_it(catalog: Catalog, disk: Path, tmp_path: Path) -> None:
    first = add_root(catalog, os.fsencode(disk))
    shutil.copytree(disk, tmp_path / "clone")
    clone = add_root(catalog, os.fsencode(tmp_path / "clone"))

    assert clone.marker != first.marker
    disk.rename(tmp_path / "in a drawer")
    (tmp_path / "clone").rename(disk)
    assert "another root's" in str(present(catalog, first)[1])


def test_a_clone_that_was_added_while_the_first_was_away_is_told_apart_once_both_are_there(
    catalog: Catalog, disk: Path, tmp_path: Path
) -> None:
    first = add_root(catalog, os.fsencode(disk))
    shutil.copytree(disk, tmp_path / "clone")
    unmount(disk)
    clone = add_root(catalog, os.fsencode(tmp_path / "clone"))
    assert clone.marker == first.marker
    mount(disk)

    found, reason = present(catalog, clone)

    assert reason is None
    assert found.marker not in (None, first.marker)
    assert roots(catalog) == [replace(clone, marker=found.marker), first]
    assert [present(catalog, root)[1] for root in roots(catalog)] == [None, None]


def test_a_root_whose_own_folder_is_a_planted_link_is_not_watched(catalog: Catalog, disk: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (disk / ".dedupctl").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageError, match=r"\.dedupctl is a symbolic link"):
        add_root(catalog, os.fsencode(disk))
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_new_root_is_marked_and_remembered(catalog: Catalog, disk: Path) -> None:
    root = add_root(catalog, os.fsencode(disk), reference=True)

    assert roots(catalog) == [root]
    assert root.reference
    assert root.marker == (disk / ".dedupctl/root-id").read_text().strip()
    assert root.device == disk.stat().st_dev


def test_a_root_added_again_is_the_same(catalog: Catalog, disk: Path) -> None:
    root = add_root(catalog, os.fsencode(disk))

    assert add_root(catalog, os.fsencode(disk) + b"/") == root
    assert add_root(catalog, os.fsencode(disk / "trip" / "..")) == root
    assert roots(catalog) == [root]


def test_a_root_is_known_by_its_real_path(catalog: Catalog, disk: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(disk)

    assert add_root(catalog, os.fsencode(tmp_path / "link")).path == os.fsencode(disk.resolve())


def test_a_root_may_have_a_name_that_is_not_utf8(catalog: Catalog, tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/caf\xe9"
    os.mkdir(path)

    assert add_root(catalog, path).path == path


def test_roots_do_not_lie_in_each_other(catalog: Catalog, disk: Path, tmp_path: Path) -> None:
    (tmp_path / "disk-2").mkdir()
    add_root(catalog, os.fsencode(disk))

    with pytest.raises(UsageError, match="already watched as part of"):
        add_root(catalog, os.fsencode(disk / "trip"))
    with pytest.raises(UsageError, match="holds the root"):
        add_root(catalog, os.fsencode(tmp_path))
    add_root(catalog, os.fsencode(tmp_path / "disk-2"))

    assert len(roots(catalog)) == 2
    assert not (tmp_path / ".dedupctl").exists()


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("nowhere", "no such folder"),
        ("disk/b.jpg", "not a folder"),
        ("dangling", "not a folder"),
        ("", "no such folder"),
    ],
)
def test_what_is_no_folder_is_no_root(catalog: Catalog, disk: Path, tmp_path: Path, name: str, complaint: str) -> None:
    (tmp_path / "dangling").symlink_to(disk / "nowhere")

    with pytest.raises(UsageError, match=complaint):
        add_root(catalog, os.fsencode(tmp_path / name) if name else b"")
    assert roots(catalog) == []


def test_a_folder_that_may_not_be_read_is_no_root(
    catalog: Catalog, disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)

    with pytest.raises(UsageError, match="no permission to read"):
        add_root(catalog, os.fsencode(disk))


# --- what a scan visits ----------------------------------------------------------------------------------------------


def test_without_paths_every_root_is_visited(catalog: Catalog, disk: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    one, other = add_root(catalog, os.fsencode(disk)), add_root(catalog, os.fsencode(tmp_path / "other"))

    assert scan_targets(catalog, []) == [ScanTarget(one), ScanTarget(other)]


def test_without_paths_and_roots_there_is_nothing_to_visit(catalog: Catalog) -> None:
    with pytest.raises(UsageError, match="no folder is known yet"):
        scan_targets(catalog, [])


def test_a_new_path_becomes_a_root_and_one_inside_a_root_does_not(catalog: Catalog, disk: Path) -> None:
    whole, part = scan_targets(catalog, [os.fsencode(disk), os.fsencode(disk / "trip" / "day")])

    assert [root.path for root in roots(catalog)] == [os.fsencode(disk)]
    assert whole == ScanTarget(roots(catalog)[0], b"")
    assert part == ScanTarget(roots(catalog)[0], b"trip/day")


def test_a_place_that_is_not_there_is_an_error(catalog: Catalog, disk: Path) -> None:
    add_root(catalog, os.fsencode(disk))

    with pytest.raises(UsageError, match="no such folder"):
        scan_targets(catalog, [os.fsencode(disk / "nowhere")])


def test_a_visit_looks_at_the_places_asked_for(catalog: Catalog, disk: Path) -> None:
    assert walked(catalog, scan_targets(catalog, [os.fsencode(disk)])) == ({"trip/day/a.jpg", "b.jpg"}, [])
    assert walked(catalog, scan_targets(catalog, [os.fsencode(disk / "trip")])) == ({"trip/day/a.jpg"}, [])


# --- roots that are not there ----------------------------------------------------------------------------------------


def test_a_root_that_is_offline_is_passed_over(catalog: Catalog, disk: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other/c.jpg").write_text("c")
    wanted = scan_targets(catalog, [os.fsencode(disk), os.fsencode(tmp_path / "other")])
    unmount(disk)

    assert walked(catalog, wanted) == (
        {"c.jpg"},
        [(os.fsencode(disk), "its marker file .dedupctl/root-id is missing")],
    )


def test_a_root_that_is_back_is_visited_again(catalog: Catalog, disk: Path) -> None:
    wanted = scan_targets(catalog, [os.fsencode(disk)])
    unmount(disk)
    assert walked(catalog, wanted)[0] == set()

    mount(disk)
    assert walked(catalog, wanted) == ({"trip/day/a.jpg", "b.jpg"}, [])


def test_a_root_back_under_another_device_number_is_the_same_root(catalog: Catalog, disk: Path) -> None:
    root = add_root(catalog, os.fsencode(disk))
    with catalog.write() as tx:
        tx.roots.set_device(root, root.device + 1)
    (stored,) = roots(catalog)

    assert present(catalog, stored) == (root, None)
    assert roots(catalog) == [root]


def test_a_root_that_is_where_it_was_is_left_alone(catalog: Catalog, disk: Path) -> None:
    root = add_root(catalog, os.fsencode(disk))

    assert present(catalog, root) == (root, None)


def test_nothing_is_taken_for_gone_once_the_root_itself_is(catalog: Catalog, disk: Path) -> None:
    root = add_root(catalog, os.fsencode(disk))
    found: list[Finding] = [Unchanged(1), Gone((1,)), Unchanged(2), Gone((2,))]
    assert list(while_online(root, found)) == found

    shutil.rmtree(disk)
    assert list(while_online(root, found)) == [Unchanged(1)]


def test_a_root_lost_under_the_visit_is_said_to_be_offline(catalog: Catalog, disk: Path) -> None:
    wanted = scan_targets(catalog, [os.fsencode(disk)])
    offline: list[str] = []
    findings = walk_targets(catalog, wanted, ScanConfig(), lambda _, reason: offline.append(reason))
    next(findings)
    unmount(disk)

    list(findings)

    assert offline == ["its marker file .dedupctl/root-id is missing"]


def test_a_root_lost_between_two_looks_is_offline(
    catalog: Catalog, disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = add_root(catalog, os.fsencode(disk))

    def found_and_lost(_: Root) -> None:
        unmount(disk)
        disk.rmdir()

    monkeypatch.setattr(module, "why_offline", found_and_lost)

    assert present(catalog, root) == (root, "No such file or directory")


@pytest.mark.skipif(not hasattr(os, "seteuid") or os.geteuid() != 0, reason="only root can be somebody else")
def test_a_root_that_may_be_entered_but_not_listed_is_offline(catalog: Catalog) -> None:
    nobody = 65534
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o711)
        root = add_root(catalog, os.fsencode(folder))
        os.seteuid(nobody)
        try:
            assert why_offline(root) is None, "its marker can be read"
            found = present(catalog, root)
        finally:
            os.seteuid(0)

    assert found == (root, "Permission denied")
