"""The metrics of a coloured photograph, one image at a time, in NumPy and OpenCV.

`real` is always the photograph's own colour and `generated` the colour that a system gave it.
Images are uint8 RGB of shape (H, W, 3); metrics that are defined in Lab take float L*a*b* arrays
of that shape (D65, L in 0..100), so that a caller who needs several converts once.
"""

from math import pi, radians

import cv2
import numpy as np
from numpy.typing import NDArray

RGB = NDArray[np.uint8]
Lab = NDArray[np.floating]

PSNR_CAP = 60.0
_EDGE_SHARE = 0.1
_EDGE_REACH = 2


def psnr(real: RGB, generated: RGB) -> float:
    """Peak signal-to-noise ratio over all pixels and channels, in dB, capped at 60.

    Args:
        real: uint8 (H, W, 3).
        generated: uint8 (H, W, 3).

    Returns:
        10 log10(255^2 / mean squared error), at most `PSNR_CAP` (equal images too).

    Raises:
        ValueError: The two are not uint8 RGB of one shape.
    """
    _check_rgb(real, generated)
    return _decibels(cv2.norm(real, generated, cv2.NORM_L2SQR), real.size)


def edge_psnr(real: RGB, generated: RGB, edges: NDArray[np.bool_]) -> float:
    """PSNR over the pixels of `edges` alone: where borders blur and colours bleed.

    Args:
        real: uint8 (H, W, 3).
        generated: uint8 (H, W, 3).
        edges: bool (H, W) with at least one pixel set, from `chroma_edges` of the real image.

    Returns:
        The PSNR in dB, at most `PSNR_CAP`.

    Raises:
        ValueError: Shapes or types differ, or no pixel is set.
    """
    _check_rgb(real, generated)
    if edges.shape != real.shape[:2] or not edges.any():
        raise ValueError("edges must be (H, W) of the image, with at least one pixel set.")
    error = cv2.norm(real, generated, cv2.NORM_L2SQR, edges.astype(np.uint8))
    return _decibels(error, 3 * int(np.count_nonzero(edges)))


def chroma_edges(ab: Lab) -> NDArray[np.bool_]:
    """The pixels at most 2 away (square dilation) from the strongest 10 % of the chroma gradient.

    The gradient is by central differences; its strength is the magnitude of a's plus that of b's.
    Pixels that tie with the weakest of the 10 % count too, so a flat image is all edge.

    Args:
        ab: float (H, W, 2) in Lab units, H and W at least 2.

    Returns:
        bool (H, W).
    """
    strength = _length(*np.gradient(_planes(ab), axis=(1, 2))).sum(axis=0)
    strongest = max(1, round(_EDGE_SHARE * strength.size))
    threshold = np.partition(strength, -strongest, axis=None)[-strongest]
    square = np.ones((2 * _EDGE_REACH + 1, 2 * _EDGE_REACH + 1), np.uint8)
    return cv2.dilate((strength >= threshold).astype(np.uint8), square).astype(bool)


def accuracy(real: Lab, generated: Lab, e: float) -> float:
    """Share of pixels whose rounded Lab values agree within a tolerance (Nazeri et al. 2018).

    Args:
        real: float Lab (H, W, 3).
        generated: float Lab (H, W, 3).
        e: Tolerance on L; a and b may each differ by 2.2 e.

    Returns:
        The share, in [0, 1].
    """
    _check_lab(real, generated)
    difference = np.abs(np.rint(real) - np.rint(generated))
    return _share_within(difference, (e, 2.2 * e, 2.2 * e))


def accuracy_rgb(real: RGB, generated: RGB, tolerance: float = 0.02) -> float:
    """Share of pixels whose three channels are all within `tolerance` of 255.

    Args:
        real: uint8 (H, W, 3).
        generated: uint8 (H, W, 3).
        tolerance: Fraction of 255; the default allows a difference of 5.

    Returns:
        The share, in [0, 1].

    Raises:
        ValueError: The two are not uint8 RGB of one shape.
    """
    _check_rgb(real, generated)
    limit = np.floor(tolerance * 255)
    return _share_within(cv2.absdiff(real, generated), (limit, limit, limit))


def ssim(real: RGB, generated: RGB) -> float:
    """Structural similarity (Wang et al. 2004), mean over pixels and channels.

    Gaussian window 11 x 11, sigma 1.5, K1 = 0.01, K2 = 0.03, population covariance, without the
    5 pixels at each border whose window leaves the image: scikit-image's `structural_similarity`
    with `gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255`.

    Args:
        real: uint8 (H, W, 3), H and W at least 11.
        generated: uint8 (H, W, 3).

    Returns:
        The similarity, at most 1.

    Raises:
        ValueError: The two are not uint8 RGB of one shape, or are smaller than the window.
    """
    _check_rgb(real, generated)
    if min(real.shape[:2]) < 11:
        raise ValueError(f"SSIM needs at least 11 x 11 pixels, not {real.shape[:2]}.")

    def blur(values: NDArray) -> NDArray:
        return cv2.GaussianBlur(values, (11, 11), 1.5)[5:-5, 5:-5]

    # Variances do not depend on the origin; around 128 the squares keep float32's digits.
    x, y = (image.astype(np.float32) - 128 for image in (real, generated))
    mean_x, mean_y = blur(x), blur(y)
    covariance = blur(x * y) - mean_x * mean_y
    variances = blur(x * x + y * y) - mean_x * mean_x - mean_y * mean_y
    mean_x, mean_y = mean_x + 128, mean_y + 128
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    similarity = (2 * mean_x * mean_y + c1) * (2 * covariance + c2)
    similarity /= (mean_x * mean_x + mean_y * mean_y + c1) * (variances + c2)
    return float(similarity.mean(dtype=np.float64))


