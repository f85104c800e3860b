"""A sidecar that is written for a kept copy which had none: what it says, and that nobody else's file is touched."""

from __future__ import annotations

import io
import itertools
import json
import os
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from living_library import EXACT_ONLY, TIDY_ALL, LivingLibrary, picture, quarantined, run_and_kill, tree
from PIL import Image

from dedupctl.disk.steps import Step
from dedupctl.domain import Plan, Verb, Verdict, WordKind
from dedupctl.fingerprint.xmp import words_in_xmp
from dedupctl.removal.formats import applied_as_json, plan_as_json, plan_as_shell
from dedupctl.removal.restore import restorable

XMP = """<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/" {}>{}
</rdf:Description></rdf:RDF></x:xmpmeta>"""
SAID = XMP.format(
    'xmp:Rating="4" xmp:Label="Red"',
    "<dc:subject><rdf:Bag><rdf:li>sea &amp; sand</rdf:li><rdf:li>2019</rdf:li></rdf:Bag></dc:subject>"
    '<dc:title><rdf:Alt><rdf:li xml:lang="x-default">A day</rdf:li></rdf:Alt></dc:title>'
    '<dc:description><rdf:Alt><rdf:li xml:lang="x-default">By the sea</rdf:li></rdf:Alt></dc:description>',
).encode()
TAKEOUT = json.dumps({"title": "a.jpg", "photoTakenTime": {}, "description": "By the sea"}).encode()
THEIRS = b"by another program"
CARRYING = TIDY_ALL.model_copy(update={"keep": ("name",), "merge_sidecars": True})


def photo(xmp: bytes | None = None, quality: int = 75) -> bytes:
    file = io.BytesIO()
    options = {} if xmp is None else {"xmp": xmp}
    Image.linear_gradient("L").save(file, "JPEG", quality=quality, **options)
    return file.getvalue()


def lay(root: Path, **files: bytes) -> None:
    for name, data in files.items():
        (root / name.replace("_", ".").replace("copy", " copy")).write_bytes(data)


@pytest.fixture
def described(library: LivingLibrary, root: Path) -> Plan:
    """A real JPEG goes for another one, and only the one that goes says anything."""
    kept, removed = photo(quality=90), photo(SAID)
    lay(root, a_jpg=kept, acopy_jpg=removed)
    library.scan()
    library.say(kept, removed, Verdict.SAME)
    return library.plan(CARRYING)


def by_takeout(library: LivingLibrary, root: Path) -> Plan:
    """As `described`, of a picture whose words stand beside it."""
    lay(root, a_jpg=picture(1), acopy_jpg=picture(1), acopy_jpg_json=TAKEOUT)
    library.scan()
    return library.plan(CARRYING)


def test_what_a_removed_picture_says_within_itself_is_written_beside_the_kept_one(
    library: LivingLibrary, root: Path, described: Plan
) -> None:
    before = tree(root)

    applied = library.apply(described)

    assert applied.complete
    left = tree(root)
    assert sorted(left) == ["a.jpg", "a.jpg.xmp"]
    assert words_in_xmp(left["a.jpg.xmp"]).said == {
        WordKind.RATING: {"4"},
        WordKind.LABEL: {"Red"},
        WordKind.TAGS: {"sea & sand", "2019"},
        WordKind.TITLE: {"A day"},
        WordKind.CAPTION: {"By the sea"},
    }
    assert all(one.done for one in library.restore_all())
    assert tree(root) == before


def test_what_takeout_says_of_a_removed_picture_is_written_beside_the_kept_one(
    library: LivingLibrary, root: Path
) -> None:
    plan = by_takeout(library, root)
    before = tree(root)

    assert library.apply(plan).complete

    left = tree(root)
    assert sorted(left) == ["a.jpg", "a.jpg.xmp"]
    assert words_in_xmp(left["a.jpg.xmp"]).said == {WordKind.CAPTION: {"By the sea"}}
    assert all(one.done for one in library.restore_all())
    assert tree(root) == before


def test_the_plan_tells_of_the_new_file_and_counts_it_as_no_removal(
    library: LivingLibrary, root: Path, described: Plan
) -> None:
    document = plan_as_json(described)

    new, gone = document["actions"]
    assert (new["action"], new["path"], new["keeper"], new["size"]) == (
        "describe",
        str(root / "a.jpg.xmp"),
        str(root / "a copy.jpg"),
        0,
    )
    assert (document["removals"], document["bytes"]) == (1, gone["size"])
    applied = applied_as_json(library.apply(described))
    assert (applied["removed"], applied["bytes"]) == (1, gone["size"])
    with library.catalog.read() as tx:
        (summary,) = tx.plans.all()
        assert (summary.removals, summary.done) == (1, 1)


