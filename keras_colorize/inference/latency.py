"""How long a network takes for a picture."""

import statistics
import time
from collections.abc import Callable, Sequence

import numpy as np

from keras_colorize.inference.fitting import short_side
from keras_colorize.inference.runtime import Runtime


def milliseconds(runtime: Runtime, repeats: int = 30) -> float:
    """Median time of a prediction, in milliseconds, without the first one.

    Args:
        runtime: the network.
        repeats: how many predictions are timed.

    Returns:
        The median.
    """
    return medians([prediction(runtime)], repeats)[0]


def prediction(runtime: Runtime, size: int | None = None) -> Callable[[], object]:
    """A call that predicts the colours of one square picture.

    Args:
        runtime: the network.
        size: side of the picture; None is 256, or the nearest to it that there is.

    Returns:
        What predicts once each time it is called.

    Raises:
        SizeError: the network does not take `size`.
    """
    side = short_side(runtime, size)
    random = np.random.default_rng(0)
    lightness = random.uniform(0, 100, (side, side)).astype(np.float32)
    return lambda: runtime.predict(lightness)


def medians(calls: Sequence[Callable[[], object]], repeats: int) -> list[float]:
    """Median times of calls that take turns, so that a busy moment meets all of them.

    Args:
        calls: what to time; each is called once before, to compile or to set up its memory.
        repeats: how many times each is timed.

    Returns:
        Milliseconds of each.
    """
    for call in calls:
        call()
    found: list[list[float]] = [[] for _ in calls]
    for _ in range(repeats):
        for call, times in zip(calls, found, strict=True):
            started = time.perf_counter()
            call()
            times.append(1000 * (time.perf_counter() - started))
    return [statistics.median(times) for times in found]
