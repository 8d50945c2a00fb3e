"""The weights inside a `.tflite` file, as a network that can be trained further."""

import math
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keras_colorize.config import GeneratorConfig
from keras_colorize.inference.litert_runtime import open_litert

Floats = NDArray[np.float32]


def read_constants(path: Path) -> dict[str, Floats]:
    """Reads the weights, among other constants, of a `.tflite` file's first graph.

    Args:
        path: of any kind: float32, float16, or int8 with scales by channel.

    Returns:
        By the tensor's name, as float32. TensorFlow's converter makes the names of those of the
        layers: `generator_1/node_0_1_up_1/conv_transpose` is a kernel of `node_0_1_up`.

    Raises:
        WeightsError: the file is damaged.
    """
    interpreter = open_litert(path, threads=1)
    constants = {}
    for tensor in interpreter.get_tensor_details():
        with suppress(ValueError):  # no constant, so nothing in it yet
            value = interpreter.get_tensor(tensor["index"])
            quantization = tensor["quantization_parameters"]
            # Integers without a scale are shapes, and numbers without a shape no layer's.
            if value.ndim and (value.dtype.kind == "f" or len(quantization["scales"])):
                constants[tensor["name"]] = _dequantized(value, quantization)
    return constants


def folded_generator(constants: Mapping[str, Floats], config: GeneratorConfig | None = None) -> Any:
    """Builds the generator without batch norm that a `.tflite` file was made of.

    Args:
        constants: of `read_constants`.
        config: of the generator; default: as the shapes of the constants tell.

    Returns:
        A Keras generator, as `fold_batch_norm` returns it. That of an integer file has channels
        of other scales, and its ReLUs do not cut off above; else it is the same function.

    Raises:
        ValueError: the constants are not those of this network: a layer is not there, is there
            twice or has another shape, or there are kernels of no layer.
    """
    from keras_colorize.models.first_layer import FIRST_LAYER, unfold_kernel
    from keras_colorize.models.generator import build_generator

    folded = build_generator(config or _config_of(constants), batch_norm=False)
    kernels = sum(value.ndim == 4 for value in constants.values())
    for layer in folded.layers:
        if layer.get_weights():
            kernel, bias = _kernel_and_bias(layer.name, constants)
            axes = (1, 2, 0, 3) if "Transpose" in type(layer).__name__ else (1, 2, 3, 0)
            kernel = kernel.transpose(axes)
            if layer.name == FIRST_LAYER and kernel.shape[2] > 1:
                kernel = unfold_kernel(kernel)
            layer.set_weights([kernel, bias])
            kernels -= 1
    if kernels:
        raise ValueError(f"There are {kernels} kernels of no layer.")
    return folded


def _kernel_and_bias(layer: str, constants: Mapping[str, Floats]) -> tuple[Floats, Floats]:
    """Finds a layer's kernel, (out, height, width, in), and bias."""
    its = re.compile(rf"(^|[/;]){layer}(_\d+)?/")
    found = [value for name, value in constants.items() if its.search(name)]
    found.sort(key=np.ndim, reverse=True)
    if [value.ndim for value in found] != [4, 1]:
        raise ValueError(f"There is not one kernel and one bias of {layer}.")
    return found[0], found[1]


def _config_of(constants: Mapping[str, Floats]) -> GeneratorConfig:
    from keras_colorize.models.generator import DEPTH, aggregation_of

    first = [_kernel_and_bias(f"encoder_{i}_conv_1", constants)[0] for i in range(DEPTH + 1)]
    widths = tuple(len(kernel) for kernel in first)
    last, _ = _kernel_and_bias(f"node_0_{DEPTH}_conv_1", constants)
    has_inner_nodes = any("node_0_1_" in name for name in constants)
    aggregation = aggregation_of(last.shape[3] // widths[0], has_inner_nodes=has_inner_nodes)
    # Of the picture as it is, or folded: `keras_colorize.models.first_layer`.
    stride = first[0].shape[1] // 3 * math.isqrt(first[0].shape[3])
    return GeneratorConfig(widths, stride, aggregation)  # type: ignore[arg-type]


def _dequantized(value: NDArray[Any], quantization: Mapping[str, Any]) -> Floats:
    floats = value.astype(np.float32)
    if not len(quantization["scales"]):
        return floats
    by_channel = [1] * value.ndim
    by_channel[quantization["quantized_dimension"]] = -1
    zeros = quantization["zero_points"].astype(np.float32).reshape(by_channel)
    scales: Floats = quantization["scales"].reshape(by_channel)
    return (floats - zeros) * scales
