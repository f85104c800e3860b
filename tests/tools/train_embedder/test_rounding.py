from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("onnx")

from train_embedder.rounding import levels


def test_two_large_weights_of_one_sign_must_share_what_fits() -> None:
    assert levels(np.array([[1.0, 1.0, 0.0], [-1.0, 0.2, -1.0]])) == pytest.approx([63.5, 63.5])


def test_weights_of_different_signs_cancel_out() -> None:
    assert levels(np.array([[1.0, -1.0, 0.0]])) == pytest.approx([127])


def test_a_channel_without_weights_has_the_full_range() -> None:
    assert levels(np.zeros((2, 4, 1, 1))) == pytest.approx([127, 127])


def test_no_two_rounded_weights_times_the_largest_activation_leave_16_bits() -> None:
    kernels = np.random.default_rng(3).normal(size=(200, 64))
    rounded = np.rint(kernels / np.abs(kernels).max(1, keepdims=True) * levels(kernels)[:, None])
    largest_two = np.sort(np.maximum(rounded, 0), axis=1)[:, -2:].sum(1)
    smallest_two = np.sort(np.minimum(rounded, 0), axis=1)[:, :2].sum(1)
    assert 255 * largest_two.max() <= 32767
    assert 255 * smallest_two.min() >= -32768
    assert np.abs(rounded).max(1).mean() > 64
