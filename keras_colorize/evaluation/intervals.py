"""Confidence intervals of means over images, by the percentile bootstrap (Efron 1979).

The images are drawn again many times, with replacement. The interval contains the middle part of
the means of these draws. It shows how much a mean would change with other images of the same kind.
It says nothing about another training or about images of another kind.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

Numbers = NDArray[np.float64]

_DRAWN_AT_ONCE = 1_000_000  # number of indices, which take 8 MB


def mean_interval(
    values: ArrayLike, *, level: float = 0.95, resamples: int = 2000, seed: int = 0
) -> tuple[float, float]:
    """Computes the interval of a mean over images.

    To compare two systems, pass the differences between their values on the same images.

    Args:
        values: (images,), a metric of each image.
        level: Share of the means that the interval contains, in (0, 1).
        resamples: Number of draws.
        seed: Seed of the draws.

    Returns:
        The ends of the interval (low, high).

    Raises:
        ValueError: There is no image, or an argument is out of range.
    """
    (numbers,) = _checked(level, resamples, values)
    means = [numbers[drawn].mean(axis=1) for drawn in _draws(numbers.size, resamples, seed)]
    return _middle(means, level)


def ratio_interval(
    numerators: ArrayLike,
    denominators: ArrayLike,
    *,
    level: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> tuple[float, float]:
    """Computes the interval of the ratio of two means over the same images.

    Each draw uses the same images for both means.

    Args:
        numerators: (images,).
        denominators: (images,), not negative.
        level: Share of the ratios that the interval contains, in (0, 1).
        resamples: Number of draws.
        seed: Seed of the draws.

    Returns:
        The ends of the interval (low, high). They are NaN if all denominators of a draw are 0.

    Raises:
        ValueError: There is no image, the lengths differ, or an argument is out of range.
    """
    above, below = _checked(level, resamples, numerators, denominators)
    ratios = []
    for drawn in _draws(above.size, resamples, seed):
        sums = below[drawn].sum(axis=1)
        sums[sums == 0] = np.nan
        ratios.append(above[drawn].sum(axis=1) / sums)
    return _middle(ratios, level)


def _checked(level: float, resamples: int, *values: ArrayLike) -> list[Numbers]:
    arrays = [np.asarray(each, np.float64) for each in values]
    shapes = {array.shape for array in arrays}
    if len(shapes) > 1 or arrays[0].ndim != 1 or not arrays[0].size:
        raise ValueError(f"An interval needs a value for each image, not {shapes}.")
    if not 0 < level < 1:
        raise ValueError(f"The level of an interval is between 0 and 1, not {level}.")
    if resamples < 1:
        raise ValueError(f"An interval needs 1 resample at least, not {resamples}.")
    return arrays


def _draws(images: int, resamples: int, seed: int) -> Iterator[NDArray[np.int64]]:
    """Yields indices (n, images) of n resamples at a time, which limits the memory."""
    random = np.random.default_rng(seed)
    at_once = max(1, _DRAWN_AT_ONCE // images)
    for start in range(0, resamples, at_once):
        yield random.integers(images, size=(min(at_once, resamples - start), images))


def _middle(parts: list[Numbers], level: float) -> tuple[float, float]:
    outside = (1 - level) / 2
    low, high = np.quantile(np.concatenate(parts), (outside, 1 - outside))
    return float(low), float(high)
