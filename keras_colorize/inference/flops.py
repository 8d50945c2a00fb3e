"""Counts what a network multiplies for a picture, whatever runtime it is in."""

import os
from dataclasses import dataclass
from typing import Any

from keras_colorize.inference.onnx_runtime import OnnxRuntime
from keras_colorize.inference.quiet import import_quietly
from keras_colorize.inference.runtime import (
    KerasRuntime,
    LiteRTRuntime,
    Runtime,
    SavedModelRuntime,
)
from keras_colorize.inference.tflite_operators import read_operators
from keras_colorize.inference.weights import resolve_weights


@dataclass(frozen=True)
class Flops:
    """The multiplications of a prediction's convolutions, each with its addition.

    Attributes:
        multiply_adds: their number.
        is_integer: whether they are of 8-bit integers.
    """

    multiply_adds: int
    is_integer: bool = False


def flops_of(weights: str | os.PathLike[str] | None, runtime: Runtime, side: int) -> Flops:
    """Counts the multiply-adds of one square picture.

    Args:
        weights: that the runtime was loaded from.
        runtime: of `load_runtime`.
        side: of the picture, which must be a size that the network takes.
    """
    match runtime:
        case LiteRTRuntime():
            operators = read_operators(resolve_weights(weights), f"colorize_{side}x{side}")
            total = sum(operator.multiply_adds for operator in operators)
            return Flops(total, any(operator.is_integer for operator in operators))
        case OnnxRuntime():
            smallest = runtime.size_multiple
            return Flops(runtime.multiply_adds * side**2 // smallest**2)
        case SavedModelRuntime():
            return Flops(_of_graph(runtime.network, side))
        case KerasRuntime():
            from keras_colorize.models.cost import multiply_adds

            return Flops(multiply_adds(runtime.model, (side, side, 1)))
    raise TypeError(f"{type(runtime).__name__} is no runtime of this package.")


def _of_graph(network: Any, side: int) -> int:
    """Counts by TensorFlow's own profiler, in a graph without calls and of one size."""
    tensorflow = import_quietly("tensorflow")
    from tensorflow.python.framework import convert_to_constants as constants

    spec = tensorflow.TensorSpec((1, side, side, 1), tensorflow.float32)
    sized = tensorflow.function(lambda x: network(lightness=x)).get_concrete_function(spec)
    graph = constants.convert_variables_to_constants_v2(sized).graph
    builder = tensorflow.compat.v1.profiler.ProfileOptionBuilder
    options = builder(builder.float_operation()).with_empty_output().build()
    options["account_type_regexes"] = ["Conv2D", "Conv2DBackpropInput", "DepthwiseConv2dNative"]
    logger = tensorflow.get_logger()
    level = logger.level
    logger.setLevel("ERROR")  # the profiler warns of its own use of TensorFlow
    found = tensorflow.compat.v1.profiler.profile(graph, cmd="op", options=options)
    logger.setLevel(level)
    return int(found.total_float_ops) // 2