def test_the_script_of_a_plan_leaves_it_out(root: Path, described: Plan) -> None:
    before = tree(root)
    script = subprocess.run(["/bin/sh"], input=plan_as_shell(described), capture_output=True, check=True)
    assert (script.stderr, tree(root)) == (b"", before)


def test_the_new_file_may_be_read_by_whom_the_words_could_be_read_by(
    library: LivingLibrary, root: Path, described: Plan
) -> None:
    (root / "a copy.jpg").chmod(0o640)
    library.apply(described)
    assert stat.S_IMODE((root / "a.jpg.xmp").stat().st_mode) == 0o640


def test_it_is_written_into_a_reference_root_too(library: LivingLibrary, root: Path) -> None:
    reference = library.add_root("reference", reference=True)
    lay(reference, a_jpg=picture(1))
    lay(root, acopy_jpg=picture(1), acopy_jpg_json=TAKEOUT)
    library.scan()
    assert library.apply(library.plan(CARRYING)).complete
    assert sorted(tree(reference)) == ["a.jpg", "a.jpg.xmp"]


# --- others -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("beside", ["a.jpg.xmp", "a.xmp"])
@pytest.mark.parametrize("theirs", [THEIRS, SAID])
def test_a_sidecar_that_somebody_writes_between_plan_and_apply_stays_and_so_does_the_picture(
    library: LivingLibrary, root: Path, described: Plan, beside: str, theirs: bytes
) -> None:
    (root / beside).write_bytes(theirs)
    before = tree(root)

    applied = library.apply(described)

    assert (applied.removed, tree(root)) == (0, before)


@pytest.mark.parametrize("step", [Step.CHECKED, Step.INTENDED, Step.PREPARED, Step.MOVING])
def test_a_sidecar_that_somebody_writes_at_the_last_moment_stays_and_so_does_the_picture(
    library: LivingLibrary, root: Path, described: Plan, step: Step
) -> None:
    before = tree(root)

    def disturb(now: Step) -> None:
        if now is step:
            (root / "a.jpg.xmp").write_bytes(THEIRS)

    applied = library.apply(described, steps=disturb)

    assert applied.removed == 0
    assert tree(root) == before | {"a.jpg.xmp": THEIRS}
    assert not list(root.glob(".dedupctl-*"))


@pytest.mark.parametrize("step", [Step.INTENDED, Step.PREPARED])
def test_nothing_is_written_of_a_picture_that_somebody_touches_at_the_last_moment(
    library: LivingLibrary, root: Path, described: Plan, step: Step
) -> None:
    before, seen = tree(root), []

    def disturb(now: Step) -> None:
        seen.append(now)
        if now is step:
            os.utime(root / "a copy.jpg", (1, 1))

    assert library.apply(described, steps=disturb).removed == 0
    assert tree(root) == before
    assert Step.MOVED not in seen


def test_it_is_taken_back_where_the_picture_cannot_go_after_all(
    library: LivingLibrary, root: Path, described: Plan
) -> None:
    before = tree(root)

    def disturb(now: Step) -> None:
        if now is Step.MOVED and (root / "a copy.jpg").exists():
            assert (root / "a.jpg.xmp").exists()
            os.utime(root / "a copy.jpg", (1, 1))

    assert library.apply(described, steps=disturb).removed == 0
    assert tree(root) == before


@pytest.mark.parametrize("edited", [True, False])
def test_a_restore_leaves_it_where_somebody_has_edited_it_and_misses_it_nowhere(
    library: LivingLibrary, root: Path, described: Plan, edited: bool
) -> None:
    before = tree(root)
    library.apply(described)
    if edited:
        (root / "a.jpg.xmp").write_bytes(THEIRS)
    else:
        (root / "a.jpg.xmp").unlink()

    assert all(one.done for one in library.restore_all())

    assert tree(root) == before | ({"a.jpg.xmp": THEIRS} if edited else {})
    assert restorable(library.catalog) == []


# --- words that stand nowhere else ------------------------------------------------------------------------------------


def test_it_stays_for_good_where_the_removed_picture_was_purged(
    library: LivingLibrary, root: Path, described: Plan
) -> None:
    library.apply(described)
    written = tree(root)
    assert all(one.done for one in library.purge())

    assert restorable(library.catalog) == []
    library.restore_all()

    assert tree(root) == written


