"""How sure a mean over images is: percentile bootstrap intervals (Efron 1979).

The images are drawn anew, as many as there are and with replacement, many times; the interval holds
the middle of the means found. It says how much the figure would move with other images of the
same kind, and nothing of another training or of images of another kind.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

Numbers = NDArray[np.float64]

_DRAWN_AT_ONCE = 1_000_000  # indices, 8 MB


def mean_interval(
    values: ArrayLike, *, level: float = 0.95, resamples: int = 2000, seed: int = 0
) -> tuple[float, float]:
    """Interval of a mean over images; of the differences of two systems, it is a paired one.

    Args:
        values: (images,), a metric of each image.
        level: Share of the means that the interval holds, in (0, 1).
        resamples: How often the images are drawn.
        seed: The same one draws the same images for as many values.

    Returns:
        Its ends (low, high).

    Raises:
        ValueError: There is no image, or an argument is out of its range.
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
    """Interval of the ratio of two means over the same images, which are drawn together.

    Args:
        numerators: (images,).
        denominators: (images,), none negative.
        level: As in `mean_interval`, like all that follows.
        resamples: How often the images are drawn.
        seed: Of the draws.

    Returns:
        Its ends (low, high); NaN if in some draw all denominators are 0.

    Raises:
        ValueError: As `mean_interval`, or the two differ in length.
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
    """Indices (n, images) of n resamples at a time, so many that memory stays bounded."""
    random = np.random.default_rng(seed)
    at_once = max(1, _DRAWN_AT_ONCE // images)
    for start in range(0, resamples, at_once):
        yield random.integers(images, size=(min(at_once, resamples - start), images))


def _middle(parts: list[Numbers], level: float) -> tuple[float, float]:
    outside = (1 - level) / 2
    low, high = np.quantile(np.concatenate(parts), (outside, 1 - outside))
    return float(low), float(high)
