"""What belongs to a picture goes with it, or the picture stays and the plan says why."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from living_library import EXACT_ONLY, TIDY_ALL, LivingLibrary, picture, tree

from dedupctl.config import PolicyConfig
from dedupctl.disk.refusal import Refused
from dedupctl.disk.steps import Step
from dedupctl.domain import Plan, Verb
from dedupctl.policy.companions import LONGEST_SIDECAR, carried_name, read_sidecar

XMP = """<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description xmlns:xmp="http://ns.adobe.com/xap/1.0/" {}/></rdf:RDF></x:xmpmeta>"""
SILENT, RATED, LABELLED = (XMP.format(said).encode() for said in ("", 'xmp:Rating="4"', 'xmp:Label="Red"'))
BY_NAME = EXACT_ONLY.model_copy(update={"keep": ("name",)})


def lay(root: Path, files: dict[str, bytes]) -> None:
    for name, data in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)


def going(plan: Plan) -> list[str]:
    return sorted(os.fsdecode(action.victim.path) for action in plan.removals)


def reasons(plan: Plan) -> set[str]:
    return {str(action.skipped) for action in plan.actions if action.skipped is not None}


@pytest.mark.parametrize("sidecar", ["a copy.xmp", "a copy.jpg.xmp", "A COPY.XMP"])
def test_a_sidecar_that_says_nothing_new_goes_along_and_comes_back(
    library: LivingLibrary, root: Path, sidecar: str
) -> None:
    lay(root, {"a.jpg": picture(1), "a copy.jpg": picture(1), sidecar: SILENT})
    library.scan()
    before = tree(root)

    plan = library.plan(BY_NAME)
    library.apply(plan)

    assert going(plan) == sorted(["a copy.jpg", sidecar])
    assert len({action.bundle for action in plan.removals}) == 1
    assert tree(root) == {"a.jpg": picture(1)}
    library.restore_all()
    assert tree(root) == before


@pytest.mark.parametrize(("kept", "stays"), [({}, True), ({"a.xmp": LABELLED}, True), ({"a.xmp": RATED}, False)])
def test_a_copy_whose_sidecar_says_more_stays(
    library: LivingLibrary, root: Path, kept: dict[str, bytes], stays: bool
) -> None:
    lay(root, {"a.jpg": picture(1), "a copy.jpg": picture(1), "a copy.xmp": RATED} | kept)
    library.scan()

    plan = library.plan(BY_NAME)

    assert (going(plan) == []) == stays
    assert not stays or "it holds a rating that the kept copy lacks" in reasons(plan).pop()


def test_words_are_carried_over_to_a_kept_copy_without_a_sidecar(library: LivingLibrary, root: Path) -> None:
    lay(root, {"a.jpg": picture(1), "b copy.jpg": picture(1), "b copy.jpg.xmp": RATED})
    library.scan()

    library.apply(library.plan(BY_NAME.model_copy(update={"merge_sidecars": True})))

    assert tree(root) == {"a.jpg": picture(1), "a.jpg.xmp": RATED}
    library.restore_all()
    assert sorted(tree(root)) == ["a.jpg", "b copy.jpg", "b copy.jpg.xmp"]


def test_words_are_merged_into_the_sidecar_of_the_kept_copy(library: LivingLibrary, root: Path) -> None:
    lay(root, {"a.jpg": picture(1), "a.xmp": LABELLED, "b copy.jpg": picture(1), "b copy.xmp": RATED})
    library.scan()
    before = tree(root)

    plan = library.plan(BY_NAME.model_copy(update={"merge_sidecars": True}))
    assert library.apply(plan).complete

    assert [one.rule for one in plan.removals if one.verb is Verb.MERGE] == [
        "makes way for one that says what b copy.xmp says, too"
    ]
    left = tree(root)
    assert sorted(left) == ["a.jpg", "a.xmp"]
    assert b"Red" in left["a.xmp"]
    assert b"4" in left["a.xmp"]
    library.restore_all()
    assert tree(root) == before


def test_two_ratings_that_differ_are_left_to_a_person(library: LivingLibrary, root: Path) -> None:
    other = XMP.format('xmp:Rating="1"').encode()
    lay(root, {"a.jpg": picture(1), "a.xmp": other, "b copy.jpg": picture(1), "b copy.xmp": RATED})
    library.scan()
    plan = library.plan(BY_NAME.model_copy(update={"merge_sidecars": True}))
    assert going(plan) == []
    assert "both sidecars have a rating, and they differ" in reasons(plan).pop()


def test_a_sidecar_written_between_plan_and_apply_keeps_the_picture(library: LivingLibrary, root: Path) -> None:
    lay(root, {"a.jpg": picture(1), "a copy.jpg": picture(1), "a copy.xmp": SILENT})
    library.scan()
    plan = library.plan(BY_NAME)
    (root / "a copy.xmp").write_bytes(RATED)

    applied = library.apply(plan)

    assert applied.removed == 0
    assert len(tree(root)) == 3


@pytest.mark.parametrize("edited", ["a copy.jpg", "a copy.xmp"])
def test_the_reason_names_the_file_of_the_bundle_that_it_is_about(
    library: LivingLibrary, root: Path, edited: str
) -> None:
    lay(root, {"a.jpg": picture(1), "a copy.jpg": picture(1), "a copy.xmp": SILENT})
    library.scan()
    plan = library.plan(BY_NAME)
    os.utime(root / edited, (1, 1))

    refused = library.apply(plan).refused

    changed = "it changed since the plan was made"
    assert {os.fsdecode(one.action.victim.path): one.reason for one in refused} == {
        name: changed if name == edited else f"{edited}: {changed}" for name in ("a copy.jpg", "a copy.xmp")
    }


def test_a_bundle_whose_last_file_cannot_move_goes_back_as_a_whole(library: LivingLibrary, root: Path) -> None:
    lay(root, {"a.jpg": picture(1), "a copy.jpg": picture(1), "a copy.xmp": SILENT})
    library.scan()
    before, moved = tree(root), []

    def disturb(step: Step) -> None:
        moved.append(step)
        if moved.count(Step.PREPARED) == 2 and step is Step.PREPARED:
            os.utime(root / "a copy.xmp", ns=(1, 1))

    applied = library.apply(library.plan(BY_NAME), steps=disturb)

    assert (applied.removed, len(applied.refused)) == (0, 2)
    assert moved.count(Step.RENAMED) == 2  # there, and back
    assert tree(root) == before


@pytest.mark.parametrize("complete", [True, False])
def test_raw_and_jpeg_of_one_shot_go_together_or_not_at_all(library: LivingLibrary, root: Path, complete: bool) -> None:
    lay(root, {"IMG_1.cr2": picture(1), "copy/IMG_1 copy.cr2": picture(1), "copy/img_1 copy.jpg": picture(2)})
    if complete:
        lay(root, {"IMG_1.jpg": picture(2)})
    library.scan()

    plan = library.plan(BY_NAME)

    assert going(plan) == (["copy/IMG_1 copy.cr2", "copy/img_1 copy.jpg"] if complete else [])
    assert complete or reasons(plan) == {"it belongs to one shot with img_1 copy.jpg, which stays"}


@pytest.mark.parametrize("suffix", [".mov", ".AAE"])
@pytest.mark.parametrize(("beside_keeper", "goes"), [(b"moving", True), (b"other", False), (None, False)])
def test_a_live_photo_goes_only_where_the_kept_one_has_its_other_half(
    library: LivingLibrary, root: Path, suffix: str, beside_keeper: bytes | None, goes: bool
) -> None:
    lay(root, {"a.heic": picture(1), "a copy.heic": picture(1), f"a copy{suffix}": b"moving"})
    if beside_keeper is not None:
        lay(root, {f"a{suffix}": beside_keeper})
    library.scan()
    plan = library.plan(BY_NAME)
    assert going(plan) == (sorted(["a copy.heic", f"a copy{suffix}"]) if goes else [])


def test_a_companion_that_another_picture_needs_stays(library: LivingLibrary, root: Path) -> None:
    lay(root, {"a.jpg": picture(1), "b copy.jpg": picture(1), "b copy.heic": picture(5), "b copy.mov": b"moving"})
    library.scan()
    library.apply(library.plan(BY_NAME))
    assert sorted(tree(root)) == ["a.jpg", "b copy.heic", "b copy.mov"]


@pytest.mark.parametrize(
    ("image", "annotation"),
    [
        ("images/train/x copy.jpg", "labels/train/x copy.txt"),
        ("set/images/x copy.jpg", "set/annotations/x copy.xml"),
        ("data/x copy.jpg", "labels/x copy.txt"),
        ("plain/x copy.jpg", "plain/x copy.json"),
    ],
)
@pytest.mark.parametrize("asked", [True, False])
def test_annotations_go_with_their_picture_where_asked(
    library: LivingLibrary, root: Path, image: str, annotation: str, asked: bool
) -> None:
    lay(root, {"a.jpg": picture(1), image: picture(1), annotation: b"0 0.5 0.5 1 1", "labels/other.txt": b""})
    library.scan()
    plan = library.plan(BY_NAME.model_copy(update={"with_annotations": asked}))
    assert going(plan) == sorted([image, *([annotation] if asked else [])])


def test_a_picture_that_is_replaced_by_a_link_keeps_its_companions(library: LivingLibrary, root: Path) -> None:
    lay(root, {"a.jpg": picture(1), "a copy.jpg": picture(1), "a copy.xmp": RATED})
    library.scan()
    plan = library.plan(BY_NAME.model_copy(update={"action": "hardlink"}))
    assert going(plan) == ["a copy.jpg"]


def test_a_purge_ends_a_bundle_as_a_whole_or_keeps_it(library: LivingLibrary, root: Path) -> None:
    lay(root, {"a.jpg": picture(1), "a copy.jpg": picture(1), "a copy.xmp": SILENT})
    library.scan()
    library.apply(library.plan(BY_NAME))
    (root / "a.jpg").unlink()
    assert [one.done for one in library.purge()] == [False, False]
    lay(root, {"a.jpg": picture(1)})
    library.scan()
    assert [one.done for one in library.purge()] == [True, True]


def test_a_sidecar_is_named_in_the_manner_of_the_removed_one() -> None:
    assert carried_name(b"sub/b.jpg.xmp", b"a.jpg") == b"a.jpg.xmp"
    assert carried_name(b"sub/b.xmp", b"keep/a.jpg") == b"keep/a.xmp"


def test_what_is_too_long_for_a_sidecar_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "a.xmp").open("wb") as file:
        file.truncate(LONGEST_SIDECAR + 1)
    with pytest.raises(Refused, match="too long"):
        read_sidecar(os.fsencode(tmp_path), b"a.xmp")


def test_a_sidecar_that_is_a_link_keeps_the_picture(library: LivingLibrary, root: Path) -> None:
    lay(root, {"a.jpg": picture(1), "a copy.jpg": picture(1)})
    (library.base / "precious.xmp").write_bytes(SILENT)
    (root / "a copy.xmp").symlink_to(library.base / "precious.xmp")
    library.scan()
    plan = library.plan(PolicyConfig.model_validate(TIDY_ALL.model_dump() | {"keep": ("name",)}))
    assert going(plan) == []
    assert (library.base / "precious.xmp").exists()
