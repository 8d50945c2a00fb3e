"""Conversion between sRGB and Lab (D65, 2 degree observer) on any Keras backend.

The results are those of `imaging.color`. The matrix products are written as sums over channels,
because accelerators compute matrix products with fewer digits.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from keras import ops

from keras_colorize.imaging.color import CUBE_ROOT_FROM, GAMMA_STEPS, WHITE, XYZ_FROM_RGB

_TO_XYZ = (XYZ_FROM_RGB / WHITE[:, None]).tolist()  # relative to white: X, Y and Z are in 0..1
# OpenCV's matrix, which `imaging.color` uses in this direction. With the inverse of the matrix
# above, or without OpenCV's steps of linear light, a few pixels in a thousand would be rounded
# differently.
_FROM_XYZ = (
    np.array(
        [
            [3.240479, -1.53715, -0.498535],
            [-0.969256, 1.875991, 0.041556],
            [0.055648, -0.204043, 1.057311],
        ]
    )
    * (0.950456, 1.0, 1.088754)
).tolist()


def lab_to_rgb(lightness: Any, a: Any, b: Any) -> list[Any]:
    """Converts Lab to 8-bit sRGB, clipped to the gamut and rounded.

    Args:
        lightness: L of any shape, float32 in 0..100.
        a: a of the same shape, in Lab units.
        b: b of the same shape, in Lab units.

    Returns:
        Red, green and blue of the same shape, as float arrays of whole numbers from 0 to 255.
    """
    y = (lightness + 16) / 116
    cubed = [
        ops.where(f > CUBE_ROOT_FROM ** (1 / 3), f * f * f, (f - 16 / 116) / 7.787)
        for f in (y + a / 500, y, y - b / 200)
    ]
    rgb = []
    for linear in _combined(_FROM_XYZ, cubed):
        step = ops.floor(ops.clip(linear, 0.0, 1.0) * GAMMA_STEPS)
        v = (step + 0.5) / GAMMA_STEPS
        encoded = ops.where(v > 0.0031308, 1.055 * v ** (1 / 2.4) - 0.055, 12.92 * v)
        rgb.append(ops.round(255 * ops.minimum(encoded, 1.0)))
    return rgb


def rgb_to_lab(rgb: Sequence[Any]) -> tuple[Any, Any, Any]:
    """Converts sRGB to Lab.

    Args:
        rgb: Red, green and blue, float32 arrays of the same shape in 0..255.

    Returns:
        L in 0..100, and a and b in Lab units, each of the same shape.
    """
    encoded = [channel / 255 for channel in rgb]
    linear = [ops.where(v > 0.04045, ((v + 0.055) / 1.055) ** 2.4, v / 12.92) for v in encoded]
    x, y, z = (
        ops.where(v > CUBE_ROOT_FROM, ops.maximum(v, 1e-9) ** (1 / 3), 7.787 * v + 16 / 116)
        for v in _combined(_TO_XYZ, linear)
    )
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def _combined(matrix: list[list[float]], channels: Sequence[Any]) -> list[Any]:
    return [sum(k * v for k, v in zip(row, channels, strict=True)) for row in matrix]
