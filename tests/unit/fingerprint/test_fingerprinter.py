from __future__ import annotations

import io
import os

import numpy as np
import pytest
from blake3 import blake3
from PIL import Image

from dedupctl.config import Config, HashConfig, ModelConfig, ScanConfig
from dedupctl.domain import Identity, Unreadable
from dedupctl.errors import ConfigError
from dedupctl.fingerprint import fingerprinter as module
from dedupctl.fingerprint.digest import jpeg_stream_digest
from dedupctl.fingerprint.embedder import BUILT_IN_DIM, Embedder, EmbeddingError
from dedupctl.fingerprint.fingerprinter import THUMBNAIL_SIDE, Fingerprinter, Read, thumbnail_of


@pytest.fixture(scope="module")
def fingerprinter() -> Fingerprinter:
    return Fingerprinter(Config())


@pytest.fixture
def photo(tmp_path, scene, saved):
    path = tmp_path / "photo.jpg"
    path.write_bytes(saved(scene(1, (1200, 800)), "JPEG", 6))
    return path


def test_one_reading_gives_everything(fingerprinter, photo):
    read = fingerprinter.read(bytes(photo))
    assert isinstance(read, Read)
    data = photo.read_bytes()
    assert read.identity == Identity.of(photo.stat())
    fingerprint = read.fingerprint
    assert read.digest == fingerprint.digest == blake3(data).digest()
    assert fingerprint.size == len(data)
    assert (fingerprint.facts.width, fingerprint.facts.height) == (800, 1200)
    assert fingerprint.stream_digest == jpeg_stream_digest(data, 6)
    assert not fingerprint.flat
    assert set(fingerprint.hashes) == {"phash", "phash8"}
    assert fingerprint.hashes["phash8"][:8] == fingerprint.hashes["phash"]
    assert len(fingerprint.hashes["phash8"]) == 64
    assert fingerprint.vectors.shape == (2, BUILT_IN_DIM), "of the whole and of its middle"
    with Image.open(io.BytesIO(fingerprint.thumbnail)) as thumbnail:
        assert thumbnail.format == "JPEG"
        assert thumbnail.mode == "RGB"
        assert thumbnail.size == (213, THUMBNAIL_SIDE)


def test_a_known_content_is_digested_and_not_decoded(fingerprinter, photo, monkeypatch):
    monkeypatch.setattr(module, "load_small", lambda *_: pytest.fail("it was decoded"))
    digest = blake3(photo.read_bytes()).digest()
    read = fingerprinter.read(bytes(photo), {digest}.__contains__)
    assert read == Read(Identity.of(photo.stat()), digest, None)


def test_a_large_file_gives_the_same_without_being_held_in_memory(fingerprinter, photo, monkeypatch):
    in_memory = fingerprinter.read(bytes(photo)).fingerprint
    monkeypatch.setattr(module, "IN_MEMORY_BYTES", 1000)
    streamed = fingerprinter.read(bytes(photo)).fingerprint
    assert streamed.digest == in_memory.digest
    assert streamed.hashes == in_memory.hashes
    assert streamed.thumbnail == in_memory.thumbnail
    assert np.array_equal(streamed.vectors, in_memory.vectors)
    assert streamed.stream_digest is None


def test_a_small_picture_is_not_enlarged(fingerprinter, tmp_path, scene, saved):
    path = tmp_path / "icon.png"
    path.write_bytes(saved(scene(1, (40, 30)), "PNG"))
    with Image.open(io.BytesIO(fingerprinter.read(bytes(path)).fingerprint.thumbnail)) as thumbnail:
        assert thumbnail.size == (40, 30)


def test_only_jpegs_have_a_stream_digest(fingerprinter, tmp_path, scene, saved):
    for container, has_one in (("PNG", False), ("MPO", True)):
        (tmp_path / container).write_bytes(saved(scene(), container))
        assert (fingerprinter.read(bytes(tmp_path / container)).fingerprint.stream_digest is not None) is has_one


def test_a_blank_page_is_flat(fingerprinter, tmp_path, saved):
    (tmp_path / "blank").write_bytes(saved(Image.new("RGB", (400, 600), "white"), "PNG"))
    assert fingerprinter.read(bytes(tmp_path / "blank")).fingerprint.flat


