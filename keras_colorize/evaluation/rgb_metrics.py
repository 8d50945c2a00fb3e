"""Metrics that are defined on 8-bit RGB, for one image, in NumPy and OpenCV.

`real` is the original photograph and `generated` the result of a system. Both are uint8 sRGB
(H, W, 3). Other types or different shapes raise a ValueError.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from keras_colorize.evaluation.lab_metrics import share_within

RGB = NDArray[np.uint8]

PSNR_CAP = 60.0


def psnr(real: RGB, generated: RGB) -> float:
    """Computes the peak signal-to-noise ratio over all pixels and channels.

    Args:
        real: uint8 (H, W, 3).
        generated: uint8 (H, W, 3).

    Returns:
        10 log10(255^2 / mean squared error) in dB, at most `PSNR_CAP`.
    """
    _check(real, generated)
    return _decibels(cv2.norm(real, generated, cv2.NORM_L2SQR), real.size)


def edge_psnr(real: RGB, generated: RGB, edges: NDArray[np.bool_]) -> float:
    """Computes the PSNR at edges of colour, which is lower if colours bleed across them.

    Args:
        real: uint8 (H, W, 3).
        generated: uint8 (H, W, 3).
        edges: bool (H, W) with at least one pixel set, from `chroma_edges` of the real image.

    Returns:
        The PSNR of the pixels in `edges` in dB, at most `PSNR_CAP`.

    Raises:
        ValueError: Shapes or types differ, or no pixel is set.
    """
    _check(real, generated)
    if edges.shape != real.shape[:2] or not edges.any():
        raise ValueError("edges must be (H, W) of the image, with at least one pixel set.")
    error = cv2.norm(real, generated, cv2.NORM_L2SQR, edges.astype(np.uint8))
    return _decibels(error, 3 * int(np.count_nonzero(edges)))


def accuracy_rgb(real: RGB, generated: RGB, tolerance: float = 0.02) -> float:
    """Computes the share of pixels whose three channels are all within a tolerance.

    Args:
        real: uint8 (H, W, 3).
        generated: uint8 (H, W, 3).
        tolerance: The tolerance as a fraction of 255. The default allows a difference of 5.

    Returns:
        The share, in [0, 1].
    """
    _check(real, generated)
    limit = np.floor(tolerance * 255)
    return share_within(cv2.absdiff(real, generated), (limit, limit, limit))


def ssim(real: RGB, generated: RGB) -> float:
    """Computes the structural similarity (Wang et al. 2004), as a mean over pixels and channels.

    It uses a Gaussian window of 11 x 11 with a sigma of 1.5, K1 = 0.01, K2 = 0.03 and the
    population covariance. The 5 pixels at each border are left out, because their windows exceed
    the image. The result is that of scikit-image's `structural_similarity` with
    `gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255`.

    Args:
        real: uint8 (H, W, 3). H and W are at least 11.
        generated: uint8 (H, W, 3).

    Returns:
        The similarity, at most 1.

    Raises:
        ValueError: Shapes or types differ, or the images are smaller than the window.
    """
    _check(real, generated)
    if min(real.shape[:2]) < 11:
        raise ValueError(f"SSIM needs at least 11 x 11 pixels, not {real.shape[:2]}.")

    def blur(values: NDArray) -> NDArray:
        return cv2.GaussianBlur(values, (11, 11), 1.5)[5:-5, 5:-5]

    # Variances do not depend on an offset. Subtracting 128 makes the squares more precise.
    x, y = (image.astype(np.float32) - 128 for image in (real, generated))
    mean_x, mean_y = blur(x), blur(y)
    covariance = blur(x * y) - mean_x * mean_y
    variances = blur(x * x + y * y) - mean_x * mean_x - mean_y * mean_y
    mean_x, mean_y = mean_x + 128, mean_y + 128
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    similarity = (2 * mean_x * mean_y + c1) * (2 * covariance + c2)
    similarity /= (mean_x * mean_x + mean_y * mean_y + c1) * (variances + c2)
    return float(similarity.mean(dtype=np.float64))


def colorfulness(rgb: RGB) -> float:
    """Computes the colorfulness of Hasler and Suesstrunk (2003).

    It uses the signed rg = R - G and yb = (R + G)/2 - B.

    Args:
        rgb: uint8 (H, W, 3).

    Returns:
        The standard deviation of (rg, yb) plus 0.3 times the length of its mean. Grey has 0,
        slightly colourful images have 15, and very colourful ones 59.
    """
    red, green, blue = (plane.astype(np.int16) for plane in cv2.split(rgb))
    means, deviations = cv2.meanStdDev(cv2.merge([2 * (red - green), red + green - 2 * blue]))
    return float(np.hypot(*deviations.ravel()) + 0.3 * np.hypot(*means.ravel())) / 2


def _decibels(squared_error: float, count: int) -> float:
    if squared_error == 0:
        return PSNR_CAP
    return min(PSNR_CAP, float(10 * np.log10(255.0**2 * count / squared_error)))


def _check(real: RGB, generated: RGB) -> None:
    for image in (real, generated):
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[-1] != 3:
            raise ValueError(f"Not uint8 RGB (H, W, 3): {image.dtype} {image.shape}.")
    if real.shape != generated.shape:
        raise ValueError(f"The images differ in shape: {real.shape} and {generated.shape}.")
