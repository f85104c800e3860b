from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from dedupctl.errors import UsageError
from dedupctl.web.password import PASSWORD_FILE, find_password, set_password


def test_what_is_stored_is_a_hash_that_others_cannot_read(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        stored = set_password(tmp_path, "korrektes Pferd ✓")
    finally:
        os.umask(before)
    assert stat.S_IMODE(stored.stat().st_mode) == 0o600
    assert stored.read_text().startswith("$argon2id$")
    password = find_password(tmp_path, {})
    assert password.fits("korrektes Pferd ✓")
    assert not password.fits("korrektes Pferd")


def test_a_new_password_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    set_password(tmp_path, "the first one")
    set_password(tmp_path, "the second one")
    assert find_password(tmp_path, {}).fits("the second one")
    assert not find_password(tmp_path, {}).fits("the first one")
    assert os.listdir(tmp_path) == ["password"]


def test_a_file_that_is_named_comes_before_the_stored_one(tmp_path: Path) -> None:
    set_password(tmp_path, "the stored one")
    (tmp_path / "secret").write_text("the named one\nnothing else counts\n")
    password = find_password(tmp_path, {PASSWORD_FILE: str(tmp_path / "secret")})
    assert password.fits("the named one")
    assert not password.fits("the stored one")


@pytest.mark.parametrize(
    ("content", "complaint"), [(None, "cannot read"), ("", "8 characters"), ("seven77\n", "8 characters")]
)
def test_a_file_that_holds_no_password_is_refused(tmp_path: Path, content: str | None, complaint: str) -> None:
    named = tmp_path / "secret"
    if content is not None:
        named.write_text(content)
    with pytest.raises(UsageError, match=complaint):
        find_password(tmp_path, {PASSWORD_FILE: str(named)})


def test_without_any_password_the_way_to_one_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--set-password"):
        find_password(tmp_path, {})
    (tmp_path / "password").write_text("in the clear\n")
    with pytest.raises(UsageError, match="no password hash"):
        find_password(tmp_path, {})
    with pytest.raises(UsageError, match="cannot write"):
        set_password(tmp_path / "nowhere", "long enough")
