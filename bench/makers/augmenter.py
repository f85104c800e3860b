"""Edits by albumentations, the library that trains networks to see through them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

import numpy as np
from PIL import Image

from makers.truth import Made, opened, written

os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
import albumentations


def edits(height: int, width: int) -> dict[str, albumentations.BasicTransform]:
    """A transform by edit, each applied for certain."""
    a = albumentations
    half, most = (height // 2, width // 2), (int(height * 0.75), int(width * 0.75))
    return {
        "compress_40": a.ImageCompression(quality_range=(40, 40), p=1),
        "downscale": a.Downscale(scale_range=(0.5, 0.5), p=1),
        "light_noise": a.GaussNoise(std_range=(0.02, 0.03), p=1),
        "iso_noise": a.ISONoise(p=1),
        "brightness_contrast": a.RandomBrightnessContrast(0.25, 0.25, p=1),
        "clahe": a.CLAHE(p=1),
        "hue": a.HueSaturationValue(p=1),
        "rgb_shift": a.RGBShift(25, 25, 25, p=1),
        "to_sepia": a.ToSepia(p=1),
        "to_grey": a.ToGray(p=1),
        "sharpen": a.Sharpen(p=1),
        "gaussian_blur": a.GaussianBlur(sigma_limit=(1.0, 1.6), p=1),
        "motion_blur": a.MotionBlur(blur_limit=(5, 5), p=1),
        "flip": a.HorizontalFlip(p=1),
        "transpose": a.Transpose(p=1),
        "pad": a.PadIfNeeded(min_height=int(height * 1.2), min_width=int(width * 1.2), fill=128, p=1),
        "crop_75": a.RandomCrop(*most, p=1),
        "squeezed": a.Resize(min(height, width), min(height, width), p=1),
        "tone_curve": a.RandomToneCurve(p=1),
        "hard_crop_50": a.RandomCrop(*half, p=1),
        "hard_rotate_45": a.Affine(rotate=(45, 45), fit_output=True, p=1),
        "hard_rotate_20": a.Affine(rotate=(-20, -20), p=1),
        "hard_scaled_inside": a.Affine(scale=(0.55, 0.55), p=1),
        "hard_perspective": a.Perspective(scale=(0.08, 0.12), p=1),
        "hard_holes": a.CoarseDropout(num_holes_range=(3, 5), hole_height_range=(0.1, 0.18), p=1),
        "hard_shadow": a.RandomShadow(p=1),
        "hard_fog": a.RandomFog(fog_coef_range=(0.3, 0.5), p=1),
        "hard_rain": a.RandomRain(p=1),
        "hard_distortion": a.OpticalDistortion(distort_limit=(0.15, 0.15), p=1),
        "hard_pixelated": a.Downscale(scale_range=(0.1, 0.1), p=1),
        "hard_posterize": a.Posterize(num_bits=3, p=1),
        "hard_equalize": a.Equalize(p=1),
        "hard_noise": a.GaussNoise(std_range=(0.1, 0.12), p=1),
    }


def make(photos: Sequence[Path], seed: int, folder: Path) -> Iterator[Made]:
    """Each photo and all its edits."""
    for number, photo in enumerate(photos):
        group = f"{number:04d}"
        source = written(folder, f"{group}/original.jpg", opened(photo), quality=95)
        yield Made(source, group, group, "original", source=True)
        image = opened(folder / source)
        pixels = np.asarray(image)
        for name, edit in edits(*pixels.shape[:2]).items():
            edit.set_random_seed(seed + number)
            quality = Random(f"{seed}/{number}/{name}").choice((75, 88, 95))
            changed = Image.fromarray(np.asarray(edit(image=pixels)["image"], np.uint8))
            target = written(folder, f"{group}/{name}.jpg", changed, quality=quality)
            yield Made(target, group, group, name)
