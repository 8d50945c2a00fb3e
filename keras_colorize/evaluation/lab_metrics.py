"""Metrics that are defined in L*a*b*, for one image, in NumPy and OpenCV.

`real` is the original photograph and `generated` the result of a system. Both are float arrays
(D65, L in 0..100, a and b in Lab units). Different shapes raise a ValueError.
"""

from math import pi, radians

import cv2
import numpy as np
from numpy.typing import NDArray

Lab = NDArray[np.floating]

_EDGE_SHARE = 0.1
_EDGE_REACH = 2


def accuracy(real: Lab, generated: Lab, e: float) -> float:
    """Computes Acc@e, the share of pixels whose rounded Lab values agree (Nazeri et al. 2018).

    Args:
        real: (H, W, 3).
        generated: (H, W, 3).
        e: Tolerance of L. The tolerance of a and b is 2.2 e.

    Returns:
        The share, in [0, 1].
    """
    _check(real, generated)
    difference = np.abs(np.rint(real) - np.rint(generated))
    return share_within(difference, (e, 2.2 * e, 2.2 * e))


def ciede2000(real: Lab, generated: Lab) -> float:
    """Computes the mean CIEDE2000 colour difference (CIE 142-2001; Sharma et al. 2005), k = 1.

    Args:
        real: (..., 3). It is computed in the precision of this array.
        generated: (..., 3).

    Returns:
        The mean difference, which is 0 for equal images.
    """
    _check(real, generated)
    (l1, a1, b1), (l2, a2, b2) = _planes(real), _planes(generated)
    g = 1.5 - 0.5 * _chroma_term(0.5 * (_length(a1, b1) + _length(a2, b2)))
    a1, a2 = g * a1, g * a2
    c1, c2 = _length(a1, b1), _length(a2, b2)
    h1, h2 = _hue(a1, b1), _hue(a2, b2)

    # All constants are Python floats, because a NumPy scalar would convert float32 to float64. The
    # hues of neutral colours do not matter, because delta_h is 0.
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
    """Computes the area under the cumulative error curve of ab (Zhang et al. 2016).

    It is the variant without rebalancing.

    Args:
        real_ab: (H, W, 2).
        generated_ab: (H, W, 2).

    Returns:
        The mean over t = 0, 1, ..., 150 of the share of pixels whose Euclidean ab error is at most
        t. It is 1 for equal images.
    """
    _check(real_ab, generated_ab)
    error = _length(*_planes(real_ab - generated_ab))
    # A pixel with the error d counts for the thresholds ceil(d) to 150.
    passed = np.maximum(151 - np.ceil(error), 0)
    return float(passed.mean(dtype=np.float64) / 151)


def chroma_edges(ab: Lab) -> NDArray[np.bool_]:
    """Finds the pixels near the strongest edges of colour.

    These are the 10 % of the pixels with the strongest chroma gradient, and all pixels at most 2
    pixels away from them (square dilation). The gradient is computed with central differences, and
    its strength is the magnitude of a's gradient plus that of b's. Ties with the weakest of the
    10 % are included, so all pixels of a flat image are edges.

    Args:
        ab: (H, W, 2) in Lab units. H and W are at least 2.

    Returns:
        bool (H, W).
    """
    strength = _length(*np.gradient(_planes(ab), axis=(1, 2))).sum(axis=0)
    strongest = max(1, round(_EDGE_SHARE * strength.size))
    threshold = np.partition(strength, -strongest, axis=None)[-strongest]
    square = np.ones((2 * _EDGE_REACH + 1, 2 * _EDGE_REACH + 1), np.uint8)
    return cv2.dilate((strength >= threshold).astype(np.uint8), square).astype(bool)


def share_within(difference: NDArray, limits: tuple[float, float, float]) -> float:
    """Computes the share of pixels of `difference`, (H, W, 3) >= 0, within all three limits."""
    within = cv2.inRange(difference, (0, 0, 0), limits)
    return cv2.countNonZero(within) / within.size


def _planes(image: Lab) -> Lab:
    # NumPy uses vector instructions only for contiguous channels.
    return np.ascontiguousarray(np.moveaxis(image, -1, 0))


def _length(x: Lab, y: Lab) -> Lab:
    # Squares of Lab values cannot overflow, and np.hypot is several times slower.
    return np.sqrt(x * x + y * y)


def _hue(a: Lab, b: Lab) -> Lab:
    """Computes the hue angle in [0, 2 pi)."""
    angle = np.arctan2(b, a)
    return np.where(angle < 0, angle + 2 * pi, angle)


def _chroma_term(chroma: Lab) -> Lab:
    """Computes sqrt(c^7 / (c^7 + 25^7)) without large powers."""
    ratio = (chroma / 25) ** 7
    return np.sqrt(ratio / (ratio + 1))


def _check(real: Lab, generated: Lab) -> None:
    if real.shape != generated.shape:
        raise ValueError(f"The images differ in shape: {real.shape} and {generated.shape}.")
