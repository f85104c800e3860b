"""A second, larger decode."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from dedupctl.domain import Unreadable
from dedupctl.fingerprint.closer_look import CLOSER_SIDE, CloserLook, look_closer


def saved(path: Path, size: tuple[int, int], **options: object) -> bytes:
    rng = np.random.default_rng(1)
    Image.fromarray(rng.integers(0, 256, (*size[::-1], 3), np.uint8)).save(path, **options)
    return bytes(path)


def test_a_large_photo_comes_at_the_side_of_a_closer_look(tmp_path: Path) -> None:
    look = look_closer(saved(tmp_path / "a.jpg", (3000, 2000)))
    assert isinstance(look, CloserLook)
    assert look.gray.shape == (800, CLOSER_SIDE)


def test_a_small_one_is_never_enlarged(tmp_path: Path) -> None:
    look = look_closer(saved(tmp_path / "a.png", (300, 200)))
    assert isinstance(look, CloserLook)
    assert look.gray.shape == (200, 300)
    assert look.quantization is None


def test_the_steps_of_a_jpeg_come_along(tmp_path: Path) -> None:
    look = look_closer(saved(tmp_path / "a.jpg", (300, 200), quality=50))
    assert isinstance(look, CloserLook)
    assert look.quantization is not None
    assert look.quantization[:8] == (16, 11, 10, 16, 24, 40, 51, 61)  # ITU-T T.81, table K.1


def test_it_is_seen_as_shown_with_what_the_camera_wrote(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    exif.get_ifd(0x8769)[0x9003] = "2024:05:17 08:30:11"
    look = look_closer(saved(tmp_path / "a.jpg", (300, 200), exif=exif))
    assert isinstance(look, CloserLook)
    assert look.gray.shape == (300, 200)
    assert look.capture.taken_at is not None


def test_what_cannot_be_read_says_why(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"no picture at all")
    assert isinstance(look_closer(bytes(tmp_path / "a.jpg")), Unreadable)
    assert isinstance(look_closer(bytes(tmp_path / "none.jpg")), Unreadable)
