"""One candidate before the court: stream, pixels, proof, and what is lost."""

from __future__ import annotations

import io
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import pytest
from PIL import Image
from scenery import scene

from dedupctl.config import Config
from dedupctl.domain import Evidence, PairKind, Unreadable
from dedupctl.fingerprint.decode import pixel_digest
from dedupctl.fingerprint.fingerprinter import Fingerprinter, Read
from dedupctl.fingerprint.unreadable import Limits
from dedupctl.matching import comparison as judging
from dedupctl.matching.candidates import Candidate
from dedupctl.matching.comparison import Case, Comparer, Side
from dedupctl.matching.lookup import as_content
from dedupctl.matching.score import Thresholds, judge

ORIENTATION, SOFTWARE = 0x0112, 0x0131


@pytest.fixture(scope="session")
def reader() -> Fingerprinter:
    return Fingerprinter(Config())


class Shop:
    """Writes pictures to files and reads them as a scan does."""

    def __init__(self, folder: Path, reader: Fingerprinter) -> None:
        self._folder, self._reader, self._made = folder, reader, 0

    def side(self, data: bytes) -> Side:
        self._made += 1
        path = self._folder / f"{self._made}.bin"
        path.write_bytes(data)
        read = self._reader.read(bytes(path))
        assert isinstance(read, Read)
        assert read.fingerprint is not None
        content = replace(as_content(read.fingerprint), id=self._made)
        return Side(content, read.fingerprint.thumbnail, bytes(path))


@pytest.fixture
def shop(tmp_path: Path, reader: Fingerprinter) -> Shop:
    return Shop(tmp_path, reader)


def packed(image: Image.Image, container: str, orientation: int | None = None, **options: object) -> bytes:
    exif = Image.Exif()
    exif[SOFTWARE] = "a camera 1.0"
    if orientation is not None:
        exif[ORIENTATION] = orientation
    file = io.BytesIO()
    image.save(file, container, **({} if container == "BMP" else {"exif": exif.tobytes()}), **options)
    return file.getvalue()


def with_other_exif(jpeg: bytes, orientation: int | None = None) -> bytes:
    """The same image stream behind other metadata."""
    exif = Image.Exif()
    exif[SOFTWARE] = "an editor 9.9"
    if orientation is not None:
        exif[ORIENTATION] = orientation
    body = exif.tobytes()
    old = 22 + int.from_bytes(jpeg[22:24], "big")  # what `packed` wrote stands behind JFIF's segment of 18 bytes
    return jpeg[:2] + b"\xff\xe1" + (len(body) + 2).to_bytes(2, "big") + body + jpeg[old:]


def evidence_on(a: Side, b: Side, *, same_stream: bool | None = None) -> Evidence | None:
    distance = (int.from_bytes(a.content.phash, "big") ^ int.from_bytes(b.content.phash, "big")).bit_count()
    twins = a.content.stream_digest is not None and a.content.stream_digest == b.content.stream_digest
    candidate = Candidate(a.content.id, b.content.id, twins if same_stream is None else same_stream, distance, 0.9)
    return Comparer().evidence(Case(candidate, a, b))


def kind_of(evidence: Evidence | None) -> PairKind | None:
    assert evidence is not None
    return judge(evidence, Thresholds())[0]


def test_one_image_stream_is_pixel_without_a_decode(shop: Shop) -> None:
    jpeg = packed(scene(1), "JPEG", quality=90)
    a, b = shop.side(jpeg), shop.side(with_other_exif(jpeg))
    assert a.content.digest != b.content.digest
    unreadable = replace(a, path=None, thumbnail=None), replace(b, path=None, thumbnail=None)
    evidence = evidence_on(*unreadable)
    assert evidence is not None
    assert evidence.method == "stream"
    assert kind_of(evidence) is PairKind.PIXEL


@pytest.mark.parametrize("orientation", [2, 3, 6, 8])
def test_the_same_stream_another_way_up_is_near(shop: Shop, orientation: int) -> None:
    jpeg = packed(scene(1), "JPEG", quality=90)
    evidence = evidence_on(shop.side(jpeg), shop.side(with_other_exif(jpeg, orientation)), same_stream=True)
    assert kind_of(evidence) is PairKind.NEAR
    assert evidence is not None
    assert evidence.transform is not None
    assert evidence.transform.mirrored or abs(evidence.transform.rotation) >= 90


def test_two_lossless_containers_of_one_picture_are_pixel(shop: Shop) -> None:
    a, b = shop.side(packed(scene(1), "PNG")), shop.side(packed(scene(1), "BMP"))
    evidence = evidence_on(a, b)
    assert evidence is not None
    assert evidence.method == "pixels"
    assert kind_of(evidence) is PairKind.PIXEL