def test_further_hashes_come_on_request(photo):
    config = Config(hashes=HashConfig(algorithms=("phash", "dhash", "colorhash")))
    hashes = Fingerprinter(config).read(bytes(photo)).fingerprint.hashes
    assert set(hashes) == {"phash", "phash8", "dhash", "colorhash"}


def test_the_limit_of_the_config_holds(photo, tmp_path, scene, saved):
    (tmp_path / "large").write_bytes(saved(scene(1, (1200, 1000)), "PNG"))
    strict = Fingerprinter(Config(scan=ScanConfig(max_megapixels=1)))
    assert strict.read(bytes(tmp_path / "large")).code == "too-large"
    assert isinstance(strict.read(bytes(photo)), Read)


def test_every_way_to_be_unreadable_is_an_outcome(fingerprinter, tmp_path, scene, saved):
    jpeg = saved(scene(), "JPEG")
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "cut.jpg").write_bytes(jpeg[: len(jpeg) // 2])
    (tmp_path / "words.jpg").write_bytes(b"no picture at all " * 20)
    (tmp_path / "folder.jpg").mkdir()
    os.mkfifo(tmp_path / "pipe.jpg")
    codes = {
        name: fingerprinter.read(bytes(tmp_path / f"{name}.jpg")).code
        for name in ("empty", "cut", "words", "folder", "pipe", "gone")
    }
    assert codes == {
        "empty": "empty",
        "cut": "truncated",
        "words": "not-an-image",
        "folder": "not-an-image",
        "pipe": "not-an-image",
        "gone": "vanished",
    }


def test_no_permission_is_said_so(fingerprinter, photo, monkeypatch):
    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)  # root may read everything
    assert fingerprinter.read(bytes(photo)).code == "permission"


def test_a_failing_disk_is_said_so(fingerprinter, photo, monkeypatch):
    def fail(*_):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "open", fail)
    assert fingerprinter.read(bytes(photo)) == Unreadable("io", "Input/output error")


def test_a_file_that_changed_since_it_was_found_says_so(fingerprinter, photo):
    found = Identity.of(photo.stat())
    with photo.open("ab") as writer:
        writer.write(b"\0")
    assert fingerprinter.read(bytes(photo), expected=found).code == "changed"


def test_a_picture_without_a_usable_vector_is_an_outcome(photo, monkeypatch):
    def refuse(*_):
        raise EmbeddingError("the model yields no usable vector")

    monkeypatch.setattr(Embedder, "embed", refuse)
    assert Fingerprinter(Config()).read(bytes(photo)).code == "no-embedding"


def test_a_model_that_cannot_be_used_is_no_files_fault(photo, tmp_path):
    broken = Fingerprinter(Config(model=ModelConfig(path=tmp_path / "gone.onnx")))
    with pytest.raises(ConfigError):
        broken.read(bytes(photo))


def test_odd_files_warn_of_nothing(fingerprinter, tmp_path, scene, saved, capfd):
    """Warnings are errors in the tests, so what Pillow warns of would be raised here."""
    jpeg = saved(scene(), "JPEG", 6)
    odd = jpeg.replace(b"Exif\0\0MM\0*", b"Exif\0\0MM\0*\xff\xff\xff", 1)
    assert odd != jpeg
    (tmp_path / "odd").write_bytes(odd)
    assert isinstance(fingerprinter.read(bytes(tmp_path / "odd")), Read)
    assert capfd.readouterr() == ("", "")


def test_a_name_may_be_any_bytes(fingerprinter, photo):
    strange = bytes(photo.parent) + b"/\xff\xfe\n' .jpg"
    photo.rename(os.fsdecode(strange))
    assert isinstance(fingerprinter.read(strange), Read)


def test_a_lost_thumbnail_is_made_again_as_it_was(fingerprinter, photo, tmp_path):
    assert thumbnail_of(bytes(photo)) == fingerprinter.read(bytes(photo)).fingerprint.thumbnail
    assert thumbnail_of(bytes(tmp_path / "gone")).code == "vanished"
