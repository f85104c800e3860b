"""Perceptual hashes: a few bits that hardly change when a picture is re-encoded, resized or retouched.

The pHash equals that of the ImageHash library bit for bit, but one transform yields it for all eight orientations:
mirroring a picture flips the sign of every other DCT coefficient, and flipping it over its diagonal transposes them.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image

from dedupctl.domain import GrayArray

FLAT_RANGE = 8
"""A picture is flat if the brightest and darkest cells of its 32 x 32 reduction differ by at most 8 of 255 levels.

A single colour has 0, and a blank page, scanned or photographed with the usual noise, 2 to 6: a cell is the mean of
about 75 pixels of the small picture. One word on an otherwise blank page gives 15 or more, as does the faintest sky.
"""
_HASH_SIDE = 8
_DCT_SIDE = 32
_SIGNS = np.where(np.arange(_HASH_SIDE) % 2, -1.0, 1.0)

Coefficients = npt.NDArray[np.float64]


def reduced(image: Image.Image) -> GrayArray:
    """The 32 x 32 grey picture from which the pHash and the flatness are computed, as in `imagehash.phash`."""
    return np.asarray(image.convert("L").resize((_DCT_SIDE, _DCT_SIDE), Image.Resampling.LANCZOS))


def low_coefficients(pixels: GrayArray) -> Coefficients:
    """The 8 x 8 lowest DCT coefficients (vertical frequency, horizontal frequency) of a 32 x 32 picture."""
    import scipy.fftpack  # takes 0.2 s, which only processes that read pictures should pay

    spectrum = scipy.fftpack.dct(scipy.fftpack.dct(pixels, axis=0), axis=1)
    return np.ascontiguousarray(spectrum[:_HASH_SIDE, :_HASH_SIDE])


def phash8(coefficients: Coefficients) -> bytes:
    """The pHashes of the picture in its eight orientations, 8 x 8 bytes.

    A pHash has 64 bits, big endian, row by row: whether each coefficient is above their median. Entry k is the pHash of
    the picture turned as EXIF orientation k + 1 demands; entry 0 is the picture as it is. Equal to `imagehash.phash` of
    the turned pixels, except that a coefficient equal to the median up to rounding may fall on either side of it there.
    """
    variants = orientations(coefficients).reshape(8, -1)
    middle = np.sort(variants, axis=1)[:, 31:33].mean(axis=1)
    return np.packbits(variants > middle[:, np.newaxis], axis=1).tobytes()


def orientations(coefficients: Coefficients) -> Coefficients:
    """The low coefficients of the picture in EXIF orientations 1 to 8, shape (8, 8, 8)."""
    mirrored, flipped = coefficients * _SIGNS, coefficients * _SIGNS[:, np.newaxis]
    turned = mirrored * _SIGNS[:, np.newaxis]
    return np.stack([coefficients, mirrored, turned, flipped, coefficients.T, flipped.T, turned.T, mirrored.T])


def is_flat(image: Image.Image, pixels: GrayArray) -> bool:
    """Whether the picture is a single colour or a blank page, without anything recognisable.

    `pixels` is `reduced(image)`.
    """
    if _range(pixels) > FLAT_RANGE:
        return False
    # Colours may differ where the grey level does not. Only very few pictures get here.
    cells = np.asarray(image.resize((_DCT_SIDE, _DCT_SIDE), Image.Resampling.BOX))
    return all(_range(cells[:, :, channel]) <= FLAT_RANGE for channel in range(3))


def other_hash(algorithm: str, image: Image.Image) -> bytes:
    """The dHash, aHash, wHash or colour hash of the ImageHash library, with its bits packed row by row.

    Args:
        algorithm: "dhash", "ahash", "whash" (64 bits each) or "colorhash" (42 bits, then 6 zeros).
    """
    import imagehash

    functions = {
        "dhash": imagehash.dhash,
        "ahash": imagehash.average_hash,
        "whash": imagehash.whash,
        "colorhash": imagehash.colorhash,
    }
    return np.packbits(functions[algorithm](image).hash).tobytes()


def _range(levels: GrayArray) -> int:
    return int(levels.max()) - int(levels.min())