def test_a_single_other_pixel_is_near_not_pixel(shop: Shop) -> None:
    touched = scene(1).copy()
    red, green, blue = touched.getpixel((200, 100))
    touched.putpixel((200, 100), (red ^ 1, green, blue))
    evidence = evidence_on(shop.side(packed(scene(1), "PNG")), shop.side(packed(touched, "PNG")))
    assert kind_of(evidence) is PairKind.NEAR


def test_a_lossy_copy_is_near(shop: Shop) -> None:
    evidence = evidence_on(shop.side(packed(scene(1), "PNG")), shop.side(packed(scene(1), "JPEG", quality=95)))
    assert kind_of(evidence) is PairKind.NEAR


def test_equal_pixels_shown_two_ways_up_are_near(shop: Shop) -> None:
    a, b = shop.side(packed(scene(1), "PNG")), shop.side(packed(scene(1), "PNG", orientation=3))
    evidence = evidence_on(a, b)
    assert kind_of(evidence) is PairKind.NEAR


def test_pictures_of_other_dimensions_are_not_decoded(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bytes] = []
    monkeypatch.setattr(judging, "pixel_digest", lambda path, _: asked.append(path))
    small = scene(1).resize((240, 180))
    evidence_on(shop.side(packed(scene(1), "PNG")), shop.side(packed(small, "PNG")))
    evidence_on(shop.side(packed(scene(1), "PNG")), shop.side(packed(scene(2), "PNG")))
    assert asked == []


def test_without_files_equal_pixels_cannot_be_promised(shop: Shop) -> None:
    a, b = shop.side(packed(scene(1), "PNG")), shop.side(packed(scene(1), "BMP"))
    assert kind_of(evidence_on(replace(a, path=None), b)) is PairKind.SIMILAR


def test_files_of_the_same_pixels_are_decoded_once_each(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bytes] = []

    def counted(path: bytes, limits: Limits) -> bytes | Unreadable:
        asked.append(path)
        return pixel_digest(path, limits)

    monkeypatch.setattr(judging, "pixel_digest", counted)
    sides = [shop.side(packed(scene(1), container)) for container in ("PNG", "BMP", "TIFF")]
    comparer = Comparer()
    for a, b in combinations(sides, 2):
        found = comparer.evidence(Case(Candidate(a.content.id, b.content.id, False, 0, 0.9), a, b))
        assert found is not None
        assert found.method == "pixels"
    assert sorted(asked) == sorted(side.path for side in sides if side.path)


def test_a_lost_thumbnail_is_made_again_from_the_file(shop: Shop) -> None:
    a, b = shop.side(packed(scene(1), "PNG")), shop.side(packed(scene(1), "JPEG", quality=60))
    assert evidence_on(replace(a, thumbnail=None), b) == evidence_on(a, b)


def test_a_picture_that_is_lost_altogether_says_nothing(shop: Shop) -> None:
    a, b = shop.side(packed(scene(1), "PNG")), shop.side(packed(scene(1), "JPEG", quality=60))
    assert evidence_on(replace(a, thumbnail=None, path=None), b) is None
    assert evidence_on(a, replace(b, thumbnail=None, path=b"/nowhere/at all.jpg")) is None


def test_a_judge_prepares_each_picture_once_and_forgets_the_oldest(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    decoded: list[int] = []
    original = judging.Picture.from_thumbnail

    def counted(jpeg: bytes, width: int, height: int) -> judging.Picture:
        decoded.append(len(jpeg))
        return original(jpeg, width, height)

    monkeypatch.setattr(judging.Picture, "from_thumbnail", counted)
    monkeypatch.setattr(judging, "KEPT_PICTURES", 2)
    sides = [shop.side(packed(scene(seed), "JPEG")) for seed in (1, 2, 3)]
    court = Comparer()
    for a, b in ((0, 1), (0, 1), (0, 2), (0, 2), (1, 2)):
        court.evidence(Case(Candidate(sides[a].content.id, sides[b].content.id, False, 30, 0.5), sides[a], sides[b]))
    assert len(decoded) == 4


def taken(second: int) -> bytes:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9003] = f"2024:05:17 08:30:{second:02}"
    file = io.BytesIO()
    scene(1).save(file, "JPEG", quality=90 - second, exif=exif)
    return file.getvalue()


def test_what_the_camera_wrote_is_part_of_the_evidence(shop: Shop) -> None:
    evidence = evidence_on(shop.side(taken(1)), shop.side(taken(2)))
    assert evidence is not None
    assert evidence.closer is not None
    assert evidence.closer.moments == "times"
    assert kind_of(evidence) is PairKind.SIMILAR
    assert kind_of(evidence_on(shop.side(taken(1)), shop.side(packed(scene(1), "JPEG", quality=70)))) is PairKind.NEAR


def test_what_is_nothing_like_a_copy_is_not_looked_at_closely(shop: Shop) -> None:
    evidence = evidence_on(shop.side(packed(scene(1), "PNG")), shop.side(packed(scene(2), "PNG")))
    assert evidence is not None
    assert evidence.closer is None
