"""What the samples of a picture mean as colours: equal samples with different profiles look different."""

from __future__ import annotations

import io
from functools import lru_cache
from typing import Any

import numpy as np
from blake3 import blake3
from PIL import Image, ImageCms

SRGB_TOLERANCE = 1
"""Levels of 255 by which a profile may differ from sRGB and still count as sRGB: the conversion rounds."""
_SRGB_GAMMA = 1 / 2.2
_PROBE_STEPS = 6


def colour_meaning(info: dict[Any, Any]) -> bytes:
    """What makes equal samples show as other colours; empty for sRGB and for untagged pictures, shown as sRGB.

    `info` is the `Image.info` of an opened picture. An sRGB profile counts as none, because tools that strip metadata
    remove it without a visible change. It is recognised by its effect on colours, not by its name.
    """
    profile = info.get("icc_profile")
    if profile:
        return profile_meaning(bytes(profile))
    gamma = info.get("gamma")
    if gamma and "srgb" not in info and abs(float(gamma) - _SRGB_GAMMA) > 0.01:
        return f"gamma {float(gamma):.4f}".encode()
    return b""


@lru_cache(maxsize=64)  # building a transform takes 3 ms, and a camera writes the same profile into every photo
def profile_meaning(profile: bytes) -> bytes:
    """Empty if this ICC profile has the effect of sRGB, otherwise its digest."""
    return b"" if _does_what_srgb_does(profile) else blake3(profile).digest()


def _does_what_srgb_does(profile: bytes) -> bool:
    levels = np.linspace(0, 255, _PROBE_STEPS).astype(np.uint8)
    cube = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(_PROBE_STEPS, -1, 3)
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        shown = ImageCms.profileToProfile(Image.fromarray(cube), source, ImageCms.createProfile("sRGB"))
    except (ImageCms.PyCMSError, OSError, ValueError):
        return False  # a grey, CMYK or broken profile
    if shown is None:
        return False
    return int(np.abs(np.asarray(shown, np.int16) - cube).max()) <= SRGB_TOLERANCE
