"""Embedding: an ONNX model, run on one thread, maps a picture to a unit vector close to those of its copies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from blake3 import blake3
from PIL import Image

from dedupctl.config import ModelConfig
from dedupctl.domain import FloatArray
from dedupctl.errors import ConfigError, DedupctlError, StoreDamaged
from dedupctl.fingerprint.regions import MIDDLE_SHARE

METRIC = "cosine"
BUILT_IN_PATH = Path(__file__).with_name("models") / "copy128_int8.onnx"
BUILT_IN_DIM = 128
BUILT_IN_DIGEST = bytes.fromhex("77ef032fb6b81db5d8463d99ccc61a27ced7abd20048c212f987c0f6b37e0213")
"""BLAKE3 of the model file of this release: a truncated or replaced model would silently yield other vectors."""


class EmbeddingError(DedupctlError):
    """The vector that the model yields for a picture is unusable: NaN, infinite or zero."""


@dataclass(frozen=True, slots=True)
class ModelIdentity:
    """The model that made a vector. Vectors of models with different keys are never compared."""

    key: str
    """Hexadecimal BLAKE3 of the weights, preprocessing, middle region, dimension and metric."""
    dim: int


def identify_model(config: ModelConfig) -> ModelIdentity:
    """The model that a configuration asks for. The built-in model is neither read nor started for this.

    Raises:
        ConfigError: the user's model cannot be read or run.
    """
    if config.path is None:
        return _identity(BUILT_IN_DIGEST, config, BUILT_IN_DIM)
    return Embedder(config).identity


class Embedder:
    """Runs one model. It costs nothing until the first vector is requested."""

    def __init__(self, config: ModelConfig) -> None:
        self._config = config

    @cached_property
    def identity(self) -> ModelIdentity:
        """Raises: as `embed`."""
        return _identity(blake3(self._weights).digest(), self._config, self.dim)

    @cached_property
    def dim(self) -> int:
        """The dimension of the vectors. If the model does not declare it, a grey picture is embedded to find out."""
        if self._config.path is None:
            return BUILT_IN_DIM
        declared = self._session.get_outputs()[0].shape[-1]
        if isinstance(declared, int):
            return declared
        side = self._config.input_size
        return int(self._run(self._input([Image.new("RGB", (side, side), "gray")])).shape[1])

    def embed(self, images: Sequence[Image.Image]) -> FloatArray:
        """The vectors of RGB pictures of any size, which are resized to the model's square.

        Returns: shape (n, dim), float32, unit length.

        Raises:
            EmbeddingError: the model yields NaN, infinity or a zero vector.
            ConfigError: the user's model cannot be read or run.
            StoreDamaged: the built-in model is missing or not that of this release.
        """
        vectors = self._run(self._input(images))
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        if not np.isfinite(lengths).all() or not lengths.all():
            raise EmbeddingError("the model yields no usable vector")
        return np.asarray(vectors / lengths, np.float32)

    def load(self, most_images: int) -> None:
        """Start the model and embed this many grey pictures, so that the first real ones do not have to wait.

        Raises:
            ConfigError, StoreDamaged: as `embed`.
        """
        side = self._config.input_size
        self._run(self._input([Image.new("RGB", (side, side), "gray")] * most_images))

    @cached_property
    def _weights(self) -> bytes:
        path = self._config.path
        try:
            weights = (path or BUILT_IN_PATH).read_bytes()
        except OSError as error:
            if path is None:
                raise StoreDamaged(f"the built-in model is missing ({error.strerror}); reinstall dedupctl") from error
            raise ConfigError(f"cannot read the model {path}: {error.strerror}") from error
        if path is None and blake3(weights).digest() != BUILT_IN_DIGEST:
            raise StoreDamaged(f"{BUILT_IN_PATH} is not the model of this release; reinstall dedupctl")
        return weights

    @cached_property
    def _session(self) -> Any:
        import onnxruntime  # takes 70 MB, which only a scan or a search should pay

        weights = self._weights
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        try:
            return onnxruntime.InferenceSession(weights, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # the exceptions of onnxruntime have no common base class
            raise ConfigError(f"cannot run the model {self._config.path}: {_line(error)}") from error

    def _input(self, images: Sequence[Image.Image]) -> npt.NDArray[Any]:
        side = (self._config.input_size, self._config.input_size)
        pixels = np.stack([np.asarray(image.resize(side, Image.Resampling.BILINEAR)) for image in images])
        if self._config.layout == "nhwc-uint8":
            return pixels
        mean, std = np.array(self._config.mean, np.float32), np.array(self._config.std, np.float32)
        return np.ascontiguousarray(((pixels / np.float32(255) - mean) / std).transpose(0, 3, 1, 2))

    def _run(self, pixels: npt.NDArray[Any]) -> FloatArray:
        session = self._session
        declared = session.get_inputs()[0]
        one_by_one = isinstance(declared.shape[0], int)  # exported for a batch of one
        try:
            batches = [pixels[index : index + 1] for index in range(len(pixels))] if one_by_one else [pixels]
            outputs = [session.run(None, {declared.name: batch})[0] for batch in batches]
        except Exception as error:  # as above
            raise ConfigError(f"the model {self._config.path} refuses its input: {_line(error)}") from error
        return np.concatenate(outputs).reshape(len(pixels), -1).astype(np.float32)


def _identity(weights_digest: bytes, config: ModelConfig, dim: int) -> ModelIdentity:
    preprocessing = f"{config.input_size} {config.layout} {config.mean} {config.std} middle {MIDDLE_SHARE}"
    return ModelIdentity(blake3(weights_digest + f"{preprocessing} {dim} {METRIC}".encode()).hexdigest(), dim)


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
