"""What stands in a removed file's place takes over nobody's owner or permissions, and is told from a person's file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from blake3 import blake3

from dedupctl.disk.folders import At, opened_folder
from dedupctl.disk.refusal import Refused
from dedupctl.disk.replacements import Clone, HardLink, Symlink, Text, is_replacement
from dedupctl.domain import Identity, Seen


@pytest.fixture
def part(tmp_path: Path) -> Iterator[At]:
    with opened_folder(os.fsencode(tmp_path)) as folder:
        yield At(folder, b"part")


def seen(path: Path, data: bytes = b"picture") -> Seen:
    path.write_bytes(data)
    path.chmod(0o644)
    return Seen(
        os.fsencode(path.parent), os.fsencode(path.name), Identity.of(path.lstat()), blake3(path.read_bytes()).digest()
    )


@pytest.mark.parametrize("kind", [HardLink, Clone])
def test_other_permissions_are_not_given_up_for_those_of_the_kept_copy(
    tmp_path: Path, part: At, kind: type[HardLink] | type[Clone]
) -> None:
    kept, replaced = seen(tmp_path / "kept"), seen(tmp_path / "replaced")
    (tmp_path / "replaced").chmod(0o600)
    with pytest.raises(Refused, match="other permissions"):
        kind(kept, replaced).make(part)
    assert not part.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
@pytest.mark.parametrize("kind", [HardLink, Clone])
@pytest.mark.parametrize("owner", [(1234, -1), (-1, 1234)])
def test_another_owner_or_group_is_not_given_up_for_that_of_the_kept_copy(
    tmp_path: Path, part: At, kind: type[HardLink] | type[Clone], owner: tuple[int, int]
) -> None:
    kept, replaced = seen(tmp_path / "kept"), seen(tmp_path / "replaced")
    os.chown(tmp_path / "replaced", *owner)
    with pytest.raises(Refused, match="another owner or group"):
        kind(kept, replaced).make(part)
    assert not part.exists()


def test_a_link_is_known_by_its_mark_until_a_person_puts_another_there(tmp_path: Path, part: At) -> None:
    kept, replaced = seen(tmp_path / "kept"), seen(tmp_path / "replaced")
    for replacement in (HardLink(kept, replaced), Symlink(kept), Text(b"words", replaced)):
        replacement.make(part)
        assert is_replacement(part, replacement.mark)
        part.unlink()
        (tmp_path / "part").write_bytes(b"a person's")
        assert not is_replacement(part, replacement.mark)
        with pytest.raises(FileExistsError):
            replacement.make(part)
        assert (tmp_path / "part").read_bytes() == b"a person's"
        part.unlink()


def test_a_text_takes_over_the_mode_of_what_it_replaces(tmp_path: Path, part: At) -> None:
    replaced = seen(tmp_path / "replaced")
    (tmp_path / "replaced").chmod(0o640)
    Text(b"words", replaced).make(part)
    assert (part.status().st_mode & 0o777, (tmp_path / "part").read_bytes()) == (0o640, b"words")
