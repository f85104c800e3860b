"""What belongs to a picture goes with it, or the picture stays and the plan says why."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path

import pytest
from living_library import EXACT_ONLY, TIDY_ALL, LivingLibrary, picture, tree
from PIL import Image

from dedupctl.config import PolicyConfig
from dedupctl.disk.steps import Step
from dedupctl.domain import Plan, Verb, Verdict, WordKind
from dedupctl.fingerprint.xmp import words_in_xmp

OWN = ["pp3", "dop", "on1", "cos", "aae", "nksc", "wav", "mp4", "MOV"]
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
        "is replaced by one that also says what b copy.xmp says"
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

    changed = "it has changed since the plan was made"
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
    assert complete or reasons(plan) == {"it is of the same shot as img_1 copy.jpg, which stays"}


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


def test_a_companion_that_another_picture_needs_keeps_both(library: LivingLibrary, root: Path) -> None:
    lay(root, {"a.jpg": picture(1), "b copy.jpg": picture(1), "b copy.heic": picture(5), "b copy.mov": b"moving"})
    library.scan()
    plan = library.plan(BY_NAME)
    assert going(plan) == []
    assert reasons(plan) == {"its companion b copy.mov belongs to b copy.heic, which stays"}


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
def test_annotations_go_with_their_picture_where_asked_and_beside_it_keep_it_else(
    library: LivingLibrary, root: Path, image: str, annotation: str, asked: bool
) -> None:
    lay(root, {"a.jpg": picture(1), image: picture(1), annotation: b"0 0.5 0.5 1 1", "labels/other.txt": b""})
    library.scan()
    plan = library.plan(BY_NAME.model_copy(update={"with_annotations": asked}))
    beside = image.startswith("plain/")
    assert going(plan) == sorted([*([image] if asked or not beside else []), *([annotation] if asked else [])])


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


def test_a_sidecar_that_is_a_link_keeps_the_picture(library: LivingLibrary, root: Path) -> None:
    lay(root, {"a.jpg": picture(1), "a copy.jpg": picture(1)})
    (library.base / "precious.xmp").write_bytes(SILENT)
    (root / "a copy.xmp").symlink_to(library.base / "precious.xmp")
    library.scan()
    plan = library.plan(PolicyConfig.model_validate(TIDY_ALL.model_dump() | {"keep": ("name",)}))
    assert going(plan) == []
    assert (library.base / "precious.xmp").exists()


def carrying(policy: PolicyConfig = BY_NAME) -> PolicyConfig:
    return policy.model_copy(update={"merge_sidecars": True})


@pytest.mark.parametrize("manner", ["a copy.{}", "a copy.jpg.{}"])
@pytest.mark.parametrize("suffix", OWN)
@pytest.mark.parametrize("beside_keeper", [b"recipe", b"other", None])
def test_what_programs_keep_in_formats_of_their_own_goes_where_the_kept_copy_has_the_same(
    library: LivingLibrary, root: Path, manner: str, suffix: str, beside_keeper: bytes | None
) -> None:
    lay(root, {"a.jpg": picture(1), "a copy.jpg": picture(1), manner.format(suffix): b"recipe"})
    if beside_keeper is not None:
        lay(root, {f"a.{suffix}": beside_keeper})
    library.scan()

    plan = library.plan(BY_NAME)
    library.apply(plan)

    goes = beside_keeper == b"recipe"
    assert going(plan) == (sorted(["a copy.jpg", manner.format(suffix)]) if goes else [])
    assert ("a copy.jpg" in tree(root)) == (manner.format(suffix) in tree(root)) == (not goes)


@pytest.mark.parametrize(
    ("companion", "carried"),
    [
        ("a copy.jpg.pp3", "a.jpg.pp3"),
        ("a copy.jpg.out.pp3", "a.jpg.out.pp3"),
        ("a copy.wav", "a.wav"),
        ("a copy.mov", "a.mov"),
    ],
)
def test_what_the_kept_copy_has_no_file_for_is_carried_over_where_asked(
    library: LivingLibrary, root: Path, companion: str, carried: str
) -> None:
    lay(root, {"a.jpg": picture(1), "a copy.jpg": picture(1), companion: b"recipe"})
    library.scan()
    before = tree(root)

    assert library.apply(library.plan(carrying())).complete

    assert tree(root) == {"a.jpg": picture(1), carried: b"recipe"}
    library.restore_all()
    assert tree(root) == before


def test_nothing_is_carried_over_a_file_of_the_kept_copy(library: LivingLibrary, root: Path) -> None:
    lay(root, {"a.jpg": picture(1), "a.pp3": b"mine", "a copy.jpg": picture(1), "a copy.pp3": b"other"})
    library.scan()
    assert going(library.plan(carrying())) == []


@pytest.mark.parametrize(
    "companion", ["a copy.psd", "a copy.jpg.bak", "a copy.jpg_original", "a copy.txt", "A COPY.xyz"]
)
def test_what_nobody_knows_keeps_its_picture(library: LivingLibrary, root: Path, companion: str) -> None:
    lay(root, {"a.jpg": picture(1), "a copy.jpg": picture(1), companion: b"?"})
    library.scan()
    plan = library.plan(carrying())
    assert going(plan) == []
    assert reasons(plan) == {
        f"its companion {companion}: dedupctl does not know what it is, so the picture stays with it"
    }


@pytest.mark.parametrize("suffix", ["xmp", "thm", "json", *OWN])
def test_what_a_staying_picture_shares_keeps_both(library: LivingLibrary, root: Path, suffix: str) -> None:
    lay(root, {"a.jpg": picture(1), "a copy.jpg": picture(1), "a copy.png": picture(7), f"a copy.{suffix}": SILENT})
    lay(root, {f"a.{suffix}": SILENT})
    library.scan()
    plan = library.plan(BY_NAME)
    assert going(plan) == []
    assert reasons(plan) == {f"its companion a copy.{suffix} belongs to a copy.png, which stays"}


def test_a_folder_of_the_pictures_name_is_no_companion(library: LivingLibrary, root: Path) -> None:
    lay(root, {"a.jpg": picture(1), "a copy.jpg": picture(1), "a copy.data/x.txt": b""})
    library.scan()
    assert going(library.plan(BY_NAME)) == ["a copy.jpg"]


def test_the_cameras_thumbnail_goes_along(library: LivingLibrary, root: Path) -> None:
    lay(root, {"a.jpg": picture(1), "a copy.jpg": picture(1), "a copy.THM": b"small"})
    library.scan()
    assert going(library.plan(BY_NAME)) == ["a copy.THM", "a copy.jpg"]


def takeout(**said: object) -> bytes:
    return json.dumps({"title": "a.jpg", "photoTakenTime": {"timestamp": "1"}, **said}).encode()


@pytest.mark.parametrize(
    "name",
    ["a copy.jpg.json", "a copy.jpg.supplemental-metadata.json", "a copy.jpg.supplemental-met.json", "a copy.json"],
)
@pytest.mark.parametrize(
    "case",
    [
        (takeout(), takeout(), True),
        (takeout(imageViews="3"), None, True),
        (takeout(description="By the sea"), None, False),
        (takeout(people=[{"name": "Anna"}]), takeout(people=[{"name": "Ben"}]), False),
        (takeout(favorited=True, description="x y"), takeout(description="x y", favorited=True, imageViews="1"), True),
        (b'{"something": "else"}', None, False),
        (b"[" * 100_000, None, False),
    ],
)
def test_takeouts_file_goes_where_the_kept_copy_says_the_same(
    library: LivingLibrary, root: Path, name: str, case: tuple[bytes, bytes | None, bool]
) -> None:
    removed, kept, goes = case
    lay(root, {"a.jpg": picture(1), "a copy.jpg": picture(1), name: removed})
    if kept is not None:
        lay(root, {"a.jpg.json": kept})
    library.scan()
    assert going(library.plan(BY_NAME)) == (sorted(["a copy.jpg", name]) if goes else [])


def test_takeouts_words_are_merged_into_the_sidecar_of_the_kept_copy(library: LivingLibrary, root: Path) -> None:
    said = takeout(description="By the sea", people=[{"name": "Anna"}])
    lay(root, {"a.jpg": picture(1), "a.xmp": LABELLED, "a copy.jpg": picture(1), "a copy.jpg.json": said})
    library.scan()
    before = tree(root)

    assert library.apply(library.plan(carrying())).complete

    left = tree(root)
    assert sorted(left) == ["a.jpg", "a.xmp"]
    words = words_in_xmp(left["a.xmp"])
    assert (words.of_kind(WordKind.CAPTION), words.of_kind(WordKind.FACES)) == ({"By the sea"}, {"Anna"})
    assert words.of_kind(WordKind.LABEL) == {"Red"}
    library.restore_all()
    assert tree(root) == before


# --- words in the picture itself ---


def photo(xmp: bytes | None = None, **options: object) -> bytes:
    file = io.BytesIO()
    Image.linear_gradient("L").save(file, "JPEG", **({} if xmp is None else {"xmp": xmp}), **options)
    return file.getvalue()


PLAIN, RATED_WITHIN = photo(quality=90), photo(RATED)
MASK = """<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description xmlns:crs="http://ns.adobe.com/camera-raw-settings/1.0/" crs:Exposure2012="+1"/></rdf:RDF>
</x:xmpmeta>"""
NEAR_BY_NAME = TIDY_ALL.model_copy(update={"keep": ("name",)})


def same_picture(library: LivingLibrary, root: Path, kept: bytes, removed: bytes, **beside: bytes) -> None:
    lay(root, {"a.jpg": kept, "a copy.jpg": removed} | {name.replace("_", "."): data for name, data in beside.items()})
    library.scan()
    library.say(kept, removed, Verdict.SAME)


@pytest.mark.parametrize(
    ("kept", "beside", "stays"),
    [
        (PLAIN, {}, True),
        (PLAIN, {"a_xmp": LABELLED}, True),
        (PLAIN, {"a_xmp": RATED}, False),
        (PLAIN, {"a_jpg_xmp": RATED}, False),
        (photo(RATED, quality=90), {}, False),
        (photo(LABELLED, quality=90), {}, True),
    ],
)
def test_a_copy_that_says_more_within_itself_stays(
    library: LivingLibrary, root: Path, kept: bytes, beside: dict[str, bytes], stays: bool
) -> None:
    same_picture(library, root, kept, RATED_WITHIN, **beside)

    plan = library.plan(NEAR_BY_NAME)

    assert going(plan) == ([] if stays else ["a copy.jpg"])
    assert not stays or reasons(plan) == {
        "it holds a rating that the kept copy lacks (--merge-sidecars carries them over)"
    }
    assert library.apply(plan).removed == (not stays)


def test_words_within_a_picture_are_merged_into_the_sidecar_of_the_kept_copy(
    library: LivingLibrary, root: Path
) -> None:
    same_picture(library, root, PLAIN, RATED_WITHIN, a_xmp=LABELLED)
    before = tree(root)

    assert library.apply(library.plan(carrying(NEAR_BY_NAME))).complete

    left = tree(root)
    assert sorted(left) == ["a.jpg", "a.xmp"]
    words = words_in_xmp(left["a.xmp"])
    assert (words.of_kind(WordKind.RATING), words.of_kind(WordKind.LABEL)) == ({"4"}, {"Red"})
    library.restore_all()
    assert tree(root) == before


def test_words_are_written_into_a_new_sidecar_only_where_the_kept_copy_has_none(
    library: LivingLibrary, root: Path
) -> None:
    same_picture(library, root, PLAIN, RATED_WITHIN)
    new = [one for one in library.plan(carrying(NEAR_BY_NAME)).removals if one.verb is Verb.DESCRIBE]
    assert [(one.victim.path, one.rule) for one in new] == [
        (b"a.jpg.xmp", "is written for the kept copy, with what a copy.jpg says")
    ]
    lay(root, {"a.xmp": LABELLED})
    assert [one.verb for one in library.plan(carrying(NEAR_BY_NAME)).removals] == [Verb.MERGE, Verb.QUARANTINE]


def test_a_sidecar_that_says_what_its_picture_says_is_given_as_it_is(library: LivingLibrary, root: Path) -> None:
    both = XMP.format('xmp:Rating="4" xmp:Label="Red"').encode()
    same_picture(library, root, PLAIN, RATED_WITHIN)
    lay(root, {"a copy.xmp": both})

    assert library.apply(library.plan(carrying(NEAR_BY_NAME))).complete

    assert tree(root) == {"a.jpg": PLAIN, "a.xmp": both}


@pytest.mark.parametrize(
    ("beside", "reason"),
    [
        ("a.jpg.png", "a sidecar of the kept copy would be one of a.jpg.png, too"),
        ("A.JPG.XMP", "the kept copy has a.jpg.xmp beside it, which is no sidecar that can be read"),
    ],
)
def test_no_sidecar_is_written_under_a_name_that_is_not_the_kept_copys_alone(
    library: LivingLibrary, root: Path, beside: str, reason: str
) -> None:
    same_picture(library, root, PLAIN, RATED_WITHIN)
    (root / beside).symlink_to(library.base / "nowhere")

    plan = library.plan(carrying(NEAR_BY_NAME))

    assert (going(plan), reasons(plan)) == ([], {reason})


@pytest.mark.parametrize("caption", ["By \x01 the sea", "By the \ud800 sea"])
def test_words_that_no_sidecar_can_hold_keep_the_picture(library: LivingLibrary, root: Path, caption: str) -> None:
    said = takeout(description=caption)
    lay(root, {"a.jpg": picture(1), "a copy.jpg": picture(1), "a copy.jpg.json": said})
    library.scan()
    assert going(library.plan(carrying())) == []


def test_no_copy_goes_because_of_words_that_were_not_carried_over_after_all(library: LivingLibrary, root: Path) -> None:
    said = takeout(description="By the sea")
    lay(root, {"a.jpg": picture(1), "b copy.jpg": picture(1), "b copy.jpg.json": said, "b copy.psd": b"?"})
    lay(root, {"c copy.jpg": picture(1), "c copy.jpg.json": said})
    library.scan()

    plan = library.plan(carrying())
    assert library.apply(plan).complete

    left = tree(root)
    assert going(plan) == ["a.jpg.xmp", "c copy.jpg", "c copy.jpg.json"]
    assert words_in_xmp(left["a.jpg.xmp"]).of_kind(WordKind.CAPTION) == {"By the sea"}


def test_a_recipe_within_a_picture_is_left_to_a_person(library: LivingLibrary, root: Path) -> None:
    same_picture(library, root, PLAIN, photo(MASK.encode()), a_xmp=LABELLED)
    plan = library.plan(carrying(NEAR_BY_NAME))
    assert going(plan) == []
    assert reasons(plan) == {"edits cannot be carried over, only a person can do that"}


def test_one_sidecar_takes_up_the_words_of_one_file_a_plan(library: LivingLibrary, root: Path) -> None:
    lay(root, {"b copy.jpg": picture(1), "b copy.xmp": RATED, "a.jpg": picture(1), "a.xmp": SILENT})
    lay(root, {"c copy.jpg": picture(1), "c copy.xmp": LABELLED})
    library.scan()

    assert library.apply(library.plan(carrying())).complete
    assert sorted(tree(root)) in (
        ["a.jpg", "a.xmp", "b copy.jpg", "b copy.xmp"],
        ["a.jpg", "a.xmp", "c copy.jpg", "c copy.xmp"],
    )
    library.scan()
    assert library.apply(library.plan(carrying())).complete

    left = tree(root)
    assert sorted(left) == ["a.jpg", "a.xmp"]
    words = words_in_xmp(left["a.xmp"])
    assert (words.of_kind(WordKind.RATING), words.of_kind(WordKind.LABEL)) == ({"4"}, {"Red"})


RECIPES = ["CaptureOne/Settings153/a copy.jpg.cos", "captureone/SETTINGS/A COPY.JPG.cos", "NKSC_PARAM/a copy.jpg.nksc"]


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("of_the_kept", [b"recipe", b"other", None])
def test_a_recipe_in_a_folder_of_its_program_goes_where_the_kept_copy_has_the_same(
    library: LivingLibrary, root: Path, recipe: str, of_the_kept: bytes | None
) -> None:
    lay(root, {"a.jpg": picture(1), "a copy.jpg": picture(1), recipe: b"recipe"})
    if of_the_kept is not None:
        lay(root, {recipe.replace("a copy", "a").replace("A COPY", "A"): of_the_kept})
    library.scan()

    plan = library.plan(BY_NAME)

    assert going(plan) == (sorted(["a copy.jpg", recipe]) if of_the_kept == b"recipe" else [])
    assert library.apply(plan).complete


def test_a_recipe_in_a_folder_of_its_program_that_comes_after_the_plan_keeps_the_picture(
    library: LivingLibrary, root: Path
) -> None:
    lay(root, {"a.jpg": picture(1), "a copy.jpg": picture(1)})
    library.scan()
    plan = library.plan(BY_NAME)
    lay(root, {RECIPES[0]: b"recipe"})
    assert library.apply(plan).removed == 0


# --- what happens between plan and apply ---


@pytest.mark.parametrize("written", ["a copy.xmp", "a copy.jpg.xmp", "a copy.pp3", "a copy.unknown"])
@pytest.mark.parametrize("late", [False, True])
def test_a_companion_that_comes_after_the_plan_keeps_the_picture(
    library: LivingLibrary, root: Path, written: str, late: bool
) -> None:
    lay(root, {"a.jpg": picture(1), "a copy.jpg": picture(1)})
    library.scan()
    plan = library.plan(BY_NAME)
    if not late:
        lay(root, {written: RATED})

    def step(now: Step) -> None:
        if late and now is Step.CHECKED:
            lay(root, {written: RATED})

    applied = library.apply(plan, steps=step)

    assert (applied.removed, len(applied.refused)) == (0, 1)
    assert sorted(tree(root)) == sorted(["a copy.jpg", "a.jpg", written])


def test_a_companion_that_says_nothing_new_is_not_left_behind_either(library: LivingLibrary, root: Path) -> None:
    lay(root, {"a.jpg": picture(1), "a copy.jpg": picture(1)})
    library.scan()
    plan = library.plan(BY_NAME)
    lay(root, {"a copy.xmp": SILENT})
    assert [one.reason for one in library.apply(plan).refused] == [
        "a copy.xmp came to belong to it after the plan was made"
    ]
    assert library.apply(library.plan(BY_NAME)).removed == 2


def test_a_copy_stays_where_the_kept_one_lost_its_words_after_the_plan(library: LivingLibrary, root: Path) -> None:
    same_picture(library, root, PLAIN, RATED_WITHIN, a_xmp=RATED)
    plan = library.plan(NEAR_BY_NAME)
    (root / "a.xmp").unlink()
    assert [one.reason for one in library.apply(plan).refused] == [
        "it holds a rating that the kept copy lacks (--merge-sidecars carries them over)"
    ]
    assert (root / "a copy.jpg").exists()


def test_a_picture_that_comes_after_the_plan_and_shares_a_companion_keeps_both(
    library: LivingLibrary, root: Path
) -> None:
    lay(root, {"a.jpg": picture(1), "a copy.jpg": picture(1), "a copy.xmp": SILENT})
    library.scan()
    plan = library.plan(BY_NAME)
    lay(root, {"a copy.png": picture(7)})
    assert {one.reason for one in library.apply(plan).refused} == {
        "its companion a copy.xmp belongs to a copy.png, which stays",
        "a copy.jpg: its companion a copy.xmp belongs to a copy.png, which stays",
    }
    assert len(tree(root)) == 4