def test_it_stays_where_the_removed_picture_is_lost(library: LivingLibrary, root: Path, described: Plan) -> None:
    library.apply(described)
    written = tree(root)
    (lost,) = quarantined(root)
    lost.unlink()

    assert [one.done for one in library.restore_all()] == [False, False]

    assert tree(root) == written


def test_a_picture_that_comes_back_beside_its_place_counts_as_back(
    library: LivingLibrary, root: Path, described: Plan
) -> None:
    library.apply(described)
    (root / "a copy.jpg").write_bytes(picture(9))

    assert all(one.done for one in library.restore_all())

    assert sorted(tree(root)) == ["a copy (restored).jpg", "a copy.jpg", "a.jpg"]


# --- killed at every step ---------------------------------------------------------------------------------------------


def steps_of(deed: Callable[..., object]) -> int:
    steps: list[Step] = []
    deed(steps=steps.append)
    return len(steps)


@pytest.mark.parametrize("theirs", [None, THEIRS])
def test_killed_at_any_step_of_an_apply_all_or_nothing_is_done_and_no_file_of_others_is_lost(
    library: LivingLibrary, root: Path, described: Plan, theirs: bytes | None
) -> None:
    before = tree(root)
    count = steps_of(lambda steps: library.apply(described, steps=steps))
    after = tree(root)
    library.restore_all()
    outcomes = set()
    for step in range(1, count + 1):
        plan = library.plan(CARRYING)
        run_and_kill(library, lambda library, steps, plan=plan: library.apply(plan, steps=steps), step)
        if theirs is not None:
            (root / "a.jpg.xmp").write_bytes(theirs)

        assert all(one.state != "intended" for one in library.recover())

        left = tree(root)
        assert not list(root.glob(".dedupctl-*")), f"killed at step {step}"
        if theirs is None:
            assert left in (before, after), f"killed at step {step}"
        else:
            assert left.pop("a.jpg.xmp") == theirs, f"killed at step {step}"
            (root / "a.jpg.xmp").unlink()
        outcomes.add("a copy.jpg" in left)
        library.restore_all()
        (root / "a.jpg.xmp").unlink(missing_ok=True)
        assert tree(root) == before, f"killed at step {step}"
        library.scan()
    assert outcomes == {True, False}


@pytest.mark.parametrize("theirs", [None, THEIRS])
def test_killed_at_any_step_of_a_restore_it_can_be_done_again_and_no_file_of_others_is_lost(
    library: LivingLibrary, root: Path, described: Plan, theirs: bytes | None
) -> None:
    before = tree(root)
    library.apply(described)
    written = tree(root)["a.jpg.xmp"]
    for step in itertools.count(1):
        if not restorable(library.catalog):
            library.scan()
            library.apply(library.plan(CARRYING))
        assert (root / "a.jpg.xmp").read_bytes() == written
        try:
            run_and_kill(library, lambda library, steps: library.restore_all(steps=steps), step)
        except AssertionError:
            break
        if theirs is not None:
            (root / "a.jpg.xmp").write_bytes(theirs)
        library.recover()
        library.restore_all()
        left = tree(root)
        assert left == before | ({} if theirs is None else {"a.jpg.xmp": theirs}), f"killed at step {step}"
        assert not list(root.glob(".dedupctl-*")), f"killed at step {step}"
        (root / "a.jpg.xmp").unlink(missing_ok=True)
    assert step > 5


def test_what_was_cut_off_when_all_had_moved_counts_as_done(
    library: LivingLibrary, root: Path, described: Plan
) -> None:
    run_and_kill(library, lambda library, steps: library.apply(described, steps=steps), 9)
    assert [one.done for one in library.recover()] == [True, True]
    assert sorted(tree(root)) == ["a.jpg", "a.jpg.xmp"]


def test_an_exact_copy_goes_on_with_its_verb_of_removal(library: LivingLibrary, root: Path) -> None:
    lay(root, a_jpg=picture(1), acopy_jpg=picture(1), acopy_jpg_json=TAKEOUT)
    library.scan()
    target = library.base / "moved"
    moving = EXACT_ONLY.model_copy(
        update={"keep": ("name",), "merge_sidecars": True, "action": "move-to", "move_to": target}
    )
    plan = library.plan(moving)
    assert [one.verb for one in plan.removals] == [Verb.DESCRIBE, Verb.MOVE_TO, Verb.MOVE_TO]
    assert library.apply(plan).complete
    assert sorted(tree(target)) == ["a copy.jpg", "a copy.jpg.json"]
    assert sorted(tree(root)) == ["a.jpg", "a.jpg.xmp"]
