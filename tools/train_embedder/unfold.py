"""Weights out of an exported model: `graph` and `export` backwards. Who has the model file can train it further."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import numpy_helper

from .architecture import NORM_EPSILON, STAGES

Array = npt.NDArray[Any]


def weights_in(path: Path) -> dict[str, Array]:
    """The weights of a model that `export` wrote, each norm left as the bias that its convolution has by now.

    Rounding to 8 bits cannot be undone: a run that starts here starts a little behind the one that was exported.

    Raises:
        ValueError: it is a model of another shape.
    """
    numbers = Numbers(onnx.load(path))
    convolutions = [node for node in numbers.nodes if node.op_type == "Conv"]
    heads = [node for node in numbers.nodes if node.op_type == "Gemm"]
    names = list(convolution_names())
    if len(convolutions) != len(names) or len(heads) != 1:
        raise ValueError(f"{path} holds no model that was exported here")
    head_weight, head_bias = (numbers[name] for name in heads[0].input[1:3])
    weights = {"head.weight": head_weight, "head.bias": head_bias}
    for (convolution, norm), node in zip(names, convolutions, strict=True):
        kernel, bias = (numbers[name] for name in node.input[1:3])
        weights |= {f"{convolution}.weight": kernel} | _norm_that_only_adds(norm, bias)
    return weights


def _norm_that_only_adds(name: str, bias: Array) -> dict[str, Array]:
    none, one = np.zeros_like(bias), np.ones_like(bias)
    return {
        f"{name}.weight": one,
        f"{name}.bias": bias,
        f"{name}.running_mean": none,
        f"{name}.running_var": one - np.float32(NORM_EPSILON),
        f"{name}.num_batches_tracked": np.zeros((), np.int64),
    }


def convolution_names() -> Iterator[tuple[str, str]]:
    """Each convolution and the norm behind it, in the order of computing."""
    yield "_conv_stem", "_bn0"
    expansions = [stage.expansion for stage in STAGES for _ in range(stage.blocks)]
    for number, expansion in enumerate(expansions):
        block = f"_blocks.{number}"
        if expansion != 1:
            yield f"{block}._expand_conv", f"{block}._bn0"
        yield f"{block}._depthwise_conv", f"{block}._bn1"
        yield f"{block}._project_conv", f"{block}._bn2"
    yield "_conv_head", "_bn1"


class Numbers:
    """The constants of a graph by name, 8-bit ones as what they stand for."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self.nodes = list(model.graph.node)
        self._constants = {number.name: number for number in model.graph.initializer}
        self._rounded = {node.output[0]: node for node in self.nodes if node.op_type == "DequantizeLinear"}

    def __getitem__(self, name: str) -> Array:
        if name in self._constants:
            return self._read(name).astype(np.float32)
        steps, scales = (self._read(each) for each in self._rounded[name].input[:2])
        return np.asarray(steps * scales.reshape(-1, *[1] * (steps.ndim - 1)), np.float32)

    def _read(self, name: str) -> npt.NDArray[Any]:
        return np.array(numpy_helper.to_array(self._constants[name]))
