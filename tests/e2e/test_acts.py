"""Plan, apply, restore, purge, log and protect as scripts call them: exit codes, documents, and what is left.

In this process, because starting one for each of so many commands would take most of the time.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from living_library import tree
from rendered_library import drawn
from typer.testing import CliRunner

from dedupctl.catalog.catalog import CATALOG_NAME, Catalog
from dedupctl.cli import app
from dedupctl.domain import Intent, Operation
from dedupctl.removal.recover import LOCK_NAME
from dedupctl.removal.restore import restorable, restore
from dedupctl.workspace import hold

ODD = "caf\udce9 \udcff\n copy.jpg"
"""Not UTF-8, and it breaks a line."""


def dedupctl(home: Path, *arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["--home", str(home), *map(str, arguments)])


def listed(home: Path, *arguments: str | Path) -> Any:
    """The document of a command that must succeed."""
    answer = dedupctl(home, *arguments, "--json")
    assert answer.exit_code == 0, answer.stderr
    return json.loads(answer.stdout)


@dataclass(frozen=True)
class Library:
    """`a.jpg` with an exact, a pixel and a near copy, `b.jpg` with an exact one of an odd name, and six others."""

    home: Path
    photos: Path

    def names(self) -> set[str]:
        return {path for path in tree(self.photos) if path.endswith(".jpg")}


@pytest.fixture(scope="module")
def scanned(tmp_path_factory: pytest.TempPathFactory) -> Library:
    folder = tmp_path_factory.mktemp("acts")
    library = Library(folder / "home", folder / "photos")
    (library.photos / "backup").mkdir(parents=True)
    for name, seed in (("a", 1), ("b", 2), *((f"other {seed}", seed) for seed in range(10, 16))):
        drawn(seed, 640, 480).save(library.photos / f"{name}.jpg", quality=92)
    shutil.copy(library.photos / "a.jpg", library.photos / "backup" / "a copy.jpg")
    shutil.copy(library.photos / "b.jpg", library.photos / "backup" / ODD)
    data = (library.photos / "a.jpg").read_bytes()
    (library.photos / "a commented.jpg").write_bytes(data[:2] + b"\xff\xfe\x00\x07hello" + data[2:])
    drawn(1, 640, 480).resize((320, 240)).save(library.photos / "a small.jpg", quality=80)
    assert dedupctl(library.home, "scan", library.photos).exit_code == 0
    return library


@pytest.fixture
def library(scanned: Library, tmp_path: Path) -> Iterator[Library]:
    """The same files, moved back in place after each test by the catalog's own restore."""
    shutil.copytree(scanned.home, tmp_path / "home")
    yield Library(tmp_path / "home", scanned.photos)
    with Catalog.open(tmp_path / "home" / CATALOG_NAME) as catalog:
        restore(catalog, restorable(catalog))


def test_the_ready_made_policy_plans_applies_logs_and_takes_back(library: Library) -> None:
    before = library.names()
    plan = listed(library.home, "plan")
    assert (plan["plan"], plan["policy"], plan["removals"]) == (1, "safe", 3)
    assert {action["kind"] for action in plan["actions"]} == {"exact", "pixel"}
    assert all(action["why"] and action["rule"] for action in plan["actions"])
    assert library.names() == before

    too_much = dedupctl(library.home, "apply", "1", "--max-remove-share", "20")
    assert (too_much.exit_code, "3 of the 12 pictures" in too_much.stderr) == (1, True)
    assert library.names() == before

    applied = listed(library.home, "apply", "1")
    assert (applied["plan"], applied["removed"], applied["refused"]) == (1, 3, [])
    assert library.names() == before - {
        Path(one["path"]).relative_to(library.photos).as_posix() for one in plan["actions"]
    }
    entries = listed(library.home, "log")["entries"]
    assert {(one["plan"], one["policy"], one["state"]) for one in entries} == {(1, "safe", "done")}
    assert all(Path(one["where"]).exists() and Path(one["keeper"]).exists() for one in entries)
    assert listed(library.home, "plan", "--list")["plans"][0]["done"] == 3

    assert listed(library.home, "purge")["purged"] == 0
    assert listed(library.home, "restore", "1", "--dry-run")["would be restored"] == 3
    assert listed(library.home, "restore", "1")["restored"] == 3
    assert library.names() == before


def test_a_script_and_a_dry_run_say_what_would_be_done_and_do_nothing(library: Library) -> None:
    before = library.names()
    shown = listed(library.home, "apply", "--policy", "tidy", "--dry-run")
    assert (shown["plan"], shown["removals"]) == (None, 4)
    assert listed(library.home, "plan", "--list") == {"plans": []}
    script = dedupctl(library.home, "plan", "--kind", "exact", "--shell").stdout_bytes
    subprocess.run(["/bin/sh", "-n"], input=script, check=True)
    assert script.count(b"cmp -s") == 2
    assert library.names() == before


