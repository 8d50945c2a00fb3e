"""sRGB and CIE 1976 L*a*b* (D65, 2 degree observer), with the constants of scikit-image.

OpenCV's own conversions were measured first: its float RGB to Lab is up to 0.45 away from
scikit-image and its linear RGB to Lab 0.03, so that direction is done here. Its Lab to linear RGB
has a slightly other white, which is worth less than 0.01 of an 8-bit step, and is used.
"""

from functools import cache
from typing import Any, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from keras_colorize.imaging.strips import for_strips

Floats = NDArray[np.float32]
Scalable = TypeVar("Scalable", bound=Any)

LIGHTNESS_CENTER = 50.0
AB_SCALE = 110.0

# IEC 61966-2-1 and CIE 15, as in skimage.color.
XYZ_FROM_RGB = np.array(
    [
        [0.412453, 0.357580, 0.180423],
        [0.212671, 0.715160, 0.072169],
        [0.019334, 0.119193, 0.950227],
    ]
)
WHITE = np.array([0.95047, 1.0, 1.08883])
CUBE_ROOT_FROM = 0.008856
GAMMA_STEPS = 65535
_ROOT_STEPS = 65535


def scale_lightness(lightness: Scalable) -> Scalable:
    """Lightness 0..100 to [-1, 1]; for arrays and tensors of any framework."""
    return lightness / LIGHTNESS_CENTER - 1.0


def unscale_lightness(lightness_scaled: Scalable) -> Scalable:
    """[-1, 1] to lightness 0..100; for arrays and tensors of any framework."""
    return (lightness_scaled + 1.0) * LIGHTNESS_CENTER


def scale_ab(ab: Scalable) -> Scalable:
    """Lab a and b to about [-1, 1]; for arrays and tensors of any framework."""
    return ab / AB_SCALE


def unscale_ab(ab_scaled: Scalable) -> Scalable:
    """Scaled a and b to Lab units; for arrays and tensors of any framework."""
    return ab_scaled * AB_SCALE


def rgb_to_lab(rgb: NDArray[Any]) -> Floats:
    """Converts sRGB to Lab, within 0.01 of `skimage.color.rgb2lab`.

    Args:
        rgb: (..., 3), uint8, uint16, or float in [0, 1].

    Returns:
        (..., 3) float32: L in 0..100, a and b in Lab units.
    """
    flat = _integers(rgb).reshape(1, -1, 3)
    table = _linear_table(flat.dtype.itemsize)
    lab = np.empty(flat.shape, np.float32)
    xyz_from_rgb = (XYZ_FROM_RGB / WHITE[:, None]).astype(np.float32)
    # L = 116 f(y) - 16, a = 500 (f(x) - f(y)), b = 200 (f(y) - f(z))
    lab_from_f = np.array([[0, 116, 0, -16], [500, -500, 0, 0], [0, 200, -200, 0]], np.float32)

    def convert(start: int, stop: int) -> None:
        xyz = cv2.transform(cv2.LUT(flat[:, start:stop], table), xyz_from_rgb)
        f = cv2.pow(xyz, 1 / 3)
        np.copyto(f, 7.787 * xyz + np.float32(16 / 116), where=xyz <= CUBE_ROOT_FROM)
        lab[:, start:stop] = cv2.transform(f, lab_from_f)

    for_strips(flat.shape[1], 1, convert)
    return lab.reshape(rgb.shape)


def rgb_to_lightness(rgb: NDArray[Any]) -> Floats:
    """Converts as `rgb_to_lab`, but to L alone, (...) float32 in 0..100, and faster."""
    flat = _integers(rgb).reshape(1, -1, 3)
    table = _linear_table(flat.dtype.itemsize)
    lightness = np.empty(flat.shape[:2], np.float32)
    y_from_rgb = XYZ_FROM_RGB[1:2].astype(np.float32)

    def convert(start: int, stop: int) -> None:
        y = cv2.transform(cv2.LUT(flat[:, start:stop], table), y_from_rgb)
        # The square root spreads the dark tones over the table, where L rises steeply with Y.
        index = (cv2.sqrt(y) * np.float32(_ROOT_STEPS) + np.float32(0.5)).astype(np.uint16)
        lightness[:, start:stop] = cv2.LUT(index, _lightness_of_root())

    for_strips(flat.shape[1], 1, convert)
    return lightness.reshape(rgb.shape[:-1])


