"""Edge-aware upsampling of ab: the fast guided filter (He and Sun 2015) with L as its guide.

Around each pixel the low-resolution ab is explained by the lightness, `ab = slope * L + offset`;
slope and offset are upsampled smoothly and then meet the full lightness, so that colour ends where
the lightness has its edge.

The slope is the paper's. The offset is not: the paper's box mean of it takes the detail of ab
away, and on photographs loses 2 dB of edge PSNR to plain bilinear upsampling at its best radius.
Here it is what the slope leaves of ab at the pixel itself. Bilinear upsampling blurs as well; what
it would take from ab is added beforehand (`_sharpen`). Together they win 1.5 dB over bilinear,
measured on photographs whose ab was averaged over 8 x 8 pixels.
"""

import math
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from keras_colorize.imaging.color import Floats, lab_strip_to_rgb
from keras_colorize.imaging.strips import for_strips

RADIUS = 1
EPSILON = 100.0


class GuidedUpsampler:
    """The model `ab = slope * L + offset` of a picture, ready to give any of its rows.

    Everywhere `mean` is the mean over those pixels of the (2 radius + 1)² window that lie in the
    picture (`tf.nn.avg_pool2d`, padding "SAME"). Resizing up is bilinear with half-pixel centres
    (`tf.image.resize`); L is brought to the size of ab by area averages.
    """

    def __init__(
        self,
        ab: Floats,
        lightness: Floats,
        *,
        radius: int = RADIUS,
        epsilon: float = EPSILON,
    ) -> None:
        """Fits the model to ab (h, w, 2) and lightness (H, W), as `guided_upsample` takes them."""
        height, width = ab.shape[:2]
        self.size = lightness.shape
        guide = _area_average(lightness, height, width)[..., None]  # (h, w, 1)

        def mean(x: NDArray[Any]) -> Floats:
            return _box_mean(x, radius)

        variance = mean(guide**2) - mean(guide) ** 2
        covariance = mean(guide * ab) - mean(guide) * mean(ab)
        slope = covariance / (variance + epsilon)
        slope = mean(slope)
        scale = (lightness.shape[0] / height, lightness.shape[1] / width)
        offset = _sharpen(ab, scale) - slope * _sharpen(guide, scale)
        model = np.concatenate([slope, offset], axis=2)
        self._planes = np.ascontiguousarray(model.transpose(0, 2, 1))  # (h, 4, w)

    def rows(self, lightness: Floats, start: int) -> tuple[Floats, Floats]:
        """Gives a and b, (n, W) each, for the rows `lightness` (n, W) that begin at `start`."""
        n, width = lightness.shape
        h, planes, w = self._planes.shape
        position = (np.arange(start, start + n) + 0.5) * (h / self.size[0]) - 0.5
        position = np.clip(position, 0, h - 1)
        above = position.astype(int)
        below = np.minimum(above + 1, h - 1)
        share = (position - above).astype(np.float32)[:, None, None]
        model = self._planes[above] * (1 - share) + self._planes[below] * share  # (n, 4, w)
        model = model.transpose(1, 0, 2).reshape(planes * n, w)
        model = cv2.resize(model, (width, planes * n), interpolation=cv2.INTER_LINEAR)
        slope_a, slope_b, a, b = model.reshape(planes, n, width)
        slope_a *= lightness
        slope_b *= lightness
        a += slope_a
        b += slope_b
        return a, b


def guided_upsample(
    ab: Floats, lightness: Floats, radius: int = RADIUS, epsilon: float = EPSILON
) -> Floats:
    """Brings ab to the size of the lightness, with colour edges on lightness edges.

    Args:
        ab: (h, w, 2), covers the whole picture.
        lightness: (H, W) in 0..100.
        radius: of the windows, in pixels of ab.
        epsilon: variance of L, in L units squared, that is too small to carry an edge.

    Returns:
        (H, W, 2) float32.
    """
    upsampler = GuidedUpsampler(ab, lightness, radius=radius, epsilon=epsilon)
    height, width = lightness.shape
    full = np.empty((height, width, 2), np.float32)

    def upsample(start: int, stop: int) -> None:
        cv2.merge(upsampler.rows(lightness[start:stop], start), full[start:stop])

    for_strips(height, width, upsample)
    return full


def render(lightness: Floats, ab: Floats) -> NDArray[np.uint8]:
    """Colours a picture: guided upsampling and Lab to sRGB, strip by strip, in little memory.

    Args:
        lightness: (H, W) in 0..100.
        ab: (h, w, 2), Lab units, covers the whole picture.

    Returns:
        (H, W, 3).
    """
    upsampler = GuidedUpsampler(ab, lightness)
    height, width = lightness.shape
    rgb = np.empty((height, width, 3), np.uint8)

    def paint(start: int, stop: int) -> None:
        rows = lightness[start:stop]
        lab = np.empty((stop - start, width, 3), np.float32)
        cv2.merge((rows, *upsampler.rows(rows, start)), lab)
        lab_strip_to_rgb(lab, rgb[start:stop])

    for_strips(height, width, paint)
    return rgb


def _area_average(lightness: Floats, height: int, width: int) -> Floats:
    """Resizes to (height, width), on all cores: in bands whose edges are pixel edges in both."""
    bands = math.gcd(lightness.shape[0], height)
    full, low = lightness.shape[0] // bands, height // bands
    average = np.empty((height, width), np.float32)

    def resize(start: int, stop: int) -> None:
        band = lightness[start * full : stop * full]
        size = (width, (stop - start) * low)
        average[start * low : stop * low] = cv2.resize(band, size, interpolation=cv2.INTER_AREA)

    for_strips(bands, full * lightness.shape[1], resize)
    return average


def _sharpen(x: NDArray[Any], scale: tuple[float, float]) -> Floats:
    """Adds to x (h, w, c) what upsampling by `scale` (vertical, horizontal) is going to blur.

    The area averages of a bilinearly upsampled x are x smoothed by the kernel (k, 1 - 2 k, k)
    along both axes, edges repeated, k = (1 - 1 / scale²) / 8. This is one step of back-projection.
    """
    kernels = []
    for factor in scale:
        side = (1 - 1 / max(1, factor) ** 2) / 8
        kernels.append(np.array([side, 1 - 2 * side, side], np.float32))
    smooth = cv2.sepFilter2D(x, -1, kernels[1], kernels[0], borderType=cv2.BORDER_REPLICATE)
    return (2 * x - smooth.reshape(x.shape)).astype(np.float32, copy=False)


def _box_mean(x: NDArray[Any], radius: int) -> Floats:
    """Mean over the pixels of each (2 radius + 1)² window that lie inside x (h, w, c)."""
    side = (2 * radius + 1, 2 * radius + 1)

    def window_sum(values: NDArray[Any]) -> NDArray[Any]:
        total = cv2.boxFilter(values, -1, side, normalize=False, borderType=cv2.BORDER_CONSTANT)
        return total.reshape(values.shape)  # OpenCV drops a last axis of length 1

    inside = window_sum(np.ones((*x.shape[:2], 1), np.float32))
    return (window_sum(x) / inside).astype(np.float32, copy=False)
