"""Colours that a person asks for at some places, spread over what belongs to them.

The correction of ab is the smoothest one that has the colours asked for where they were asked for.
It flows freely where the lightness is even and hardly crosses an edge of lightness, after Levin,
Lischinski and Weiss ("Colorization using optimization", 2004), who colour a photograph from
scribbles alone. Here the network's colours are corrected, and stay where nobody asked for others.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from keras_colorize.imaging.color import Floats, lab_to_rgb, rgb_to_lab
from keras_colorize.imaging.framing import Area

Colour = tuple[int, int, int]
Doubles = NDArray[np.float64]

_EDGE = 4.0  # difference of L at which neighbours belong together only by half or so
_ACROSS = 1e-3  # weight of neighbours at the sharpest edge, beside 1 on even ground
_PULL = 1e-3  # weight of no correction at all
_ASKED = 100.0  # weight of a hint of strength 1
_NEIGHBOURS = (
    (0, 1),
    (1, -1),
    (1, 0),
    (1, 1),
)  # (rows, columns) on; the other four are their mirrors
_HALVINGS = 12  # of the chroma that is sought


class HintError(ValueError):
    """A hint that says nothing usable; the message is one sentence."""


@dataclass(frozen=True)
class Hint:
    """A colour that a person wants at a place of a photograph.

    Attributes:
        x: from the left, 0 to 1 of the width.
        y: from the top, 0 to 1 of the height.
        color: sRGB, 0 to 255 each. Its hue and chroma count; the photograph keeps its lightness.
            None asks for the colours that are there already, and so keeps other hints away.
        radius: of the disc that is to have the colour, 0 to 0.5 of the short side.
        strength: 0 to 1.

    Raises:
        HintError: a value is not in its range.
    """

    x: float
    y: float
    color: Colour | None
    radius: float = 0.01
    strength: float = 1.0

    def __post_init__(self) -> None:
        limits = {"x": 1.0, "y": 1.0, "radius": 0.5, "strength": 1.0}
        for name, most in limits.items():
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise HintError(f"{name} of a hint must be a number, not {value!r}.")
            if not 0 <= value <= most:  # nor is NaN
                raise HintError(f"{name} of a hint must be from 0 to {most:g}, not {value!r}.")
        if self.color is None:
            return
        codes = self.color
        if len(codes) != 3 or not all(type(code) is int and 0 <= code <= 255 for code in codes):
            raise HintError(
                f"color of a hint must be three whole numbers from 0 to 255, not {codes!r}."
            )


def with_hints(ab: Floats, lightness: Floats, hints: Sequence[Hint]) -> Floats:
    """Corrects ab so that it has the colours that hints ask for.

    Args:
        ab: (h, w, 2) in Lab units, of the network's resolution.
        lightness: (h, w), 0 to 100, of the same resolution.
        hints: those later in the order win where they overlap.

    Returns:
        (h, w, 2) float32, the same for the same input.
    """
    if not hints:
        return ab
    weight = np.zeros(lightness.shape)
    wanted = np.zeros(ab.shape)  # the correction
    for hint in hints:
        disc = _disc(hint, lightness.shape)
        weight[disc] = _ASKED * hint.strength
        wanted[disc] = 0
        if hint.color is not None:
            asked = rgb_to_lab(np.array([[hint.color]], np.uint8))[0, 0, 1:]
            wanted[disc] = in_gamut(lightness[disc], asked) - ab[disc]
    return (ab + smoothest(lightness, wanted, weight)).astype(np.float32)


def hints_within(hints: Sequence[Hint], area: Area, size: tuple[int, ...]) -> list[Hint]:
    """Refers hints of a photograph to a part of it.

    Args:
        hints: of the whole photograph.
        area: the part.
        size: (height, width) of the photograph.

    Returns:
        The hints that lie in the part, with their places and radii as shares of the part.
    """
    height, width = area.bottom - area.top, area.right - area.left
    found = []
    for hint in hints:
        x = (hint.x * size[1] - area.left) / width
        y = (hint.y * size[0] - area.top) / height
        if 0 <= x <= 1 and 0 <= y <= 1:
            radius = min(hint.radius * min(size) / min(height, width), 0.5)
            found.append(replace(hint, x=x, y=y, radius=radius))
    return found


def in_gamut(lightness: Floats, ab: Floats) -> Floats:
    """Takes as much of a colour's chroma as sRGB can show at each lightness.

    Args:
        lightness: (n,), 0 to 100.
        ab: (2,) in Lab units.

    Returns:
        (n, 2) float32: `ab` times a factor from 0 to 1, which leaves the hue as it is.
    """
    least: Floats = np.zeros(len(lightness), np.float32)
    most: Floats = np.ones(len(lightness), np.float32)
    factor: Floats = most
    for _ in range(_HALVINGS):
        shown = rgb_to_lab(lab_to_rgb(lightness[None], (factor[:, None] * ab)[None]))[0]
        # What is out of the gamut is cut to another colour.
        fits = np.abs(shown[:, 1:] - factor[:, None] * ab).max(1) < 1.5
        least, most = np.where(fits, factor, least), np.where(fits, most, factor)
        if np.array_equal(least, most):
            break
        factor = ((least + most) / 2).astype(np.float32)
    scaled: Floats = least[:, None] * ab
    return scaled


def smoothest(lightness: Floats, wanted: Doubles, weight: Doubles) -> Doubles:
    """Finds the smoothest field that is near to what is wanted.

    It minimizes, over d, the sum of w (d_p - d_q)^2 over neighbours p and q, of 1e-3 d_p^2, and of
    `weight` (d_p - `wanted`_p)^2, where w = exp(-(L_p - L_q)^2 / (2 * 4^2)) + 1e-3. With eight
    neighbours only adjacent rows touch, so that the equations are solved exactly by elimination of
    one row after the other (block Thomas algorithm).

    Args:
        lightness: (h, w), 0 to 100.
        wanted: (h, w, n).
        weight: (h, w), 0 where nothing is wanted.

    Returns:
        (h, w, n) float64.
    """
    if lightness.shape[0] < lightness.shape[1]:  # the cost goes by the cube of the row's length
        turned = smoothest(lightness.T, wanted.swapaxes(0, 1), weight.T)
        return turned.swapaxes(0, 1)
    height, width = lightness.shape
    between = partial(_affinity, np.asarray(lightness, np.float64))
    right, below_left, below, below_right = (between(*step) for step in _NEIGHBOURS)
    degree = _PULL + weight.astype(np.float64)
    for (down, across), affinity in zip(
        _NEIGHBOURS, (right, below_left, below, below_right), strict=True
    ):
        degree += affinity
        degree += np.roll(affinity, (down, across), (0, 1))  # it is 0 where it would wrap around
    asked = weight[..., None] * wanted
    columns = np.arange(width)
    eliminated = np.empty((height, width, width))  # what is left of each row's next
    solution = np.empty(asked.shape)
    carried = np.zeros((width, width))
    for row in range(height):
        block = np.diag(degree[row])
        block[columns[:-1], columns[1:]] = block[columns[1:], columns[:-1]] = -right[row, :-1]
        coupling = np.diag(-below[row])  # of this row (first axis) with the next
        coupling[columns[:-1], columns[1:]] = -below_right[row, :-1]
        coupling[columns[1:], columns[:-1]] = -below_left[row, 1:]
        known = asked[row].copy()
        if row:
            block -= carried.T @ eliminated[row - 1]
            known -= carried.T @ solution[row - 1]
        solved = np.linalg.solve(block, np.hstack([coupling, known]))
        eliminated[row], solution[row] = solved[:, :width], solved[:, width:]
        carried = coupling
    for row in reversed(range(height - 1)):
        solution[row] -= eliminated[row] @ solution[row + 1]
    return solution


def _affinity(lightness: Doubles, down: int, across: int) -> Doubles:
    """Weight between each pixel and the one `down` rows and `across` columns on; 0 at the edges."""
    weight = np.zeros(lightness.shape)
    height, width = lightness.shape
    here = np.s_[: height - down, max(0, -across) : width - max(0, across)]
    there = np.s_[down:, max(0, across) : width - max(0, -across)]
    difference = lightness[here] - lightness[there]
    weight[here] = np.exp(-(difference**2) / (2 * _EDGE**2)) + _ACROSS
    return weight


def _disc(hint: Hint, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Which pixels a hint is about: those within its radius, at least the one that it is in."""
    height, width = shape
    row, column = min(int(hint.y * height), height - 1), min(int(hint.x * width), width - 1)
    rows, columns = np.ogrid[:height, :width]
    reach = hint.radius * min(height, width)
    disc: NDArray[np.bool_] = (rows - row) ** 2 + (columns - column) ** 2 <= reach**2
    return disc
