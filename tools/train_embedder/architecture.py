"""The shape of EfficientNet-Lite0, GeM pooling and a linear head, as numbers: for PyTorch that trains it, for ONNX that
ships it.

EfficientNet-Lite (Google, Apache-2.0) is EfficientNet (arXiv 1905.11946) without squeeze-and-excitation and with ReLU6,
so that it can be computed in 8-bit integers. GeM pooling is arXiv 1711.02512.
"""

from __future__ import annotations

from dataclasses import dataclass

FEATURES = 1280
GEM_POWER = 3.0
SMALLEST_FEATURE = 1e-6
NORM_EPSILON = 1e-3
MEAN, DEVIATION = 127.0, 128.0
"""How the published weights want their pixels: (level - 127) / 128."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Blocks in a row; the first has the stride and changes the number of channels."""

    blocks: int
    kernel: int
    stride: int
    expansion: int
    channels: int


STEM_CHANNELS = 32
STAGES = (
    Stage(1, 3, 1, 1, 16),
    Stage(2, 3, 2, 6, 24),
    Stage(2, 5, 2, 6, 40),
    Stage(3, 3, 2, 6, 80),
    Stage(3, 5, 1, 6, 112),
    Stage(4, 5, 2, 6, 192),
    Stage(1, 3, 1, 6, 320),
)
BLOCKS = sum(stage.blocks for stage in STAGES)
