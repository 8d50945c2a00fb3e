"""Borders in a small view of a scan: paper margins, film holders, black bars.

From each side, the lines that have one tone throughout are a border's, if they end in a straight
edge most of the way along. The sky above a roof, the background of a studio and the dark around a
lamp have one tone as well, but end here earlier than there, or fade into the picture.
"""

from typing import NamedTuple

import cv2
import numpy as np

from keras_colorize.imaging.color import Floats

SAME = 0.9  # of the pixels of a border's line have its tone: dust and captions lie on it
LEAST_TOLERANCE = 4.0  # L units about a border's tone
_MOST_TOLERANCE = 12.0

_THINNEST, _DEEPEST = 0.01, 0.3  # of a side; the second for both borders along it, one by one
_ROUNDS = 3  # borders within borders: the scanner's lid, the film, the print's margin
_MOST_NOISE = 4.0  # standard deviation of a border, L units
_ALIKE = 8.0  # L units between the tones of one frame's sides
_DARK, _LIGHT = 20.0, 75.0  # L of film and of paper, each to its end of the scale
_JUMP = 8.0  # L units from a border to the picture, at the least
_EDGE = 0.6  # of the way along a side, where the jump must be
_HINT = 0.35  # less of an edge than this says nothing of where a border ends
_UNCLEAR = 1.5  # a side that blends into its border has one at most so much wider than the others'

# If one side alone has an edge, it must have it nearly throughout: products stand on straight feet
# before white paper. And where the other sides are of other tones, its border must be a clean one:
# horizons are straight, too.
_SAME_ALONE, _NOISE_ALONE, _DEEPEST_ALONE, _EDGE_ALONE = 0.97, 2.5, 0.15, 0.9
_DRIFT_ALONE = 2.0  # L units between its parts: skies are brighter here than there


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


def border_depths(view: Floats) -> list[int]:
    """Counts the lines of border at the top, the bottom, the left and the right.

    Borders may lie within each other. The view, (H, W) in 0..100, has some hundreds of pixels.
    """
    height, width = view.shape
    found = [0, 0, 0, 0]
    for _ in range(_ROUNDS):
        inner = view[found[0] : height - found[1], found[2] : width - found[3]]
        limits = [
            int(_DEEPEST * side) - depth
            for side, depth in zip((height, height, width, width), found, strict=True)
        ]
        depths = _outermost(inner, limits)
        if not any(depths):
            break
        found = [one + more for one, more in zip(found, depths, strict=True)]
    return found


def from_each_side(view: Floats) -> list[Floats]:
    """The view as lines from its top, its bottom, its left and its right on."""
    return [view, view[::-1], view.T, view.T[::-1]]


def tolerance(noise: float) -> float:
    """How far the pixels of a border with `noise` may be from its tone, in L units."""
    return min(max(4 * noise, LEAST_TOLERANCE), _MOST_TOLERANCE)


def spread(pixels: Floats) -> tuple[float, float]:
    """The median of pixels and their standard deviation, whatever a tenth at each end is."""
    low, tone, high = map(float, np.percentile(pixels, [10, 50, 90]))
    return tone, (high - low) / 2.56  # of a normal distribution


def _outermost(view: Floats, limits: list[int]) -> list[int]:
    """Counts the lines of the outermost border at each side, of which `limits` are the most."""
    sides = from_each_side(view)
    margins = [_margin(*side, SAME) for side in zip(sides, limits, strict=True)]
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
    # Along these sides the picture has the border's tone itself: a white sky under white paper.
    blended = [
        k for k in range(4) if k not in clear and margins[k].depth and _alike(margins[k], best)
    ]
    if len(clear) < 3 and _DARK < best.tone < _LIGHT:
        return [0, 0, 0, 0]
    if len(clear) == 1 and (len(blended) < 3 or edges[clear[0]] < _EDGE_ALONE):
        return _alone(clear[0], sides, limits, depths)
    deepest = round(_UNCLEAR * max(depths[k] for k in clear))
    found = [depths[k] if k in clear else 0 for k in range(4)]
    for k in blended:
        found[k] = margins[k].depth if edges[k] >= _HINT else min(margins[k].depth, deepest)
    return found


def _alone(k: int, sides: list[Floats], limits: list[int], depths: list[int]) -> list[int]:
    """The same where only side `k` may have a border."""
    margin = _margin(sides[k], limits[k], _SAME_ALONE)
    depths = [margin.depth if side == k else depth for side, depth in enumerate(depths)]
    clean = (
        margin.ended
        and margin.noise <= _NOISE_ALONE
        and 0 < margin.depth <= _DEEPEST_ALONE * len(sides[k])
        and _edge(k, sides[k], margin, depths) >= _EDGE_ALONE
    )
    if clean:
        parts = cv2.resize(sides[k][: margin.depth], (8, 2), interpolation=cv2.INTER_AREA)
        clean = bool(np.ptp(parts) <= _DRIFT_ALONE)
    return [margin.depth if clean and side == k else 0 for side in range(4)]


def _alike(one: _Margin, other: _Margin) -> bool:
    return abs(one.tone - other.tone) <= _ALIKE


def _margin(lines: Floats, limit: int, same: float) -> _Margin:
    """Measures what stands along a side.

    Of its lines (n, m), the outermost is the first, `limit` is the most of a border, and `same` is
    the share of a line's pixels that must have the tone.
    """
    thinnest = max(2, round(_THINNEST * len(lines)))
    tone, noise = spread(lines[:thinnest])
    if noise > _MOST_NOISE or limit < thinnest:
        return _Margin(tone, noise, 0, True)
    # The outermost line is often spoilt by the cut, and counts whatever it holds.
    shares = (np.abs(lines[1 : limit + 1] - tone) <= tolerance(noise)).mean(axis=1)
    others = np.flatnonzero(shares < same)
    depth = 1 + (int(others[0]) if others.size else len(shares))
    return _Margin(tone, noise, depth if depth >= thinnest else 0, bool(others.size))


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
    return float((jump > max(_JUMP, tolerance(margin.noise) + 2)).mean())
