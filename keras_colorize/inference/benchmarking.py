"""How fast a network runs, against how fast the processor multiplies matrices meanwhile."""

import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from keras_colorize.inference.fitting import short_side
from keras_colorize.inference.flops import Flops, flops_of
from keras_colorize.inference.latency import medians, prediction
from keras_colorize.inference.matrix_products import OPERATIONS, MatrixProduct
from keras_colorize.inference.runtime import load_runtime
from keras_colorize.inference.tflite_operators import Operator, read_operators

_RUNTIMES = {
    "LiteRTRuntime": "LiteRT",
    "KerasRuntime": "Keras",
    "SavedModelRuntime": "TensorFlow",
    "OnnxRuntime": "ONNX Runtime",
}


@dataclass(frozen=True)
class Benchmark:
    """A network in its runtime, timed.

    Attributes:
        name: of the network.
        runtime: what runs it.
        threads: cores that it may use.
        side: of the square picture.
        milliseconds: median time of a prediction.
        flops: what it multiplies meanwhile.
        matrix_rate: of large matrix products of its type, in 1e9 operations a second, measured
            in turns with it.
    """

    name: str
    runtime: str
    threads: int
    side: int
    milliseconds: float
    flops: Flops
    matrix_rate: float

    @property
    def rate(self) -> float:
        """In 1e9 operations a second; a multiplication and its addition are two."""
        return 2e-6 * self.flops.multiply_adds / self.milliseconds

    @property
    def share(self) -> float:
        """Of the matrix rate."""
        return self.rate / self.matrix_rate


@dataclass(frozen=True)
class LayerTime:
    """An operator of a `.tflite` file, timed alone.

    Attributes:
        operator: what it computes.
        milliseconds: median time.
        share: of the rate of large matrix products of its type, measured in turns with it.
    """

    operator: Operator
    milliseconds: float
    share: float

    def facts(self) -> dict[str, Any]:
        """All of it but the operator's file, as plain data."""
        operator = {**vars(self.operator)}
        del operator["model"]
        return {**operator, "milliseconds": self.milliseconds, "share": self.share}


def benchmark(
    weights: str | os.PathLike[str], threads: int, *, size: int | None = None, repeats: int = 30
) -> Benchmark:
    """Times a network in a process of its own: TensorFlow's number of threads is a process's.

    Args:
        weights: as `load_runtime` takes them.
        threads: cores to use.
        size: side of the square picture; None is 256, or the nearest to it that there is.
        repeats: how many predictions are timed.

    Returns:
        Its median time, what it multiplies, and the rate of matrix products in turns with it.

    Raises:
        WeightsError: there are no such weights, or they cannot be used.
        SizeError: the network does not take `size`.
    """
    with ProcessPoolExecutor(
        1, get_context("spawn"), initializer=_limit_tensorflow, initargs=(threads,)
    ) as pool:
        return pool.submit(_benchmark, weights, threads, size, repeats).result()


def _limit_tensorflow(threads: int) -> None:
    os.environ["TF_NUM_INTRAOP_THREADS"] = str(threads)
    os.environ["TF_NUM_INTEROP_THREADS"] = "1"


def _benchmark(
    weights: str | os.PathLike[str], threads: int, size: int | None, repeats: int
) -> Benchmark:
    runtime = load_runtime(weights, threads)
    side = short_side(runtime, size)
    flops = flops_of(weights, runtime, side)
    product = MatrixProduct(threads, is_integer=flops.is_integer)
    time, product_time = medians([prediction(runtime, side), product], repeats)
    made_by = _RUNTIMES[type(runtime).__name__]
    return Benchmark(
        runtime.name, made_by, threads, side, time, flops, 1e-6 * OPERATIONS / product_time
    )


def layer_times(path: Path, threads: int, side: int, repeats: int = 30) -> list[LayerTime]:
    """Times each operator of a `.tflite` file alone.

    Args:
        path: of the file.
        threads: cores to use.
        side: of the square picture, which the file has a signature for.
        repeats: how often each is timed.

    Returns:
        In the order of the graph. Alone, an operator finds its input in the processor's caches
        as its own last run left it, not as the operator before it did.

    Raises:
        WeightsError: the file cannot be used.
    """
    found = []
    for operator in read_operators(path, f"colorize_{side}x{side}"):
        product = MatrixProduct(threads, is_integer=operator.is_integer)
        time, product_time = medians([operator.runner(threads), product], repeats)
        share = 2 * operator.multiply_adds / time / (OPERATIONS / product_time)
        found.append(LayerTime(operator, time, share))
    return found
