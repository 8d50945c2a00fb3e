"""How long a network takes for a picture."""

import statistics
import time
from collections.abc import Callable, Sequence

import numpy as np

from keras_colorize.inference.fitting import short_side
from keras_colorize.inference.runtime import Runtime


def milliseconds(runtime: Runtime, repeats: int = 30) -> float:
    """Returns the median time of a prediction in milliseconds, without the first one."""
    return medians([prediction(runtime)], repeats)[0]


def prediction(runtime: Runtime, size: int | None = None) -> Callable[[], object]:
    """Returns a function that predicts the colours of one square picture of `short_side`."""
    side = short_side(runtime, size)
    random = np.random.default_rng(0)
    lightness = random.uniform(0, 100, (side, side)).astype(np.float32)
    return lambda: runtime.predict(lightness)


def medians(calls: Sequence[Callable[[], object]], repeats: int) -> list[float]:
    """Returns the median time of each call in milliseconds.

    The calls take turns, so that a busy moment of the machine meets all of them. Each is called
    once before, to compile or to set up its memory.
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
