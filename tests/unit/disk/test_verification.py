"""What is read right before an operation decides, not what was known when the plan was made."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from living_library import TIDY_ALL, LivingLibrary, picture

from dedupctl.disk import folders
from dedupctl.disk import verification as verify
from dedupctl.disk.moves import CHUNK_BYTES
from dedupctl.disk.refusal import Refused
from dedupctl.disk.verification import Checked, check_actions, digest_of
from dedupctl.domain import Action


def planned(library: LivingLibrary, root: Path, kept: bytes, copy: bytes) -> Action:
    """A plan that would remove `copy.jpg` for `a.jpg`."""
    (root / "a.jpg").write_bytes(kept)
    (root / "a copy.jpg").write_bytes(copy)
    library.scan()
    (action,) = library.plan(TIDY_ALL.model_copy(update={"keep": ("name",)})).removals
    return action


def reason(action: Action) -> str:
    result = check_actions([action])[action.id]
    assert isinstance(result, Refused)
    return str(result)


@pytest.mark.parametrize("size", [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES])
def test_equal_bytes_of_any_length_pass(library: LivingLibrary, root: Path, size: int) -> None:
    action = planned(library, root, b"x" * size, b"x" * size)
    assert isinstance(check_actions([action])[action.id], Checked)


@pytest.mark.parametrize("place", [0, CHUNK_BYTES, -1])
def test_one_changed_byte_is_found_wherever_it_is(library: LivingLibrary, root: Path, place: int) -> None:
    data = bytearray(os.urandom(2 * CHUNK_BYTES + 10))
    action = planned(library, root, bytes(data), bytes(data))
    times = (root / "a copy.jpg").stat()
    data[place] ^= 1
    with (root / "a copy.jpg").open("r+b") as file:
        file.write(data)
    os.utime(root / "a copy.jpg", ns=(times.st_atime_ns, times.st_mtime_ns))
    assert "same bytes" in reason(action)


def test_a_near_copy_must_still_be_what_the_proof_was_made_on(library: LivingLibrary, root: Path) -> None:
    action = planned(library, root, picture(1), picture(1, 1))
    times = (root / "a copy.jpg").stat()
    with (root / "a copy.jpg").open("r+b") as file:
        file.write(picture(2, 1))
    os.utime(root / "a copy.jpg", ns=(times.st_atime_ns, times.st_mtime_ns))
    assert reason(action) == "it has changed since the plan was made"


@pytest.mark.parametrize("name", ["a.jpg", "a copy.jpg"])
def test_a_pipe_in_the_place_of_a_file_is_refused_and_does_not_hang(
    library: LivingLibrary, root: Path, name: str
) -> None:
    action = planned(library, root, picture(1), picture(1))
    (root / name).unlink()
    os.mkfifo(root / name)
    assert "not a regular file" in reason(action)


def test_a_kept_copy_that_cannot_be_read_keeps_all_that_would_go_for_it(
    library: LivingLibrary, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    action = planned(library, root, picture(1), picture(1))
    open_ = folders.At.open

    def denied(at: folders.At) -> int:
        if at.name == b"a.jpg":
            raise PermissionError(13, "Permission denied")
        return open_(at)

    monkeypatch.setattr(folders.At, "open", denied)
    assert reason(action) == f"the kept copy {root}/a.jpg: Permission denied"


def test_a_file_written_to_while_it_is_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(picture(1))
    digest = verify.digest_descriptor

    def meanwhile(descriptor: int) -> bytes:
        os.utime(path, ns=(1, 1))
        return digest(descriptor)

    monkeypatch.setattr(verify, "digest_descriptor", meanwhile)
    with pytest.raises(Refused, match="changed while"):
        digest_of(os.fsencode(tmp_path), b"a.jpg")


def test_many_copies_of_one_kept_file_do_not_exhaust_the_open_files(library: LivingLibrary, root: Path) -> None:
    (root / "a.jpg").write_bytes(picture(1))
    for number in range(3 * verify.SIDE_BY_SIDE):
        (root / f"a copy {number}.jpg").write_bytes(picture(1))
    library.scan()
    actions = library.plan().removals
    assert len(actions) == 3 * verify.SIDE_BY_SIDE
    assert all(isinstance(one, Checked) for one in check_actions(actions).values())
