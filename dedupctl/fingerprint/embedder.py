"""The embedding: a picture as a unit vector, close to those of its copies. An ONNX model, run on one thread."""

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
from dedupctl.fingerprint.parts import MIDDLE_SHARE

METRIC = "cosine"
BUILT_IN_PATH = Path(__file__).with_name("models") / "copy128_int8.onnx"
BUILT_IN_DIM = 128
BUILT_IN_DIGEST = bytes.fromhex("77ef032fb6b81db5d8463d99ccc61a27ced7abd20048c212f987c0f6b37e0213")
"""BLAKE3 of the model file of this release: a model cut off or exchanged would give other vectors in silence."""


class EmbeddingError(DedupctlError):
    """The model gave no usable vector for a picture: NaN, infinite or zero."""


@dataclass(frozen=True, slots=True)
class ModelIdentity:
    """Which model made a vector; vectors of different keys are never compared."""

    key: str
    """Hexadecimal BLAKE3 over weights, preprocessing, the part that every picture has, dimension and metric."""
    dim: int


def identify_model(config: ModelConfig) -> ModelIdentity:
    """Which model a configuration asks for. The built-in one is neither read nor started for this.

    Raises:
        ConfigError: the user's model cannot be read or run.
    """
    if config.path is None:
        return _identity(BUILT_IN_DIGEST, config, BUILT_IN_DIM)
    return Embedder(config).identity


class Embedder:
    """Runs one model. Costs nothing until the first vector is asked for."""

    def __init__(self, config: ModelConfig) -> None:
        self._config = config

    @cached_property
    def identity(self) -> ModelIdentity:
        """Raises: as `embed`."""
        return _identity(blake3(self._weights).digest(), self._config, self.dim)

    @property
    def key(self) -> str:
        return self.identity.key

    @cached_property
    def dim(self) -> int:
        """Numbers in a vector; a model that does not declare it is asked with a grey picture."""
        if self._config.path is None:
            return BUILT_IN_DIM
        declared = self._session.get_outputs()[0].shape[-1]
        if isinstance(declared, int):
            return declared
        side = self._config.input_size
        return int(self._run(self._input([Image.new("RGB", (side, side), "gray")])).shape[1])

    def embed(self, images: Sequence[Image.Image]) -> FloatArray:
        """Vectors of RGB pictures of any size, squeezed to the model's square: shape (n, dim), float32, unit length.

        Raises:
            EmbeddingError: the model answers with NaN or a zero vector.
            ConfigError: the user's model cannot be read or run.
            StoreDamaged: the built-in model is not the one of this release.
        """
        vectors = self._run(self._input(images))
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        if not np.isfinite(lengths).all() or not lengths.all():
            raise EmbeddingError("the model gave no usable vector")
        return np.asarray(vectors / lengths, np.float32)

    def load(self, most_images: int) -> None:
        """Get ready to embed so many pictures at once: what that takes is not for the first of them to pay.

        Raises: as `embed`, but for what it says of vectors.
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
                raise StoreDamaged(
                    f"the built-in model is missing ({error.strerror}); install dedupctl again"
                ) from error
            raise ConfigError(f"cannot read the model {path}: {error.strerror}") from error
        if path is None and blake3(weights).digest() != BUILT_IN_DIGEST:
            raise StoreDamaged(f"{BUILT_IN_PATH} is not the model of this release; install dedupctl again")
        return weights

    @cached_property
    def _session(self) -> Any:
        import onnxruntime  # 70 MB that only a scan or a search needs

        weights = self._weights
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        try:
            return onnxruntime.InferenceSession(weights, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime raises classes of its own, without a common base
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
        asked = session.get_inputs()[0]
        one_by_one = isinstance(asked.shape[0], int)  # exported for a batch of one
        try:
            batches = [pixels[place : place + 1] for place in range(len(pixels))] if one_by_one else [pixels]
            answers = [session.run(None, {asked.name: batch})[0] for batch in batches]
        except Exception as error:  # as above
            raise ConfigError(f"the model {self._config.path} refuses its input: {_line(error)}") from error
        return np.concatenate(answers).reshape(len(pixels), -1).astype(np.float32)


def _identity(weights_digest: bytes, config: ModelConfig, dim: int) -> ModelIdentity:
    preprocessing = f"{config.input_size} {config.layout} {config.mean} {config.std} middle {MIDDLE_SHARE}"
    return ModelIdentity(blake3(weights_digest + f"{preprocessing} {dim} {METRIC}".encode()).hexdigest(), dim)


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
