"""Pictures of any size through networks of fixed sizes.

A picture is resized into the frame whose aspect is nearest to its own, its aspect kept, and the
rest of the frame is filled with its reflection. A panorama beyond 3 : 1 goes through in overlapping
tiles, which are blended linearly: letterboxed it would leave most of the frame to reflections and
show the network a strip less than 128 pixels high.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from keras_colorize.inference.runtime import Floats, Runtime

DEFAULT_SIZE = 256
LONGEST_ASPECT = 3.0
MOST_TILES = 16  # a longer panorama is resized to fit these


class SizeError(ValueError):
    """The network has no signature of the size asked for; the message is one sentence."""


@dataclass(frozen=True)
class Fit:
    """How a picture goes through a network.

    Attributes:
        frame: (height, width) that the network takes.
        content: (height, width) of the resized picture, multiples of the chroma stride, so that
            ab can be cut to it exactly.
    """

    frame: tuple[int, int]
    content: tuple[int, int]


def short_side(runtime: Runtime, size: int | None) -> int:
    """Returns the short side of the frames to use.

    Args:
        runtime: its `sizes` decide what there is.
        size: asked for; None is 256, or the nearest to it that there is.

    Raises:
        SizeError: there is no such size.
    """
    if runtime.sizes is None:
        multiple = runtime.size_multiple
        wanted = DEFAULT_SIZE if size is None else size
        nearest = max(1, round(wanted / multiple)) * multiple
        if size is not None and nearest != size:
            raise SizeError(f"{runtime.name} takes multiples of {multiple}, not {size}.")
        return nearest
    there = sorted({min(frame) for frame in runtime.sizes})
    if size is None:
        return min(there, key=lambda side: abs(side - DEFAULT_SIZE))
    if size not in there:
        listed = " and ".join(map(str, there))
        raise SizeError(f"{runtime.name} has no size {size}; it has {listed}.")
    return size


def fit(picture: tuple[int, int], runtime: Runtime, side: int) -> Fit:
    """Chooses the frame for a picture of (height, width), and its size within."""
    height, width = picture
    aspect = width / height
    within = min(max(aspect, 1 / LONGEST_ASPECT), LONGEST_ASPECT)
    frame = _frame(within, runtime, side)
    if within == aspect:
        scale = min(frame[0] / height, frame[1] / width)
        limits = frame
    else:  # the short side fills the frame, the long side is cut into tiles
        longest = MOST_TILES * max(frame)
        scale = min(frame[0] / height, longest / width)
        limits = (frame[0], longest)
        if height > width:
            scale = min(longest / height, frame[1] / width)
            limits = (longest, frame[1])
    stride = runtime.chroma_stride
    content = (
        min(max(1, round(height * scale / stride)) * stride, limits[0]),
        min(max(1, round(width * scale / stride)) * stride, limits[1]),
    )
    return Fit(frame, content)


def predict_fitted(
    lightness: Floats,
    runtime: Runtime,
    side: int,
    adapt: Callable[[Floats], Floats] | None = None,
) -> Floats:
    """Predicts ab for a picture of any size.

    Args:
        lightness: (H, W), 0..100.
        runtime: the network.
        side: as `short_side` returns it.
        adapt: what is done to the whole picture, (h, w) in 0..100, once it is as small as the
            network sees it.

    Returns:
        (h, w, 2) float32 in Lab units, of the network's resolution; it covers the whole picture.
    """
    plan = fit(lightness.shape, runtime, side)
    stride = runtime.chroma_stride
    content = _resize(lightness, plan.content)
    if adapt is not None:
        content = adapt(content)
    rows, columns = (
        _starts(length, window, stride)
        for length, window in zip(plan.content, plan.frame, strict=True)
    )
    before, after = zip(*map(margins, plan.content, plan.frame, (stride, stride)), strict=True)
    if any(before + after):
        around = (before[0], after[0], before[1], after[1])
        content = cv2.copyMakeBorder(content, *around, cv2.BORDER_REFLECT).astype(
            np.float32, copy=False
        )
    height, width = plan.frame
    if len(rows) == len(columns) == 1:
        ab = runtime.predict(content)
    else:
        ab = np.zeros((content.shape[0] // stride, content.shape[1] // stride, 2), np.float32)
        total = np.zeros((*ab.shape[:2], 1), np.float32)
        weight = _tent(height // stride)[:, None, None] * _tent(width // stride)[:, None]
        for top in rows:
            for left in columns:
                tile = runtime.predict(content[top : top + height, left : left + width])
                y, x = top // stride, left // stride
                here = np.s_[y : y + tile.shape[0], x : x + tile.shape[1]]
                ab[here] += tile * weight
                total[here] += weight
        ab /= total
    top, left = before[0] // stride, before[1] // stride
    h, w = plan.content[0] // stride, plan.content[1] // stride
    return ab[top : top + h, left : left + w]


def _frame(aspect: float, runtime: Runtime, side: int) -> tuple[int, int]:
    if runtime.sizes is None:
        multiple = runtime.size_multiple
        long = math.ceil(side * max(aspect, 1 / aspect) / multiple - 1e-9) * multiple
        return (side, long) if aspect >= 1 else (long, side)
    frames = [frame for frame in runtime.sizes if min(frame) == side]
    return min(frames, key=lambda frame: abs(math.log(frame[1] / frame[0] / aspect)))


def _resize(lightness: Floats, size: tuple[int, int]) -> Floats:
    if lightness.shape == size:
        return lightness
    smaller = size[0] <= lightness.shape[0] and size[1] <= lightness.shape[1]
    interpolation = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
    resized = cv2.resize(lightness, size[::-1], interpolation=interpolation)
    return resized.astype(np.float32, copy=False)


def margins(length: int, window: int, stride: int) -> tuple[int, int]:
    """What to add before and after `length` to fill a window, in whole ab pixels."""
    missing = max(0, window - length)
    before = missing // (2 * stride) * stride
    return before, missing - before


def _starts(length: int, window: int, stride: int) -> list[int]:
    """Where the tiles begin: evenly, overlapping by a quarter of a window or more."""
    if length <= window:
        return [0]
    count = math.ceil((length - window) / (window * 3 / 4)) + 1
    return [round(i * (length - window) / (count - 1) / stride) * stride for i in range(count)]


def _tent(length: int) -> Floats:
    """Weights of a tile along an axis: they rise to its middle, so that overlaps blend."""
    position = np.arange(length, dtype=np.float32) + 0.5
    return np.minimum(position, length - position)
