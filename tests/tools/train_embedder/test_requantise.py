from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("onnx")
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from train_embedder.requantise import requantised

from dedupctl.fingerprint.embedder import BUILT_IN_PATH


def test_the_built_in_model_cannot_be_cut_off_on_any_processor() -> None:
    model = onnx.load(BUILT_IN_PATH)
    numbers = {one.name: numpy_helper.to_array(one) for one in model.graph.initializer}
    kernels = [one.astype(int) for one in numbers.values() if one.dtype == np.int8 and one.ndim == 4]
    for kernel in (one.reshape(len(one), -1) for one in kernels if one.shape[1] > 1):
        assert 255 * np.sort(kernel.clip(min=0))[:, -2:].sum(1).max() <= 32767
        assert 255 * np.sort(kernel.clip(max=0))[:, :2].sum(1).min() >= -32768


def test_a_model_rounded_anew_gives_nearly_the_same_answers() -> None:
    random = np.random.default_rng(5)
    model = one_convolution(random.integers(-127, 128, (8, 4, 3, 3), np.int8), random.integers(-900, 900, 8, np.int32))
    x = random.random((1, 4, 16, 16), np.float32) * 4
    before, after = (answer(one, x) for one in (model, requantised(model)))
    assert not np.array_equal(before, after)
    assert np.corrcoef(before.ravel(), after.ravel())[0, 1] > 0.999


def test_depthwise_kernels_are_left_alone() -> None:
    model = one_convolution(np.full((4, 1, 3, 3), 127, np.int8), np.zeros(4, np.int32), group=4)
    assert requantised(model) == model


def one_convolution(kernel: np.ndarray, bias: np.ndarray, group: int = 1) -> onnx.ModelProto:
    """In QDQ form: activations in steps of 1/50, weights in steps of 1/100."""
    channels = len(kernel)
    numbers = {
        "step": np.float32(0.02),
        "zero": np.uint8(0),
        "kernel": kernel,
        "kernel_steps": np.full(channels, 0.01, np.float32),
        "kernel_zeros": np.zeros(channels, np.int8),
        "bias": bias,
        "bias_steps": np.full(channels, 0.0002, np.float32),
        "bias_zeros": np.zeros(channels, np.int32),
    }
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "step", "zero"], ["q"]),
        helper.make_node("DequantizeLinear", ["q", "step", "zero"], ["rounded"]),
        helper.make_node("DequantizeLinear", ["kernel", "kernel_steps", "kernel_zeros"], ["k"], axis=0),
        helper.make_node("DequantizeLinear", ["bias", "bias_steps", "bias_zeros"], ["b"], axis=0),
        helper.make_node("Conv", ["rounded", "k", "b"], ["y"], kernel_shape=[3, 3], group=group),
    ]
    ends = [[helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, None, None, None])] for name in ("x", "y")]
    initial = [numpy_helper.from_array(np.asarray(array), name) for name, array in numbers.items()]
    graph = helper.make_graph(nodes, "one", *ends, initial)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def answer(model: onnx.ModelProto, x: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {"x": x})[0])
