"""The colour bins of Zhang, Isola and Efros 2016: codec, prior and rebalancing weights.

The paper divides the ab plane into a grid of side 10 and keeps the Q = 313 bins in gamut. Here a
bin is kept if a mixture of sRGB colours lies less than a side away from it in both a and b: it is
a corner of a grid cell that meets the convex hull of the gamut's ab. So every colour, and every
mean of colours, has all four corners of its cell, and the count is the paper's.
"""

from collections.abc import Iterable
from functools import cache
from itertools import permutations
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from keras_colorize.imaging.color import rgb_to_lab

Floats = NDArray[np.float32]

SIDE = 10
NEIGHBORS = 5  # bins that share a colour in the soft encoding
SIGMA = 5.0  # Lab units; of the soft encoding and of the prior's smoothing
UNIFORM_SHARE = 0.5  # the paper's lambda
_REACH = 11  # a and b of -110 to 110
_CELLS = 2 * _REACH + 1
# The bins nearest to a grid point that hold the NEIGHBORS nearest of all colours in its cell: nine
# in gamut, where they are the point and those around it.
_CANDIDATES = 10


@cache
def ab_bins() -> Floats:
    """The centres of the bins.

    Returns:
        (313, 2), read-only: a and b in Lab units, by rising a, then b.
    """
    grid = _grid()
    hull = _gamut_hull()
    # Two convex shapes are apart if a line along one of their sides parts them; the other shape
    # is the square around a grid point.
    edges = np.roll(hull, -1, axis=0) - hull
    normals = np.stack([edges[:, 1], -edges[:, 0]], axis=1)
    normals = np.concatenate([normals, -normals, np.eye(2), -np.eye(2)])
    extent = (hull @ normals.T).max(axis=0)
    square = SIDE * np.abs(normals).sum(axis=1)
    meets = (grid @ normals.T < extent + square).all(axis=1)
    bins = grid[meets].astype(np.float32)
    bins.flags.writeable = False
    return bins


def soft_encode(ab: Any) -> tuple[Any, Any]:
    """Shares each colour between its five nearest bins, in the graph of any Keras backend.

    Args:
        ab: (..., 2), Lab units.

    Returns:
        Indices of the bins, int32 (..., 5), the nearest first, and their shares, float32
        (..., 5): Gaussian weights of sigma 5, which sum to 1.
    """
    from keras import ops

    bins, candidates = ab_bins(), _candidates()
    ab = ops.cast(ab, "float32")
    cell = ops.clip(ops.round(ab / SIDE) + _REACH, 0, _CELLS - 1)
    cell = ops.cast(cell[..., 0] * _CELLS + cell[..., 1], "int32")
    away = ops.expand_dims(ab, -2) - ops.take(bins[candidates], cell, axis=0)  # (..., 10, 2)
    # Ten candidates and not all bins: XLA on a CPU takes a second to rank a batch's 313.
    exponents, places = ops.top_k(-ops.sum(away * away, axis=-1) / (2 * SIGMA**2), NEIGHBORS)
    indices = ops.take_along_axis(ops.take(candidates, cell, axis=0), places, axis=-1)
    return indices, ops.softmax(exponents, axis=-1)


def measure_prior(ab_batches: Iterable[NDArray[Any]]) -> NDArray[np.float64]:
    """Measures how often each bin is the nearest one of a pixel.

    Args:
        ab_batches: arrays (B, H, W, 2) in Lab units.

    Returns:
        (313,), which sums to 1.

    Raises:
        ValueError: there are no pixels.
    """
    counts = np.zeros(_CELLS**2, np.int64)
    for ab in ab_batches:
        cell = np.clip(np.rint(ab / SIDE).astype(np.int64) + _REACH, 0, _CELLS - 1)
        cell = cell[..., 0] * _CELLS + cell[..., 1]
        counts += np.bincount(cell.reshape(-1), minlength=counts.size)
    if not counts.any():
        raise ValueError("A prior of colours needs pixels to be measured on.")
    nearest = _candidates()[:, 0]
    return np.bincount(nearest, counts, minlength=len(ab_bins())) / counts.sum()


def smooth_prior(prior: NDArray[Any]) -> NDArray[np.float64]:
    """Spreads the prior over the ab plane with a Gaussian of sigma 5 that loses none of it.

    Args:
        prior: (313,).

    Returns:
        (313,), with the same sum.
    """
    kernel = np.exp(-_squared_distances(ab_bins(), ab_bins()) / (2 * SIGMA**2))
    smoothed: NDArray[np.float64] = kernel / kernel.sum(axis=0) @ prior
    return smoothed


def rebalancing_weights(prior: NDArray[Any]) -> NDArray[np.float64]:
    """What a pixel counts for in the loss, by the bin nearest to it (equation 4 of the paper).

    Args:
        prior: (313,), as `measure_prior` gives it; it is smoothed here.

    Returns:
        (313,): the reciprocal of the smoothed prior mixed with as much of a uniform one, with a
        mean of 1 over the smoothed prior.
    """
    smoothed = smooth_prior(prior)
    weights = 1 / ((1 - UNIFORM_SHARE) * smoothed + UNIFORM_SHARE / len(smoothed))
    normalized: NDArray[np.float64] = weights / (smoothed @ weights)
    return normalized


def _grid() -> NDArray[np.float64]:
    """All points of the grid, (529, 2), by rising a, then b."""
    line = SIDE * np.arange(-_REACH, _REACH + 1.0)
    return np.stack(np.meshgrid(line, line, indexing="ij"), axis=-1).reshape(-1, 2)


def _gamut_hull() -> NDArray[np.float64]:
    """The convex hull of the ab of all sRGB colours, (n, 2).

    Its corners are all among the purest colours: one channel full and one none.
    """
    full, rising, none = np.full(256, 255), np.arange(256), np.zeros(256)
    rgb = np.concatenate([np.stack(p, axis=1) for p in permutations((full, rising, none))])
    ab = np.ascontiguousarray(rgb_to_lab(rgb.astype(np.uint8))[:, 1:])
    return cv2.convexHull(ab)[:, 0].astype(np.float64)


@cache
def _candidates() -> NDArray[np.int32]:
    """The bins nearest to each point of the grid, (529, 10), the nearest first."""
    order = np.argsort(_squared_distances(_grid(), ab_bins()), axis=1, kind="stable")
    return order[:, :_CANDIDATES].astype(np.int32)


def _squared_distances(ours: NDArray[Any], theirs: NDArray[Any]) -> NDArray[np.float64]:
    """(n, 2) and (m, 2) to (n, m)."""
    away = ours[:, None].astype(np.float64) - theirs
    return (away * away).sum(axis=-1)
