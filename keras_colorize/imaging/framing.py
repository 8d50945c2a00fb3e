"""Where the picture of a scan lies within its borders, to the pixel."""

from typing import NamedTuple

import cv2
import numpy as np

from keras_colorize.imaging.borders import (
    LEAST_TOLERANCE,
    SAME,
    border_depths,
    from_each_side,
    spread,
    tolerance,
)
from keras_colorize.imaging.color import Floats

_SHORT_SIDE = 320  # pixels of the view in which borders are looked for
_SMALLEST_SIDE = 32  # pixels; in less than these a border cannot be told from a picture
_BLUR = 3  # pixels across which an edge may be blurred, or a pixel of the view, if that is more
_CLEAR = 0.85  # of the way from the border's tone to the picture's: little of a border is left


class Area(NamedTuple):
    """A rectangle of a picture: rows `top` to `bottom` - 1, columns `left` to `right` - 1."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def slices(self) -> tuple[slice, slice]:
        """What cuts the area out of an array (H, W, ...)."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    def around(self, size: tuple[int, ...]) -> list["Area"]:
        """Covers the rest of a picture of `size` (height, width), each pixel once."""
        height, width = size
        rest = (
            Area(0, self.top, 0, width),
            Area(self.bottom, height, 0, width),
            Area(self.top, self.bottom, 0, self.left),
            Area(self.top, self.bottom, self.right, width),
        )
        return [area for area in rest if area.top < area.bottom and area.left < area.right]


class Framing(NamedTuple):
    """Where a picture lies in a scan.

    Attributes:
        picture: all of the picture.
        clear: the part of it into which no border is blurred, a line or two less, if so.
    """

    picture: Area
    clear: Area

    @classmethod
    def none(cls, size: tuple[int, ...]) -> "Framing":
        """All of a scan of `size` (height, width) is the picture."""
        whole = Area(0, size[0], 0, size[1])
        return cls(whole, whole)

    def seen(self, lightness: Floats) -> Floats:
        """Cuts the picture out of a scan (H, W), with nothing of the border left at its edges.

        A bright line along an edge, thin as it may be, tells a network of a border. Were it cut
        off, all of the picture would be shifted and resized a little: it becomes the next line.
        """
        if self.clear == self.picture:
            return lightness[self.picture.slices]
        top, bottom, left, right = (
            abs(one - other) for one, other in zip(self.picture, self.clear, strict=True)
        )
        clear = lightness[self.clear.slices]
        seen = cv2.copyMakeBorder(clear, top, bottom, left, right, cv2.BORDER_REPLICATE)
        return seen.astype(np.float32, copy=False)


def find_framing(lightness: Floats) -> Framing:
    """Finds the picture of a scan, (H, W) in 0..100, within its borders: all of it, without any.

    Borders are white, black or of paper's tones, or any even tone that three sides have. Their
    widths may differ, up to 30 % of a side, and they may lie within each other. A tilt of half a
    degree is no obstacle; the slivers of border that it leaves count as picture.
    """
    height, width = lightness.shape
    if min(height, width) < _SMALLEST_SIDE:
        return Framing.none(lightness.shape)
    view: Floats = lightness
    scale = _SHORT_SIDE / min(height, width)
    if scale < 1:
        size = (round(width * scale), round(height * scale))
        view = cv2.resize(lightness, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    found = border_depths(view)
    if not any(found):
        return Framing.none(lightness.shape)
    ends = [_at_full_size(k, lightness, view.shape, found) for k in range(4)]
    picture, clear = (
        Area(top, height - bottom, left, width - right)
        for top, bottom, left, right in zip(*ends, strict=True)
    )
    return Framing(picture, clear)


def _at_full_size(
    k: int, lightness: Floats, view: tuple[int, ...], found: list[int]
) -> tuple[int, int]:
    """Finds the edge of the picture at side `k`, as they come in `from_each_side`.

    In the size `view`, `found` lines are border at each side.

    Returns:
        The lines of the border, and those before the first that has nothing of it.
    """
    if not found[k]:
        return 0, 0
    lines = from_each_side(lightness)[k]
    scale, across = len(lines) / view[k // 2], lines.shape[1] / view[1 - k // 2]
    start, stop = found[:2] if k >= 2 else found[2:]
    lines = lines[:, round(start * across) : lines.shape[1] - round(stop * across)]
    blur = max(_BLUR, round(scale))
    last = int((found[k] - 0.5) * scale)
    border = lines[max(0, last - max(1, round(scale))) : last]
    tone, noise = spread(border)
    first = int((found[k] - 2) * scale)
    distance = np.abs(lines[first : round((found[k] + 2) * scale) + 2 * blur] - tone)
    others = np.flatnonzero((distance <= tolerance(noise)).mean(axis=1) < SAME)
    edge = int(others[0]) if others.size else round(found[k] * scale) - first
    # The first line that is not all border may have little else yet: how much of the picture?
    profile = distance[edge:].mean(axis=1)
    even = float(np.abs(border - tone).mean())
    contrast = float(np.median(profile[blur:])) - even if len(profile) > blur else 0.0
    if contrast < LEAST_TOLERANCE:
        return first + edge, first + edge
    reached = (profile[:blur] - even) / contrast
    half, clear = (int(np.argmax([*(reached >= share), True])) for share in (0.5, _CLEAR))
    return first + edge + half, first + edge + clear
