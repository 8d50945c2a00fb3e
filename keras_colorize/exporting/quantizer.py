"""TFLite files with integer weights, and with float or integer activations."""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import tensorflow as tf
from ai_edge_litert import schema_py_generated as schema

from keras_colorize.inference.quiet import without_stderr
from keras_colorize.inference.tflite_operators import layer_of, pack

_LAST_LAYER = "ab_scaled"
# Kernels with fewer weights stay floats: as integers they cost more accuracy than they save size.
_LEAST_WEIGHTS = 1024


def with_integer_kernels(model: bytes) -> bytes:
    """Makes a `dynamic` file of a float32 file of one graph.

    The kernels of its convolutions become int8, symmetric, with a scale for each output channel.
    Depthwise kernels stay as they are. XNNPACK has no depthwise convolution of int8 kernels and
    float activations: LiteRT would compute each of them itself, several times as slowly, and copy
    what lies between it and the others. They are few of the weights.
    """
    from ai_edge_quantizer import Quantizer

    weights = {"num_bits": 8, "symmetric": True, "granularity": "CHANNELWISE", "dtype": "INT"}
    config = {
        "weight_tensor_config": weights,
        "compute_precision": "INTEGER",  # what is float is rounded as it comes
        "explicit_dequantize": False,
        "min_weight_elements": _LEAST_WEIGHTS,
    }
    recipe = [
        {
            "regex": ".*",
            "operation": operation,
            "algorithm_key": "min_max_uniform_quantize",
            "op_config": config,
        }
        for operation in ("CONV_2D", "CONV_2D_TRANSPOSE")
    ]
    with quiet_conversion():
        made = Quantizer(model, recipe).quantize(enable_progress_report=False)
    return _with_buffers_inside(bytes(made.quantized_model))


def _with_buffers_inside(content: bytes) -> bytes:
    """Moves data from behind the flatbuffer into it, where other readers expect it."""
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    for buffer in model.buffers:
        if buffer.offset > 1:  # 0 and 1: there is nothing behind
            buffer.data = np.frombuffer(content, np.uint8, buffer.size, buffer.offset)
            buffer.offset = buffer.size = 0
    return pack(model)


def int8_file(converter: Any, samples: Sequence[np.ndarray]) -> bytes:
    """Makes an int8 file with float32 input and output, with TensorFlow's quantization debugger.

    The last tanh and the scaling after it stay floats: int8 tanh has steps of 1/128, which are
    0.86 in Lab units, and most photographs' ab is within a quarter of its range.

    Args:
        converter: a `TFLiteConverter` that optimizes.
        samples: (1, H, W, 1), L in 0..100, to calibrate with.
    """
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.representative_dataset = lambda: ({"lightness": x} for x in samples)
    with quiet_conversion():
        debugger = tf.lite.experimental.QuantizationDebugger(
            converter=converter, debug_dataset=lambda: iter(())
        )
        content = bytes(debugger.calibrated_model)
        graph = schema.ModelT.InitFromPackedBuf(content, 0).subgraphs[0]
        outputs = [graph.tensors[op.outputs[0]].name.decode() for op in graph.operators]
        tanh = max(k for k, name in enumerate(outputs) if layer_of(name) == _LAST_LAYER)
        debugger.options = tf.lite.experimental.QuantizationDebugOptions(
            denylisted_nodes=outputs[tanh:]
        )
        return bytes(debugger.get_nondebug_quantized_model())


@contextmanager
def quiet_conversion() -> Iterator[None]:
    """Hides messages of TensorFlow's converter and calibrator that are meant for developers."""
    with warnings.catch_warnings(), without_stderr():
        warnings.filterwarnings(
            "ignore", message=r"\s*Warning: tf\.lite\.Interpreter is deprecated"
        )
        yield
