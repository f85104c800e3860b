"""A plan as JSON and as a script: the same files, whatever they are called."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from living_library import EXACT_ONLY, TIDY_ALL, LivingLibrary, picture, tree

from dedupctl.domain import Plan
from dedupctl.removal.formats import applied_as_json, entry_as_json, plan_as_json, plan_as_shell

BY_NAME = TIDY_ALL.model_copy(update={"keep": ("name",)})


def run(plan: Plan) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["/bin/sh"], input=plan_as_shell(plan), capture_output=True, check=True)


@pytest.mark.parametrize(
    "name", [b"a b copy.jpg", b"it's copy.jpg", b"-rf copy.jpg", b"$(touch x) copy.jpg", b"\xff\n# copy.jpg"]
)
def test_the_script_does_what_the_plan_says_with_any_name(library: LivingLibrary, root: Path, name: bytes) -> None:
    (root / "a.jpg").write_bytes(picture(1))
    (root / os.fsdecode(name)).write_bytes(picture(1))
    library.scan()
    assert run(library.plan(BY_NAME)).stderr == b""
    assert tree(root) == {"a.jpg": picture(1)}
    assert len(list((root / ".dedupctl/quarantine").rglob("*.jpg"))) == 1


def test_the_script_leaves_alone_what_changed_with_all_that_belongs_to_it(library: LivingLibrary, root: Path) -> None:
    for name in ("a.jpg", "a copy.jpg", "b.jpg", "b copy.jpg"):
        (root / name).write_bytes(picture(ord(name[0])))
        (root / name).with_suffix(".xmp").write_bytes(b"<a/>")
    library.scan()
    plan = library.plan(BY_NAME)
    (root / "a copy.jpg").write_bytes(picture(9))
    assert b"not all was done" in run(plan).stderr
    assert sorted(tree(root)) == ["a copy.jpg", "a copy.xmp", "a.jpg", "a.xmp", "b.jpg", "b.xmp"]


@pytest.mark.parametrize("action", ["hardlink", "symlink"])
def test_the_script_leaves_links_too(library: LivingLibrary, root: Path, action: str) -> None:
    for name in ("a.jpg", "a copy.jpg"):
        (root / name).write_bytes(picture(1))
    library.scan()
    run(library.plan(EXACT_ONLY.model_copy(update={"action": action})))
    assert (root / "a copy.jpg").samefile(root / "a.jpg")


def test_the_script_leaves_out_what_only_dedupctl_can_do(library: LivingLibrary, root: Path) -> None:
    head = b"<r:RDF xmlns:r='http://www.w3.org/1999/02/22-rdf-syntax-ns#' xmlns:x='http://ns.adobe.com/xap/1.0/'>"
    for name, said in (("a", b"x:Label='Red'"), ("b copy", b"x:Rating='3'")):
        (root / f"{name}.jpg").write_bytes(picture(1))
        (root / f"{name}.xmp").write_bytes(head + b"<r:Description " + said + b"/></r:RDF>")
    library.scan()
    plan = library.plan(BY_NAME.model_copy(update={"merge_sidecars": True}))
    assert len(plan.removals) == 3
    before = tree(root)
    run(plan)
    assert tree(root) == before


def test_everything_goes_through_json(library: LivingLibrary, root: Path) -> None:
    (root / "a.jpg").write_bytes(picture(1))
    odd = os.fsencode(root) + b"/\xff copy.jpg"
    Path(os.fsdecode(odd)).write_bytes(picture(1))
    (root / "b.jpg").write_bytes(picture(2))
    os.link(root / "b.jpg", root / "b linked.jpg")
    (root / "b copy.jpg").write_bytes(picture(2))
    library.scan()
    plan = library.plan(EXACT_ONLY)
    (root / "b copy.jpg").unlink()
    applied = library.apply(plan)
    document = json.loads(json.dumps(plan_as_json(plan)))
    assert (document["plan"], document["removals"], len(document["skipped"])) == (1, 2, 1)
    first = next(action for action in document["actions"] if os.fsencode(action["path"]) == odd)
    assert first | {"bundle": 0} == {
        "action": "quarantine",
        "path": os.fsdecode(odd),
        "size": len(picture(1)),
        "keeper": str(root / "a.jpg"),
        "kind": "exact",
        "score": 1.0,
        "rule": "name",
        "why": 'its name is shorter or has no "copy" or "(1)"',
        "bundle": 0,
        "skipped": None,
    }
    done = applied_as_json(applied)
    assert (done["removed"], len(done["refused"])) == (1, 1)
    with library.catalog.read() as tx:
        entries = [entry_as_json(entry) for entry in tx.journal.entries()]
    assert {entry["state"] for entry in entries} == {"done", "failed"}
    assert [os.path.exists(entry["where"]) for entry in entries if entry["where"]] == [True]
