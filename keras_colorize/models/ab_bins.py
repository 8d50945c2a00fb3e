"""The ab bins of Zhang, Isola and Efros 2016: encoding, prior and rebalancing weights.

The paper divides the ab plane into a grid with a side of 10 and keeps the 313 bins in gamut. Here a
bin is kept if it is a corner of a grid cell that meets the convex hull of the gamut's ab. Every
colour, and every mean of colours, then has all four corners of its cell. This rule also gives 313
bins.
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
NEIGHBORS = 5  # number of bins that a colour is shared among in the soft encoding
SIGMA = 5.0  # of the soft encoding and of the smoothed prior, in Lab units
UNIFORM_SHARE = 0.5  # the paper's lambda
_REACH = 11  # a and b of -110 to 110
_CELLS = 2 * _REACH + 1
# The ten bins nearest to a grid point contain the NEIGHBORS nearest bins of any colour in its
# cell. Inside the gamut, nine would be enough: the point and those around it.
_CANDIDATES = 10


@cache
def ab_bins() -> Floats:
    """Returns the centres of the bins.

    Returns:
        (313, 2), read-only: a and b in Lab units, sorted by a and then b.
    """
    grid = _grid()
    hull = _gamut_hull()
    # Two convex shapes do not meet if a line along one of their sides separates them. The shapes
    # are the hull and the square around a grid point.
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
    """Shares each colour among its five nearest bins, on any Keras backend.

    Args:
        ab: (..., 2), Lab units.

    Returns:
        The indices of the bins, int32 (..., 5), nearest first, and their shares, float32 (..., 5).
        The shares are Gaussian weights with a sigma of 5, and sum to 1.
    """
    from keras import ops

    bins, candidates = ab_bins(), _candidates()
    ab = ops.cast(ab, "float32")
    cell = ops.clip(ops.round(ab / SIDE) + _REACH, 0, _CELLS - 1)
    cell = ops.cast(cell[..., 0] * _CELLS + cell[..., 1], "int32")
    away = ops.expand_dims(ab, -2) - ops.take(bins[candidates], cell, axis=0)  # (..., 10, 2)
    # Only the candidates are ranked: ranking all 313 bins of a batch takes XLA a second on a CPU.
    exponents, places = ops.top_k(-ops.sum(away * away, axis=-1) / (2 * SIGMA**2), NEIGHBORS)
    indices = ops.take_along_axis(ops.take(candidates, cell, axis=0), places, axis=-1)
    return indices, ops.softmax(exponents, axis=-1)


def measure_prior(ab_batches: Iterable[NDArray[Any]]) -> NDArray[np.float64]:
    """Measures how often each bin is the nearest one to a pixel.

    Args:
        ab_batches: Arrays (B, H, W, 2) in Lab units.

    Returns:
        (313,), with a sum of 1.

    Raises:
        ValueError: There are no pixels.
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
    """Smooths a prior (313,) over the ab plane with a Gaussian (sigma 5), keeping its sum."""
    kernel = np.exp(-_squared_distances(ab_bins(), ab_bins()) / (2 * SIGMA**2))
    smoothed: NDArray[np.float64] = kernel / kernel.sum(axis=0) @ prior
    return smoothed


def rebalancing_weights(prior: NDArray[Any]) -> NDArray[np.float64]:
    """Computes the weight of a pixel in the loss by its nearest bin (equation 4 of the paper).

    Args:
        prior: (313,), as returned by `measure_prior`. It is smoothed here.

    Returns:
        (313,): the reciprocals of an equal mixture of the smoothed prior and a uniform one. Their
        mean over the smoothed prior is 1.
    """
    smoothed = smooth_prior(prior)
    weights = 1 / ((1 - UNIFORM_SHARE) * smoothed + UNIFORM_SHARE / len(smoothed))
    normalized: NDArray[np.float64] = weights / (smoothed @ weights)
    return normalized


def _grid() -> NDArray[np.float64]:
    """Returns all points of the grid, (529, 2), sorted by a and then b."""
    line = SIDE * np.arange(-_REACH, _REACH + 1.0)
    return np.stack(np.meshgrid(line, line, indexing="ij"), axis=-1).reshape(-1, 2)


def _gamut_hull() -> NDArray[np.float64]:
    """Returns the convex hull of the ab of all sRGB colours, (n, 2).

    All of its corners are fully saturated: one channel is 255 and another is 0.
    """
    full, rising, none = np.full(256, 255), np.arange(256), np.zeros(256)
    rgb = np.concatenate([np.stack(p, axis=1) for p in permutations((full, rising, none))])
    ab = np.ascontiguousarray(rgb_to_lab(rgb.astype(np.uint8))[:, 1:])
    return cv2.convexHull(ab)[:, 0].astype(np.float64)


@cache
def _candidates() -> NDArray[np.int32]:
    """Returns the bins nearest to each point of the grid, (529, 10), nearest first."""
    order = np.argsort(_squared_distances(_grid(), ab_bins()), axis=1, kind="stable")
    return order[:, :_CANDIDATES].astype(np.int32)


def _squared_distances(ours: NDArray[Any], theirs: NDArray[Any]) -> NDArray[np.float64]:
    """Computes the squared distances (n, m) between points (n, 2) and (m, 2)."""
    away = ours[:, None].astype(np.float64) - theirs
    return (away * away).sum(axis=-1)
