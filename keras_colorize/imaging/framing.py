"""Where the picture of a scan ends and its border begins: paper margins, film holders, bars.

From each side, the lines that have one tone throughout are a border's, if they end in a straight
edge most of the way along. The sky above a roof, the background of a studio and the dark around a
lamp have one tone as well, but end here earlier than there, or fade into the picture.
"""

from typing import NamedTuple

import cv2
import numpy as np

from keras_colorize.imaging.color import Floats

_SHORT_SIDE = 320  # pixels of the view in which borders are looked for
_SMALLEST_SIDE = 32  # pixels; in less than these a border cannot be told from a picture
_THINNEST, _DEEPEST = 0.01, 0.3  # of a side; the second for both borders along it, one by one
_ROUNDS = 3  # borders within borders: the scanner's lid, the film, the print's margin

_SAME = 0.9  # of the pixels of a border's line have its tone: dust and captions lie on it
_MOST_NOISE = 4.0  # standard deviation of a border, L units
_LEAST_TOLERANCE, _MOST_TOLERANCE = 4.0, 12.0  # L units about a border's tone
_ALIKE = 8.0  # L units between the tones of one frame's sides
_DARK, _LIGHT = 20.0, 75.0  # L of film and of paper, each to its end of the scale
_JUMP = 8.0  # L units from a border to the picture, at the least
_EDGE = 0.6  # of the way along a side, where the jump must be
_HINT = 0.35  # less of an edge than this says nothing of where a border ends
_UNCLEAR = 1.5  # a side that blends into its border has one at most so much wider than the others'

# One side alone is a border only if it is a clean one: horizons are straight, too.
_SAME_ALONE, _NOISE_ALONE, _DEEPEST_ALONE, _EDGE_ALONE = 0.97, 2.5, 0.15, 0.9
_DRIFT_ALONE = 2.0  # L units between its parts: skies are brighter here than there


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
        """Covers the rest of a picture of `size` (height, width, ...), each pixel once."""
        rest = (
            Area(0, self.top, 0, size[1]),
            Area(self.bottom, size[0], 0, size[1]),
            Area(self.top, self.bottom, 0, self.left),
            Area(self.top, self.bottom, self.right, size[1]),
        )
        return [area for area in rest if area.top < area.bottom and area.left < area.right]


class _Margin(NamedTuple):
    """What stands along a side.

    Attributes:
        tone: L.
        noise: standard deviation of L.
        depth: lines that have this tone, from the side on; 0 where they are too few.
        ended: whether another line follows within the depth that a border may have.
    """

    tone: float
    noise: float
    depth: int
    ended: bool


def picture_area(lightness: Floats) -> Area:
    """Finds the picture within its borders.

    Borders are white, black or of paper's tones, or any even tone that three sides have. Their
    widths may differ, up to 30 % of a side, and they may lie within each other. A tilt of half a
    degree is no obstacle; the slivers of border that it leaves count as picture.

    Args:
        lightness: (H, W) in 0..100.

    Returns:
        The picture alone; all of it where no border is found.
    """
    whole = Area(0, lightness.shape[0], 0, lightness.shape[1])
    if min(lightness.shape) < _SMALLEST_SIDE:
        return whole
    view = lightness
    scale = _SHORT_SIDE / min(lightness.shape)
    if scale < 1:
        size = (round(lightness.shape[1] * scale), round(lightness.shape[0] * scale))
        view = cv2.resize(lightness, size, interpolation=cv2.INTER_AREA).astype(
            np.float32, copy=False
        )
    height, width = view.shape
    found = [0, 0, 0, 0]  # lines of the view, from the top, the bottom, the left and the right
    for _ in range(_ROUNDS):
        inner = view[found[0] : height - found[1], found[2] : width - found[3]]
        limits = [
            int(_DEEPEST * side) - depth
            for side, depth in zip((height, height, width, width), found, strict=True)
        ]
        depths = _borders(inner, limits)
        if not any(depths):
            break
        found = [one + more for one, more in zip(found, depths, strict=True)]
    if not any(found):
        return whole
    if view is lightness:
        return Area(found[0], height - found[1], found[2], width - found[3])
    return _to_the_pixel(lightness, view.shape, found)