def ciede2000(real: Lab, generated: Lab) -> float:
    """Mean CIEDE2000 colour difference (CIE 142-2001; Sharma, Wu and Dalal 2005), k = 1.

    Args:
        real: float Lab (..., 3); the arithmetic keeps its precision.
        generated: float Lab (..., 3).

    Returns:
        The mean difference, 0 for equal images.
    """
    _check_lab(real, generated)
    (l1, a1, b1), (l2, a2, b2) = _planes(real), _planes(generated)
    g = 1.5 - 0.5 * _chroma_term(0.5 * (_length(a1, b1) + _length(a2, b2)))
    a1, a2 = g * a1, g * a2
    c1, c2 = _length(a1, b1), _length(a2, b2)
    h1, h2 = _hue(a1, b1), _hue(a2, b2)

    # Every constant is a Python float: a NumPy scalar would turn float32 into float64. Where a
    # colour is neutral the hues are of no consequence, since delta_h is 0.
    turn, hue = h2 - h1, 0.5 * (h1 + h2)
    far = np.abs(turn) > pi
    turn = np.where(far, turn - 2 * pi * np.sign(turn), turn)
    hue = np.where(far, np.where(hue < pi, hue + pi, hue - pi), hue)

    lightness, chroma = 0.5 * (l1 + l2) - 50, 0.5 * (c1 + c2)
    t = (
        1
        - 0.17 * np.cos(hue - radians(30))
        + 0.24 * np.cos(2 * hue)
        + 0.32 * np.cos(3 * hue + radians(6))
        - 0.20 * np.cos(4 * hue - radians(63))
    )
    from_blue = (hue - radians(275)) / radians(25)
    rotation = -2 * _chroma_term(chroma) * np.sin(radians(60) * np.exp(-(from_blue**2)))
    delta_l = (l2 - l1) / (1 + 0.015 * lightness**2 / np.sqrt(20 + lightness**2))
    delta_c = (c2 - c1) / (1 + 0.045 * chroma)
    delta_h = 2 * np.sqrt(c1 * c2) * np.sin(0.5 * turn) / (1 + 0.015 * chroma * t)
    squared = delta_l**2 + delta_c**2 + delta_h**2 + rotation * delta_c * delta_h
    return float(np.sqrt(np.maximum(squared, 0)).mean(dtype=np.float64))


def auc(real_ab: Lab, generated_ab: Lab) -> float:
    """Area under the cumulative error curve of ab (Zhang et al. 2016, without rebalancing).

    Args:
        real_ab: float (H, W, 2) in Lab units.
        generated_ab: float (H, W, 2).

    Returns:
        The mean over t = 0, 1, ..., 150 of the share of pixels whose Euclidean ab error is at
        most t; 1 for equal images.
    """
    _check_lab(real_ab, generated_ab)
    error = _length(*_planes(real_ab - generated_ab))
    # A pixel of error d passes the thresholds ceil(d)..150.
    passed = np.maximum(151 - np.ceil(error), 0)
    return float(passed.mean(dtype=np.float64) / 151)


def colorfulness(rgb: RGB) -> float:
    """Colorfulness of Hasler and Suesstrunk (2003), with signed rg = R - G, yb = (R + G)/2 - B.

    Args:
        rgb: uint8 (H, W, 3).

    Returns:
        The standard deviation of (rg, yb) plus 0.3 times the length of its mean; 0 for grey,
        15 is slight, 59 is very colourful.
    """
    red, green, blue = (plane.astype(np.int16) for plane in cv2.split(rgb))
    means, deviations = cv2.meanStdDev(cv2.merge([2 * (red - green), red + green - 2 * blue]))
    return float(np.hypot(*deviations.ravel()) + 0.3 * np.hypot(*means.ravel())) / 2


def _decibels(squared_error: float, count: int) -> float:
    if squared_error == 0:
        return PSNR_CAP
    return min(PSNR_CAP, float(10 * np.log10(255.0**2 * count / squared_error)))


def _share_within(difference: NDArray, limits: tuple[float, float, float]) -> float:
    within = cv2.inRange(difference, (0, 0, 0), limits)
    return cv2.countNonZero(within) / within.size


def _planes(image: Lab) -> Lab:
    # Contiguous channels: strided ones keep NumPy from its vector instructions.
    return np.ascontiguousarray(np.moveaxis(image, -1, 0))


def _length(x: Lab, y: Lab) -> Lab:
    # Lab values cannot overflow when squared, and np.hypot is several times slower.
    return np.sqrt(x * x + y * y)


def _hue(a: Lab, b: Lab) -> Lab:
    """Hue angle in [0, 2 pi)."""
    angle = np.arctan2(b, a)
    return np.where(angle < 0, angle + 2 * pi, angle)


def _chroma_term(chroma: Lab) -> Lab:
    """sqrt(c^7 / (c^7 + 25^7)), in a form whose powers stay small."""
    ratio = (chroma / 25) ** 7
    return np.sqrt(ratio / (ratio + 1))


def _check_rgb(real: RGB, generated: RGB) -> None:
    for image in (real, generated):
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[-1] != 3:
            raise ValueError(f"Not uint8 RGB (H, W, 3): {image.dtype} {image.shape}.")
    if real.shape != generated.shape:
        raise ValueError(f"The images differ in shape: {real.shape} and {generated.shape}.")


def _check_lab(real: Lab, generated: Lab) -> None:
    if real.shape != generated.shape:
        raise ValueError(f"The images differ in shape: {real.shape} and {generated.shape}.")
