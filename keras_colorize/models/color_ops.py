"""sRGB and Lab (D65, 2 degree observer) as operations of a graph, on any Keras backend.

The pictures are those of `imaging.color`. Sums over three channels stand in the place of products
of matrices, which accelerators round to fewer digits.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from keras import ops

from keras_colorize.imaging.color import CUBE_ROOT_FROM, GAMMA_STEPS, WHITE, XYZ_FROM_RGB

_TO_XYZ = (XYZ_FROM_RGB / WHITE[:, None]).tolist()  # of the white: X, Y and Z in 0..1
# OpenCV's of this direction, with which `imaging.color` makes pictures: with the inverse of the
# above, or without its steps of linear light, some pixels in a thousand would be rounded otherwise.
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
    """Converts Lab to 8-bit sRGB, each channel clipped to the gamut and rounded.

    Args:
        lightness: of any shape, float32 in 0..100.
        a: of the same shape, Lab units.
        b: of the same shape, Lab units.

    Returns:
        Red, green and blue: whole numbers 0 to 255, as floats of that shape.
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
        rgb: red, green and blue, float32 of any shape in 0..255.

    Returns:
        L in 0..100, a and b in Lab units, each of that shape.
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
