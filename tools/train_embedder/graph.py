"""The network as an ONNX graph, written node by node from its weights.

Not by PyTorch's exporter: here the norms are folded into their convolutions, the padding stays right for every input
size, and the file needs no newer opset than the product's runtime has.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from .architecture import DEVIATION, GEM_POWER, MEAN, NORM_EPSILON, SMALLEST_FEATURE, STAGES

Arrays = Mapping[str, npt.NDArray[Any]]
OPSET, IR_VERSION = 17, 8
"""What onnxruntime 1.14 already reads."""
POOLED = "pooled"
"""Name of the first node that is to stay in float: the third power of 8-bit numbers would be coarse."""


def graph_of(weights: Arrays) -> onnx.ModelProto:
    """The whole model.

    In: `image`, uint8, (batch, height, width, 3), RGB. Out: `embedding`, float32, (batch, dim), unit length.
    """
    graph = Graph(weights)
    x = graph.node("Transpose", ["image"], perm=[0, 3, 1, 2])
    # What the network wants, (level - mean) / deviation, is how 8-bit levels are understood: no pass over the pixels.
    x = graph.node("DequantizeLinear", [x, graph.number(1 / DEVIATION), graph.array(np.array(MEAN, np.uint8), "mean")])
    x = graph.convolution(x, "_conv_stem", "_bn0", stride=2)
    number = 0
    for stage in STAGES:
        for place in range(stage.blocks):
            x = graph.block(x, f"_blocks.{number}", stride=stage.stride if place == 0 else 1)
            number += 1
    x = graph.convolution(x, "_conv_head", "_bn1")
    x = graph.pooling(x)
    x = graph.node("Gemm", [x, graph.weight("head.weight"), graph.weight("head.bias")], transB=1)
    graph.node("LpNormalization", [x], "embedding", axis=1, p=2)
    return graph.model(dim=len(weights["head.bias"]))


class Graph:
    """Nodes and numbers, collected in the order of computing."""

    def __init__(self, weights: Arrays) -> None:
        self._weights = weights
        self._nodes: list[onnx.NodeProto] = []
        self._numbers: list[onnx.TensorProto] = []

    def node(self, kind: str, inputs: list[str], name: str | None = None, **attributes: object) -> str:
        name = name or f"{kind.lower()}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, inputs, [name], name=name, **attributes))
        return name

    def array(self, values: npt.NDArray[Any], name: str) -> str:
        self._numbers.append(numpy_helper.from_array(np.asarray(values, order="C"), name))
        return name

    def number(self, value: float) -> str:
        return self.array(np.array(value, np.float32), f"number_{len(self._numbers)}")

    def weight(self, name: str) -> str:
        return self.array(self._weights[name].astype(np.float32), name)

    def convolution(self, x: str, convolution: str, norm: str, *, stride: int = 1, clipped: bool = True) -> str:
        """A convolution with the norm that follows it folded in, then ReLU6 where the network has it.

        norm(y) = (y - mean) / sqrt(variance + epsilon) * gain + bias, so both are one factor and one summand a channel.
        """
        kernel = self._weights[f"{convolution}.weight"].astype(np.float64)
        parts = ("weight", "bias", "running_mean", "running_var")
        gain, bias, mean, variance = (self._weights[f"{norm}.{part}"].astype(np.float64) for part in parts)
        factor = gain / np.sqrt(variance + NORM_EPSILON)
        folded = (kernel * factor[:, np.newaxis, np.newaxis, np.newaxis]).astype(np.float32)
        summand = (bias - mean * factor).astype(np.float32)
        y = self.node(
            "Conv",
            [x, self.array(folded, f"{convolution}.weight"), self.array(summand, f"{convolution}.bias")],
            kernel_shape=list(kernel.shape[2:]),
            strides=[stride, stride],
            # In a depthwise convolution every kernel sees one channel; nothing else here has kernels of depth one.
            group=len(kernel) if kernel.shape[1] == 1 else 1,
            auto_pad="SAME_UPPER",
        )
        return self.node("Clip", [y, self.number(0), self.number(6)]) if clipped else y

    def block(self, x: str, name: str, *, stride: int) -> str:
        y = x
        if f"{name}._expand_conv.weight" in self._weights:
            y = self.convolution(y, f"{name}._expand_conv", f"{name}._bn0")
        y = self.convolution(y, f"{name}._depthwise_conv", f"{name}._bn1", stride=stride)
        y = self.convolution(y, f"{name}._project_conv", f"{name}._bn2", clipped=False)
        before, after = self._channels(name)
        return self.node("Add", [x, y]) if stride == 1 and before == after else y

    def _channels(self, name: str) -> tuple[int, int]:
        """Of a block, before and after."""
        first = self._weights.get(f"{name}._expand_conv.weight", self._weights[f"{name}._depthwise_conv.weight"])
        before = first.shape[0] if first.shape[1] == 1 else first.shape[1]
        return before, self._weights[f"{name}._project_conv.weight"].shape[0]

    def pooling(self, x: str) -> str:
        """GeM, of unit length."""
        x = self.node("Max", [x, self.number(SMALLEST_FEATURE)], POOLED)
        x = self.node("Pow", [x, self.number(GEM_POWER)])
        x = self.node("Flatten", [self.node("GlobalAveragePool", [x])], axis=1)
        x = self.node("Pow", [x, self.number(1 / GEM_POWER)])
        return self.node("LpNormalization", [x], axis=1, p=2)

    def model(self, dim: int) -> onnx.ModelProto:
        image = helper.make_tensor_value_info("image", TensorProto.UINT8, ["batch", "height", "width", 3])
        embedding = helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["batch", dim])
        graph = helper.make_graph(self._nodes, "embedder", [image], [embedding], self._numbers)
        opset = [helper.make_opsetid("", OPSET)]
        model = helper.make_model(graph, opset_imports=opset, ir_version=IR_VERSION, producer_name="dedupctl")
        onnx.checker.check_model(model)
        return model