def _borders(view: Floats, limits: list[int]) -> list[int]:
    """Finds the outermost border.

    Args:
        view: (H, W).
        limits: the most lines of a border at the top, the bottom, the left and the right.

    Returns:
        The lines of the border at each of these sides.
    """
    sides = _from_each_side(view)
    margins = [_margin(*side, _SAME) for side in zip(sides, limits, strict=True)]
    depths = [margin.depth if margin.ended else 0 for margin in margins]
    edges = [_edge(k, sides[k], margins[k], depths) for k in range(4)]
    groups = [
        [k for k in range(4) if edges[k] >= _EDGE and _alike(margins[k], margins[first])]
        for first in range(4)
        if edges[first] >= _EDGE
    ]
    if not groups:
        return [0, 0, 0, 0]
    clear = max(groups, key=len)
    best = margins[max(clear, key=lambda k: edges[k])]
    blurred = [
        k for k in range(4) if k not in clear and margins[k].depth and _alike(margins[k], best)
    ]
    if len(clear) < 3 and _DARK < best.tone < _LIGHT:
        return [0, 0, 0, 0]
    if len(clear) == 1 and len(blurred) < 3:
        return _alone(clear[0], sides, limits, depths)
    # The picture has the border's tone itself along these sides, a white sky under white paper.
    deepest = round(_UNCLEAR * max(depths[k] for k in clear))
    found = [depths[k] if k in clear else 0 for k in range(4)]
    for k in blurred:
        found[k] = margins[k].depth if edges[k] >= _HINT else min(margins[k].depth, deepest)
    return found


def _alone(k: int, sides: list[Floats], limits: list[int], depths: list[int]) -> list[int]:
    """The same where only side `k` may have a border."""
    margin = _margin(sides[k], limits[k], _SAME_ALONE)
    depths = [margin.depth if side == k else depth for side, depth in enumerate(depths)]
    clean = (
        margin.ended
        and margin.depth > 0
        and margin.noise <= _NOISE_ALONE
        and margin.depth <= _DEEPEST_ALONE * len(sides[k])
        and _edge(k, sides[k], margin, depths) >= _EDGE_ALONE
        and np.ptp(cv2.resize(sides[k][: margin.depth], (8, 2), interpolation=cv2.INTER_AREA))
        <= _DRIFT_ALONE
    )
    return [margin.depth if clean and side == k else 0 for side in range(4)]


def _from_each_side(view: Floats) -> list[Floats]:
    """The view as lines from its top, its bottom, its left and its right on."""
    return [view, view[::-1], view.T, view.T[::-1]]


def _alike(one: _Margin, other: _Margin) -> bool:
    return abs(one.tone - other.tone) <= _ALIKE


def _margin(lines: Floats, limit: int, same: float) -> _Margin:
    """Measures what stands along a side.

    Args:
        lines: (n, m), the outermost first.
        limit: the most lines of a border.
        same: share of a line's pixels that must have the tone.
    """
    thinnest = max(2, round(_THINNEST * len(lines)))
    low, tone, high = map(float, np.percentile(lines[:thinnest], [10, 50, 90]))
    noise = (high - low) / 2.56  # of a normal distribution
    if noise > _MOST_NOISE or limit < thinnest:
        return _Margin(tone, noise, 0, True)
    # The outermost line is often spoilt by the cut, and counts whatever it holds.
    shares = (np.abs(lines[1 : limit + 1] - tone) <= _tolerance(noise)).mean(axis=1)
    others = np.flatnonzero(shares < same)
    depth = 1 + (int(others[0]) if others.size else len(shares))
    return _Margin(tone, noise, depth if depth >= thinnest else 0, bool(others.size))


def _tolerance(noise: float) -> float:
    return min(max(4 * noise, _LEAST_TOLERANCE), _MOST_TOLERANCE)


def _edge(k: int, lines: Floats, margin: _Margin, depths: list[int]) -> float:
    """Returns the share of side `k`, without its ends in others' borders, with a sudden jump."""
    depth = depths[k]
    start, stop = depths[:2] if k >= 2 else depths[2:]
    inside = lines[:, start : lines.shape[1] - stop]
    if not depth or not inside.size:
        return 0.0
    # A little farther than the next line: edges are blurred, and not quite parallel to the side.
    reach = max(2, round(min(lines.shape) / 80))
    border, picture = inside[max(0, depth - 2)], inside[depth : depth + reach + 1][-2:]
    jump = np.abs(picture - border).max(axis=0)
    return float((jump > max(_JUMP, _tolerance(margin.noise) + 2)).mean())


def _to_the_pixel(lightness: Floats, view: tuple[int, ...], found: list[int]) -> Area:
    """Brings borders of `found` lines of a view of size `view` to the full size."""
    ends = []
    for k, depth in enumerate(found):
        lines = _from_each_side(lightness)[k]
        scale = len(lines) / view[k // 2]
        first, last = round((depth - 2) * scale), round((depth + 2) * scale)
        if not depth:
            ends.append(0)
            continue
        across = lightness.shape[1 - k // 2] / view[1 - k // 2]
        start, stop = found[:2] if k >= 2 else found[2:]
        slab = lines[first:last, round(start * across) : round(lines.shape[1] - stop * across)]
        low, tone, high = map(float, np.percentile(slab[: max(1, round(scale))], [10, 50, 90]))
        shares = (np.abs(slab - tone) <= _tolerance((high - low) / 2.56)).mean(axis=1)
        others = np.flatnonzero(shares < _SAME)
        ends.append(first + int(others[0]) if others.size else round(depth * scale))
    height, width = lightness.shape
    return Area(ends[0], height - ends[1], ends[2], width - ends[3])