def test_a_file_is_restored_by_any_path_that_leads_to_its_folder(library: Library, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(library.photos)
    listed(library.home, "apply", "--policy", "safe", "--kind", "exact", "--yes")
    assert listed(library.home, "restore", tmp_path / "link" / "backup" / "a copy.jpg")["restored"] == 1
    assert listed(library.home, "restore", tmp_path / "link")["restored"] == 1


def test_reasons_that_quote_odd_names_can_be_written_down_and_read(library: Library) -> None:
    sidecar = (library.photos / "backup" / ODD).with_suffix(".xmp")
    sidecar.write_text("<x:xmpmeta xmlns:x='adobe:ns:meta/'/>")
    quoted = r"goes with caf\xe9 \xff\x0a copy.jpg"
    try:
        assert quoted in dedupctl(library.home, "plan", "--kind", "exact").stdout
        assert quoted in dedupctl(library.home, "plan", "1").stdout
        assert listed(library.home, "apply", "1")["removed"] == 3
        assert quoted in dedupctl(library.home, "log").stdout
        listed(library.home, "restore", "1")
        sidecar.write_text("no XMP")
        assert r"stays: " in dedupctl(library.home, "plan", "--kind", "exact").stdout
        assert listed(library.home, "plan", "2")["skipped"][0]["skipped"].startswith(f"its companion {sidecar.name}")
    finally:
        sidecar.unlink()


def test_plan_says_at_once_what_apply_will_refuse_and_what_allows_it(library: Library) -> None:
    made = dedupctl(library.home, "plan", "--policy", "tidy")
    assert made.exit_code == 0
    assert "`apply` would refuse this plan: it removes 4 of the 12 pictures in" in made.stderr
    assert "(33 %), more than 30 %; --max-remove-share 34 allows it" in made.stderr
    refused = dedupctl(library.home, "apply", "1", "--yes")
    assert (refused.exit_code, "--max-remove-share 34 allows it" in refused.stderr) == (1, True)
    assert "--max-remove-share 34 allows it" in listed(library.home, "plan", "1")["refused"]
    assert dedupctl(library.home, "apply", "1", "--yes", "--max-remove-share", "34").exit_code == 0
    assert "refuse" not in dedupctl(library.home, "plan", "--policy", "safe").stderr
    assert listed(library.home, "plan", "--policy", "safe")["refused"] is None


def test_no_is_answered_and_so_is_a_plan_of_nothing(library: Library) -> None:
    before = library.names()
    arguments = ["--home", str(library.home), "apply", "--policy", "safe"]
    declined = CliRunner().invoke(app, arguments, input="n\n")
    assert declined.exit_code == 0
    assert "nothing was done; `dedupctl apply 1` carries the plan out later" in declined.stderr
    assert library.names() == before
    assert CliRunner().invoke(app, arguments, input="y\n").exit_code == 0
    assert "there is nothing to do" in CliRunner().invoke(app, arguments).stderr


def test_nobody_who_answers_means_no(library: Library) -> None:
    before = library.names()
    asked = dedupctl(library.home, "apply", "--policy", "tidy", "--max-remove-share", "50")
    assert (asked.exit_code, "a small.jpg" in asked.stdout, "Do this?" in asked.stderr) == (1, True, True)
    assert library.names() == before


def test_a_plan_nobody_has_seen_is_shown_also_where_nobody_is_asked(library: Library) -> None:
    done = dedupctl(library.home, "apply", "--policy", "tidy", "--yes", "--max-remove-share", "50")
    assert (done.exit_code, "a small.jpg" in done.stdout, "Do this?" in done.stderr) == (0, True, False)
    listed(library.home, "restore", "--all")
    assert "a small.jpg" not in dedupctl(library.home, "apply", "1", "--max-remove-share", "50").stdout


def test_delete_is_a_quarantine_unless_it_is_said_twice(library: Library, tmp_path: Path) -> None:
    delete = ("apply", "--policy", "safe", "--kind", "exact", "--action", "delete", "--yes")
    assert listed(library.home, *delete)["purged"] == 0
    assert listed(library.home, "restore", "--all")["restored"] == 2
    victims = [library.photos / "backup" / name for name in ("a copy.jpg", ODD)]
    for number, path in enumerate(victims):
        os.link(path, tmp_path / str(number))
    ended = listed(library.home, *delete, "--no-quarantine")
    assert (ended["removed"], ended["purged"]) == (2, 2)
    assert listed(library.home, "restore", "--all")["restored"] == 0
    for number, path in enumerate(victims):
        path.parent.mkdir(exist_ok=True)
        os.link(tmp_path / str(number), path)  # for the other tests


def test_only_the_second_folder_of_a_comparison_loses(library: Library) -> None:
    folders = (library.photos, library.photos / "backup")
    shown = listed(library.home, "compare", *folders, "--apply", "--dry-run")
    assert {Path(one["path"]).parent for one in shown["actions"]} == {library.photos / "backup"}
    assert listed(library.home, "compare", *folders, "--apply", "--yes")["removed"] == 2
    assert not {name for name in library.names() if name.startswith("backup")}


def test_a_comparison_says_of_which_folder_nothing_is_known(library: Library, tmp_path: Path) -> None:
    for arguments in ((), ("--apply", "--dry-run")):
        answer = dedupctl(library.home, "compare", library.photos / "backup", tmp_path, *arguments)
        assert (answer.exit_code, answer.stderr) == (0, f"nothing is known of {tmp_path}: `dedupctl scan` it first\n")


@pytest.mark.parametrize("then", [("apply", "1"), ("restore", "1"), ("purge",)], ids=" ".join)
def test_what_an_earlier_run_was_cut_off_at_is_settled_and_said(library: Library, then: tuple[str, ...]) -> None:
    listed(library.home, "plan", "--kind", "exact")
    with Catalog.open(library.home / CATALOG_NAME) as catalog, catalog.write() as tx:
        action, *_ = tx.plans.get(1).removals
        resting = os.fsencode(library.photos / ".dedupctl" / "quarantine" / "1") + b"/" + action.victim.path
        tx.journal.intend([Intent(action, Operation.REMOVE, action.victim.absolute, resting)], at=1)
    cut_off = "an earlier run was cut off: 1 file settled"
    assert cut_off in dedupctl(library.home, *then).stderr
    assert cut_off not in dedupctl(library.home, *then).stderr


def test_what_is_protected_is_kept_and_what_is_no_longer_is_not(library: Library, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(library.photos)
    assert dedupctl(library.home, "protect", tmp_path / "link" / "backup").exit_code == 0
    plan = listed(library.home, "plan")
    assert not [one for one in plan["actions"] if "backup" in one["path"]]
    assert dedupctl(library.home, "unprotect", tmp_path / "link" / "backup").exit_code == 0
    assert listed(library.home, "protect") == {"protected": []}
    assert dedupctl(library.home, "protect", library.photos / "no such file").exit_code == 2


def test_of_two_that_act_at_once_the_second_ends_with_3(library: Library) -> None:
    listed(library.home, "plan")
    with hold(library.home / LOCK_NAME, "testing"):
        for arguments in (("apply", "1"), ("restore", "--all")):
            answer = dedupctl(library.home, *arguments)
            assert (answer.exit_code, answer.stderr.count("\n")) == (3, 1)
        assert dedupctl(library.home, "purge", "--dry-run").exit_code == 0


def test_a_file_left_alone_is_named_and_ends_with_1(library: Library) -> None:
    listed(library.home, "plan", "--kind", "exact")
    changed = library.photos / "backup" / "a copy.jpg"
    times = changed.stat()
    os.utime(changed, (1, 1))
    answer = dedupctl(library.home, "apply", "1")
    os.utime(changed, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert answer.exit_code == 1
    assert "left alone" in answer.stderr
    assert "a copy.jpg: it has changed since the plan was made" in answer.stderr
    assert "1 file removed" in answer.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ("apply",),
        ("apply", "1", "--policy", "safe"),
        ("apply", "99"),
        ("apply", "--policy", "no such policy"),
        ("apply", "--policy", "safe", "--no-quarantine"),
        ("apply", "--policy", "safe", "--kind", "similar", "--yes"),
        ("apply", "--policy", "safe", "--json"),
        ("apply", "--policy", "safe", "--yes", "--max-remove-share", "nan"),
        ("apply", "--policy", "safe", "--yes", "--max-remove-share", "-5"),
        ("compare", ".", "..", "--apply", "--yes", "--max-remove-share", "101"),
        ("restore",),
        ("restore", "99"),
        ("compare", ".", ".", "--yes"),
    ],
    ids=" ".join,
)
def test_wrong_use_is_one_clear_line_and_exit_code_2(scanned: Library, arguments: tuple[str, ...]) -> None:
    answer = dedupctl(scanned.home, *arguments)
    assert (answer.exit_code, answer.stdout) == (2, "")
    assert answer.stderr.startswith("dedupctl: ")
    assert answer.stderr.count("\n") == 1
