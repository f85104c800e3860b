"""An int8 model that was quantised elsewhere, its weights rounded so that every processor computes the same vector.

The float weights need not be at hand: those of the file are taken for exact, and only as many steps are given up as
`rounding` asks. The file that ships was made so: quantised at full range, it gave vectors with a cosine of 0.91 to its
own on processors without 8-bit dot products, and of 0.99 to what it was meant to give everywhere since.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import numpy_helper

from .rounding import MOST, levels


def requantised(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same graph with other weights; `model` is in QDQ form, each convolution with a bias.

    Depthwise convolutions are left as they are, see `rounding.weight_ranges`.
    """
    result = onnx.ModelProto()
    result.CopyFrom(model)
    numbers = {number.name: number for number in result.graph.initializer}
    sources = {node.output[0]: node for node in result.graph.node if node.op_type == "DequantizeLinear"}
    for node in result.graph.node:
        if node.op_type == "Conv":
            kernel, bias = (sources[name].input[:2] for name in node.input[1:3])
            _round_anew(numbers, tuple(kernel), tuple(bias))
    onnx.checker.check_model(result)
    return result


def _round_anew(numbers: dict[str, onnx.TensorProto], kernel: tuple[str, str], bias: tuple[str, str]) -> None:
    """`kernel` and `bias`: names of the integers and of their scales, one a channel."""
    steps, scales = (numpy_helper.to_array(numbers[name]) for name in kernel)
    if steps.shape[1] == 1:
        return
    exact = steps.astype(np.float64) * scales[:, np.newaxis, np.newaxis, np.newaxis]
    coarser = np.maximum(np.abs(exact).max((1, 2, 3)) / levels(exact), scales).astype(np.float32)
    rounded = np.rint(exact / coarser[:, np.newaxis, np.newaxis, np.newaxis]).clip(-MOST, MOST)
    # A bias is counted in steps of the weights times steps of the input.
    sums, fine = (numpy_helper.to_array(numbers[name]) for name in bias)
    coarse = (fine * (coarser / scales)).astype(np.float32)
    _put(numbers, kernel, rounded.astype(np.int8), coarser)
    _put(numbers, bias, np.rint(sums * fine.astype(np.float64) / coarse).astype(np.int32), coarse)


def _put(numbers: dict[str, onnx.TensorProto], names: tuple[str, str], *arrays: npt.NDArray[Any]) -> None:
    for name, array in zip(names, arrays, strict=True):
        numbers[name].CopyFrom(numpy_helper.from_array(array, name))
