"""Which copy stays, and that the rule that decided is the one that is named."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from living_library import LivingLibrary, picture

from dedupctl.config import KeeperRule, PolicyConfig
from dedupctl.domain import PictureFacts

PIXEL = PolicyConfig(kinds=("exact", "pixel", "near"), max_remove_share=100)
PLAIN = PictureFacts("JPEG", 100, 100)


def kept_by(library: LivingLibrary, policy: PolicyConfig = PIXEL) -> tuple[bytes, str]:
    """The name of the kept copy and the rule."""
    (action,) = library.plan(policy).actions
    assert action.keeper is not None
    return action.keeper.path, action.rule


@pytest.mark.parametrize(
    ("better", "rule"),
    [
        (PictureFacts("RAW", 10, 10), "format"),
        (PictureFacts("JPEG", 101, 100), "resolution"),
        (PictureFacts("JPEG", 100, 100, has_gps=True), "camera"),
        (PictureFacts("JPEG", 100, 100, exif_tags=3), "metadata"),
        (PictureFacts("JPEG", 100, 100, taken_at="1999-01-01T00:00:00"), "camera"),
    ],
)
def test_what_a_picture_is_decides(library: LivingLibrary, root: Path, better: PictureFacts, rule: str) -> None:
    one, other = picture(1, 0, "a"), picture(1, 0, "b")
    library.facts = {one: PLAIN, other: better}
    (root / "a.jpg").write_bytes(one)
    (root / "b copy (1).jpg").write_bytes(other)
    library.scan()
    assert kept_by(library) == (b"b copy (1).jpg", rule)


def test_a_jpeg_of_a_camera_is_kept_before_what_programs_write(library: LivingLibrary, root: Path) -> None:
    one, other = picture(1, 0, "a"), picture(1, 0, "b")
    library.facts = {one: replace(PLAIN, format="WEBP", width=200), other: replace(PLAIN, camera="Canon")}
    (root / "a.jpg").write_bytes(one)
    (root / "b.jpg").write_bytes(other)
    library.scan()
    assert kept_by(library) == (b"b.jpg", "camera")
    assert kept_by(library, PIXEL.model_copy(update={"keep": ("format",)})) == (b"b.jpg", "format")


def test_more_bytes_are_kept(library: LivingLibrary, root: Path) -> None:
    (root / "a.jpg").write_bytes(picture(1))
    (root / "b.jpg").write_bytes(picture(1, 0, "more is said here"))
    library.scan()
    assert kept_by(library) == (b"b.jpg", "bytes")


@pytest.mark.parametrize(
    "marked",
    ["a copy.jpg", "a (1).jpg", "Copy of a.jpg", "a~2.jpg", "a - Kopie.jpg", "a_copy2.jpg", "copie de a.jpg"],
)
def test_a_name_that_says_copy_goes_even_if_it_is_shorter(library: LivingLibrary, root: Path, marked: str) -> None:
    (root / "a much longer name than the other.jpg").write_bytes(picture(1))
    (root / marked).write_bytes(picture(1))
    library.scan()
    assert kept_by(library) == (b"a much longer name than the other.jpg", "name")


@pytest.mark.parametrize("name", ["copyright.jpg", "photocopy.jpg", "f(1)x.jpg"])
def test_a_name_that_only_contains_such_letters_is_no_copy(library: LivingLibrary, root: Path, name: str) -> None:
    (root / name).write_bytes(picture(1))
    (root / "a very ordinary name.jpg").write_bytes(picture(1))
    library.scan()
    assert kept_by(library)[0] == name.encode()


def test_places_are_asked_before_what_the_picture_is(library: LivingLibrary, root: Path) -> None:
    (root / "best").mkdir()
    (root / "best" / "a copy.jpg").write_bytes(picture(1))
    (root / "a.jpg").write_bytes(picture(1, 0, "more bytes"))
    library.scan()
    assert kept_by(library, PIXEL.model_copy(update={"path_priority": ("*/best/*",)})) == (
        b"best/a copy.jpg",
        "path-priority",
    )


def test_a_reference_root_and_a_protected_file_come_before_all(library: LivingLibrary, root: Path) -> None:
    reference = library.add_root("reference", reference=True)
    (reference / "a copy.jpg").write_bytes(picture(1))
    (root / "a.jpg").write_bytes(picture(1, 0, "more bytes"))
    library.scan()
    assert kept_by(library) == (b"a copy.jpg", "reference-root")
    library.protect(root / "a.jpg")
    assert kept_by(library)[1] == "protected"


def test_the_order_of_the_policy_counts(library: LivingLibrary, root: Path) -> None:
    (root / "a.jpg").write_bytes(picture(1))
    (root / "a longer name.jpg").write_bytes(picture(1, 0, "more bytes"))
    library.scan()
    assert kept_by(library, PIXEL.model_copy(update={"keep": ("bytes", "name")})) == (b"a longer name.jpg", "bytes")
    assert kept_by(library, PIXEL.model_copy(update={"keep": ("name", "bytes")})) == (b"a.jpg", "name")


def test_two_files_are_never_equal_so_that_the_same_plan_is_made_twice(library: LivingLibrary, root: Path) -> None:
    for name in ("b.jpg", "a.jpg"):
        (root / name).write_bytes(picture(1))
    library.scan()
    never: tuple[KeeperRule, ...] = ("protected",)
    assert kept_by(library, PIXEL.model_copy(update={"keep": never})) == (b"a.jpg", "path")
