"""How long a network takes for a picture."""

import statistics
import time

import numpy as np

from keras_colorize.inference.fitting import short_side
from keras_colorize.inference.runtime import Runtime


def milliseconds(runtime: Runtime, repeats: int = 30, *, size: int | None = None) -> float:
    """Median time of a prediction, in milliseconds, without the first one.

    Args:
        runtime: the network.
        repeats: how many predictions are timed.
        size: side of the square picture; None is 256, or the nearest to it that there is.

    Raises:
        SizeError: the network does not take `size`.
    """
    side = short_side(runtime, size)
    random = np.random.default_rng(0)
    lightness = random.uniform(0, 100, (side, side)).astype(np.float32)
    runtime.predict(lightness)  # compiles, or sets up its memory
    found = []
    for _ in range(repeats):
        started = time.perf_counter()
        runtime.predict(lightness)
        found.append(1000 * (time.perf_counter() - started))
    return statistics.median(found)
