"""Times a network, and compares its speed with that of large matrix products."""

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
    """The times of a network in its runtime.

    Attributes:
        name: the name of the network.
        runtime: the library that runs it.
        threads: the number of cores that it may use.
        side: the side of the square picture.
        milliseconds: the median time of a prediction.
        flops: the multiplications of a prediction.
        matrix_rate: the speed of large matrix products of its type, in 1e9 operations a second,
            measured in turns with it.
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
        """The speed in 1e9 operations a second; a multiplication and its addition are two."""
        return 2e-6 * self.flops.multiply_adds / self.milliseconds

    @property
    def share(self) -> float:
        """The speed as a share of `matrix_rate`."""
        return self.rate / self.matrix_rate


@dataclass(frozen=True)
class LayerTime:
    """The median time of an operator of a `.tflite` file that runs alone.

    `share` compares its speed with that of large matrix products, as in `Benchmark`.
    """

    operator: Operator
    milliseconds: float
    share: float

    def facts(self) -> dict[str, Any]:
        """Returns all of it but the operator's file, as plain data."""
        operator = {name: fact for name, fact in vars(self.operator).items() if name != "model"}
        return {**operator, "milliseconds": self.milliseconds, "share": self.share}


def benchmark(
    weights: str | os.PathLike[str], threads: int, *, size: int | None = None, repeats: int = 30
) -> Benchmark:
    """Times a network in a process of its own, where TensorFlow uses no more than `threads`.

    Args:
        weights: as `load_runtime` takes them.
        threads: number of cores to use.
        size: side of the square picture; by default 256, or the nearest size of the network.
        repeats: number of predictions to time.

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
    """Times each operator of a `.tflite` file alone, in the order of the graph.

    Alone, an operator finds its input in the processor's caches as its own last run left it, not as
    the operator before it did. The file must have a signature for pictures of this side.

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
