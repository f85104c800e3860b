"""A protected file has many names; by none of them may it be removed."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

import pytest
from living_library import EXACT_ONLY, LivingLibrary, picture

from dedupctl.policy.protection import Protection, protected_forms


def covers(protected: Path, path: Path) -> bool:
    return Protection(protected_forms(os.fsencode(protected))).covers(os.fsencode(path))


def test_nothing_is_protected_where_nobody_asked(tmp_path: Path) -> None:
    assert not Protection([]).covers(os.fsencode(tmp_path / "a.jpg"))


def test_a_folder_protects_all_that_is_in_it_and_nothing_beside_it(tmp_path: Path) -> None:
    (tmp_path / "originals" / "2019").mkdir(parents=True)
    assert covers(tmp_path / "originals", tmp_path / "originals" / "2019" / "a.jpg")
    assert not covers(tmp_path / "originals", tmp_path / "originals 2" / "a.jpg")


def test_through_a_symlink_either_way(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a.jpg").touch()
    (tmp_path / "link").symlink_to("real")
    assert covers(tmp_path / "link" / "a.jpg", tmp_path / "real" / "a.jpg")
    assert covers(tmp_path / "real" / "a.jpg", tmp_path / "link" / "a.jpg")
    assert covers(tmp_path / "link", tmp_path / "real" / "a.jpg")


def test_by_a_hard_link_of_a_file_or_of_one_in_a_protected_folder(tmp_path: Path) -> None:
    (tmp_path / "originals").mkdir()
    (tmp_path / "originals" / "a.jpg").write_text("a")
    os.link(tmp_path / "originals" / "a.jpg", tmp_path / "linked.jpg")
    (tmp_path / "other.jpg").write_text("a")
    os.link(tmp_path / "other.jpg", tmp_path / "other 2.jpg")
    assert covers(tmp_path / "originals" / "a.jpg", tmp_path / "linked.jpg")
    assert covers(tmp_path / "originals", tmp_path / "linked.jpg")
    assert not covers(tmp_path / "originals", tmp_path / "other.jpg")


@pytest.mark.parametrize("spelt", ["CAFÉ.JPG", unicodedata.normalize("NFD", "café.jpg"), "Café.jpg"])
def test_by_another_case_or_another_unicode_form(tmp_path: Path, spelt: str) -> None:
    assert covers(tmp_path / "café.jpg", tmp_path / spelt)


def test_by_bytes_that_are_not_text(tmp_path: Path) -> None:
    odd = os.fsencode(tmp_path) + b"/\xff\xfe.jpg"
    assert Protection([odd]).covers(odd)
    assert not Protection([odd]).covers(os.fsencode(tmp_path) + b"/\xff.jpg")


@pytest.mark.parametrize("name", ["linked copy.jpg", "CAFÉ COPY.jpg", "link/b copy.jpg"])
def test_what_is_protected_under_another_name_is_in_no_plan(library: LivingLibrary, root: Path, name: str) -> None:
    (root / "a.jpg").write_bytes(picture(1))
    victim = root / "café copy.jpg"
    victim.write_bytes(picture(1))
    os.link(victim, root / "linked copy.jpg")
    (root / "link").symlink_to(".")
    os.link(victim, root / "b copy.jpg")
    library.scan()
    library.protect(root / name)

    library.apply(library.plan(EXACT_ONLY.model_copy(update={"keep": ("name",)})))

    assert victim.exists()