def gray_to_lightness(gray: NDArray[Any]) -> Floats:
    """Converts sRGB-encoded grey, uint8, uint16, or float in [0, 1], to L in 0..100, float32."""
    flat = _integers(gray).reshape(1, -1)
    table = _lightness_table(flat.dtype.itemsize)
    lightness = np.empty(flat.shape, np.float32)

    def convert(start: int, stop: int) -> None:
        lightness[:, start:stop] = cv2.LUT(flat[:, start:stop], table)

    for_strips(flat.shape[1], 1, convert)
    return lightness.reshape(gray.shape)


def lab_to_rgb(lightness: Floats, ab: Floats) -> NDArray[np.uint8]:
    """Converts Lab to 8-bit sRGB (H, W, 3): each channel clipped to the gamut and rounded.

    Every 8-bit colour survives `rgb_to_lab` and this unchanged.

    Args:
        lightness: (H, W), 0..100.
        ab: (H, W, 2), Lab units.
    """
    height, width = lightness.shape
    rgb = np.empty((height, width, 3), np.uint8)

    def convert(start: int, stop: int) -> None:
        lab = np.empty((stop - start, width, 3), np.float32)
        lab[..., 0] = lightness[start:stop]
        lab[..., 1:] = ab[start:stop]
        lab_strip_to_rgb(lab, rgb[start:stop])

    for_strips(height, width, convert)
    return rgb


def lab_strip_to_rgb(lab: Floats, out: NDArray[np.uint8]) -> None:
    """Writes the sRGB of a cache-sized strip `lab` (H, W, 3) into `out` (H, W, 3)."""
    linear = cv2.cvtColor(lab, cv2.COLOR_Lab2LRGB)  # OpenCV clips it to [0, 1]
    step = np.empty(lab.shape, np.uint16)
    np.multiply(linear, np.float32(GAMMA_STEPS), out=step, casting="unsafe")
    cv2.LUT(step, _gamma_table(), dst=out)


@cache
def _linear_table(itemsize: int) -> Floats:
    """Table: sRGB code of 1 or 2 bytes to linear light."""
    encoded = np.linspace(0, 1, 256**itemsize)
    linear = np.where(encoded > 0.04045, ((encoded + 0.055) / 1.055) ** 2.4, encoded / 12.92)
    return linear.astype(np.float32)


@cache
def _lightness_table(itemsize: int) -> Floats:
    """Table: sRGB grey code of 1 or 2 bytes to L."""
    return _lightness_of(_linear_table(itemsize).astype(np.float64))


@cache
def _lightness_of_root() -> Floats:
    """Table: square root of the luminance Y, in steps, to L."""
    return _lightness_of(np.linspace(0, 1, _ROOT_STEPS + 1) ** 2)


def _lightness_of(y: NDArray[np.float64]) -> Floats:
    f = np.where(y > CUBE_ROOT_FROM, np.cbrt(y), 7.787 * y + 16 / 116)
    return (116 * f - 16).astype(np.float32)


@cache
def _gamma_table() -> NDArray[np.uint8]:
    """Table: linear light, in steps, to the 8-bit sRGB code."""
    linear = (np.arange(GAMMA_STEPS + 1) + 0.5) / GAMMA_STEPS  # a step is entered at its floor
    encoded = np.where(linear > 0.0031308, 1.055 * linear ** (1 / 2.4) - 0.055, linear * 12.92)
    return np.rint(np.minimum(encoded, 1) * 255).astype(np.uint8)


def _integers(values: NDArray[Any]) -> NDArray[Any]:
    """Returns uint8 and uint16 values as they are, floats in [0, 1] as uint16."""
    if values.dtype in (np.uint8, np.uint16):
        return np.ascontiguousarray(values)
    if not np.issubdtype(values.dtype, np.floating):
        raise TypeError(f"Expected uint8, uint16 or float values, not {values.dtype}.")
    return (np.clip(values, 0, 1) * 65535 + 0.5).astype(np.uint16)
