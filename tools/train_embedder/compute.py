"""Where the network is computed, in which numbers, and many pictures through it where nothing is learnt."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from .network import Network
from .pictures import Pixels

AT_ONCE = 64
"""Pictures that go through the network together."""
M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4
"""Numbers of glibc's `malloc.h`."""


def pick_device(name: str | None = None) -> torch.device:
    """The one asked for, else a GPU if there is one."""
    return torch.device(name or ("cuda" if torch.cuda.is_available() else "cpu"))


def keep_memory() -> None:
    """Have the process keep the memory it frees, for the next step: it asks for the same amounts again and again.

    Else every layer's output, over 100 MB, comes from the kernel as new pages, which costs more than the layer: of 128
    views, 10 ms a view instead of 6 ms through the network, 37 instead of 23 to learn. Only glibc is known to do so.
    """
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "mallopt"):
        libc.mallopt(M_MMAP_MAX, 0)
        libc.mallopt(M_TRIM_THRESHOLD, 2**31 - 1)


def mixed_precision(device: torch.device) -> AbstractContextManager[None]:
    """bfloat16 where the device computes it faster than float32; emulated it is many times slower."""
    if device.type == "cuda":
        supported = torch.cuda.is_bf16_supported()
    else:
        features = torch.cpu.get_capabilities()
        supported = bool(features.get("avx512_bf16") or features.get("amx_bf16"))
    context: AbstractContextManager[None] = torch.autocast(device.type, torch.bfloat16, enabled=supported)
    return context


def on_device(views: Tensor, device: torch.device) -> Tensor:
    """uint8 (n, height, width, 3) as (n, 3, height, width) on the device, channels last in memory as they came."""
    return views.to(device, non_blocking=True).permute(0, 3, 1, 2)


def features_of(network: Network, views: Iterable[Pixels], device: torch.device) -> Tensor:
    """What the head is given, shape (n, 1280)."""
    with torch.inference_mode(), mixed_precision(device):
        return torch.cat([network.features(part).float() for part in _in_parts(views, device)])


def vectors_of(network: Network, views: Iterable[Pixels], device: torch.device) -> npt.NDArray[np.float32]:
    with torch.inference_mode(), mixed_precision(device):
        vectors = [network(part).float().cpu() for part in _in_parts(views, device)]
    return np.asarray(torch.cat(vectors).numpy(), np.float32)


def _in_parts(views: Iterable[Pixels], device: torch.device) -> Iterator[Tensor]:
    part: list[Pixels] = []
    for view in views:
        part.append(view)
        if len(part) == AT_ONCE:
            yield on_device(torch.from_numpy(np.stack(part)), device)
            part = []
    if part:
        yield on_device(torch.from_numpy(np.stack(part)), device)
