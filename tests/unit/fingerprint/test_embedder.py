from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from PIL import Image
from rendered_library import drawn

from dedupctl.config import ModelConfig
from dedupctl.errors import ConfigError, StoreDamaged
from dedupctl.fingerprint import embedder
from dedupctl.fingerprint.embedder import BUILT_IN_DIM, BUILT_IN_PATH, Embedder, EmbeddingError, identify_model


def field(number: int, value: bytes | int | str) -> bytes:
    """One field of a protocol buffer."""
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    data = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _varint(value: int) -> bytes:
    out = b""
    while value > 127:
        out, value = out + bytes([value & 127 | 128]), value >> 7
    return out + bytes([value])


def tiny_model(kind: int, shape: list[int | str], axes: list[int], factor: float = 1.0) -> bytes:
    """An ONNX model that answers with the mean of each channel, times `factor`.

    Args:
        kind: element type of the input, 1 = float32, 2 = uint8.
        shape: of the input; names stand for free dimensions.
        axes: those that are averaged.
    """

    def value(name: str, element: int, dims: list[int | str]) -> bytes:
        shape_proto = b"".join(field(1, field(1, dim) if isinstance(dim, int) else field(2, dim)) for dim in dims)
        return field(1, name) + field(2, field(1, field(1, element) + field(2, shape_proto)))

    def node(op: str, inputs: list[str], output: str, *attributes: bytes) -> bytes:
        return b"".join(field(1, name) for name in inputs) + field(2, output) + field(4, op) + b"".join(attributes)

    cast = field(5, field(1, "to") + field(3, 1) + field(20, 2))
    reduce = field(5, field(1, "axes") + b"".join(field(8, axis) for axis in axes) + field(20, 7))
    keep = field(5, field(1, "keepdims") + field(3, 0) + field(20, 2))
    graph = field(1, node("Cast", ["image"], "x", cast))
    graph += field(1, node("ReduceMean", ["x"], "mean", reduce, keep))
    graph += field(1, node("Mul", ["mean", "factor"], "out"))
    graph += field(2, "tiny")
    graph += field(5, field(2, 1) + field(9, struct.pack("<f", factor)) + field(8, "factor"))
    graph += field(11, value("image", kind, shape)) + field(12, value("out", 1, ["batch", "dim"]))
    return field(1, 8) + field(7, graph) + field(8, field(2, 13))


@pytest.fixture
def model(tmp_path: Path):
    def write(*args, **options) -> Path:
        path = tmp_path / "model.onnx"
        path.write_bytes(tiny_model(*args, **options))
        return path

    return write


@pytest.fixture(scope="module")
def built_in() -> Embedder:
    return Embedder(ModelConfig())


def test_vectors_are_float32_of_unit_length_one_row_a_picture(built_in, scene):
    vectors = built_in.embed([scene(1), scene(2), scene(3, (90, 400))])
    assert vectors.shape == (3, BUILT_IN_DIM)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)


def test_a_copy_is_close_and_another_picture_is_not(built_in, scene):
    original, copy, other = built_in.embed([scene(1), scene(1).resize((200, 133)), scene(0)])
    assert original @ copy > 0.9
    assert original @ other < 0.75  # both are shapes on one gradient, which photos never are


def test_a_batch_gives_what_each_picture_gives_alone(built_in, scene):
    pictures = [scene(1), scene(2)]
    alone = np.concatenate([built_in.embed([picture]) for picture in pictures])
    assert np.allclose(built_in.embed(pictures), alone, atol=1e-5)


def test_the_model_is_known_without_being_started(monkeypatch):
    monkeypatch.setattr(embedder, "BUILT_IN_PATH", Path("nowhere.onnx"))
    identity = identify_model(ModelConfig())
    assert identity.dim == BUILT_IN_DIM
    assert len(identity.key) == 64


def test_the_key_is_that_of_the_running_model(built_in):
    assert built_in.identity == identify_model(ModelConfig())


@pytest.mark.parametrize("change", [b"", None])
def test_a_built_in_model_that_is_not_the_shipped_one_is_refused(monkeypatch, tmp_path, change):
    damaged = tmp_path / "damaged.onnx"
    if change is not None:
        weights = bytearray(BUILT_IN_PATH.read_bytes())
        weights[-1000] ^= 1
        damaged.write_bytes(weights)
    monkeypatch.setattr(embedder, "BUILT_IN_PATH", damaged)
    with pytest.raises(StoreDamaged, match="reinstall dedupctl"):
        Embedder(ModelConfig()).embed([Image.new("RGB", (10, 10))])


def test_a_users_model_is_fed_as_its_config_says(model):
    path = model(1, ["batch", 3, 64, 64], [2, 3])
    config = ModelConfig(path=path, input_size=64, layout="nchw-float32", mean=(0.0, 0.5, 0.0), std=(1.0, 0.5, 2.0))
    vector = Embedder(config).embed([Image.new("RGB", (200, 100), (255, 51, 102))])[0]
    expected = np.array([1.0, (0.2 - 0.5) / 0.5, 0.4 / 2])
    assert np.allclose(vector, expected / np.linalg.norm(expected), atol=1e-6)


def test_a_users_model_says_its_dimension_and_has_a_key_of_its_own(model):
    config = ModelConfig(path=model(2, ["batch", 32, 32, 3], [1, 2]), input_size=32)
    identity = identify_model(config)
    assert identity.dim == 3
    assert identity.key != identify_model(ModelConfig()).key
    assert identify_model(config.model_copy(update={"mean": (0.1, 0.0, 0.0)})).key != identity.key


def test_a_model_made_for_single_pictures_takes_a_batch(model):
    config = ModelConfig(path=model(2, [1, 32, 32, 3], [1, 2]), input_size=32)
    vectors = Embedder(config).embed([Image.new("RGB", (9, 9), colour) for colour in ("red", "blue")])
    assert np.allclose(vectors, [[1, 0, 0], [0, 0, 1]])


@pytest.mark.parametrize("factor", [0.0, float("nan"), float("inf")])
def test_a_vector_that_means_nothing_is_refused(model, factor):
    config = ModelConfig(path=model(2, ["batch", 32, 32, 3], [1, 2], factor), input_size=32)
    with pytest.raises(EmbeddingError):
        Embedder(config).embed([Image.new("RGB", (9, 9), "white")])


def test_a_model_that_cannot_be_used_is_the_configs_fault(tmp_path, model):
    (tmp_path / "words.onnx").write_bytes(b"no model at all")
    for path in (tmp_path / "gone.onnx", tmp_path / "words.onnx"):
        with pytest.raises(ConfigError, match=path.name):
            identify_model(ModelConfig(path=path))
    wrong_side = ModelConfig(path=model(2, ["batch", 32, 32, 3], [1, 2]), input_size=64)
    with pytest.raises(ConfigError, match="refuses its input"):
        Embedder(wrong_side).embed([Image.new("RGB", (9, 9), "white")])


def test_the_built_in_model_means_the_same_on_every_processor() -> None:
    """In float nothing is cut off, as it would be in the 16 bits of processors without 8-bit dot products."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    exact = onnxruntime.InferenceSession(BUILT_IN_PATH.read_bytes(), options, providers=["CPUExecutionProvider"])
    side = ModelConfig().input_size
    pictures = [drawn(seed, side, side) for seed in range(4)]
    meant = np.concatenate([exact.run(None, {"image": np.asarray(picture)[np.newaxis]})[0] for picture in pictures])
    assert np.sum(Embedder(ModelConfig()).embed(pictures) * meant, axis=1).min() > 0.99
