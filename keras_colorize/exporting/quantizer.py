"""int8 files by layers: what each layer's rounding costs, and files in which some stay floats."""

import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from ai_edge_litert import schema_py_generated as schema

from keras_colorize.inference.quiet import without_stderr
from keras_colorize.inference.tflite_operators import layer_of

_LAST_LAYER = "ab_scaled"


class KeepFloatError(ValueError):
    """A layer cannot stay a float one; the message is one sentence."""


def assert_can_stay_float(generator: keras.Model, names: Iterable[str]) -> None:
    """Looks whether a network has layers of these names that an int8 file can have as floats.

    Args:
        generator: the network.
        names: of layers.

    Raises:
        KeepFloatError: it has not.
    """
    layers = {layer.name: layer for layer in generator.layers if layer.weights}
    for name in names:
        if name not in layers:
            raise KeepFloatError(f"The network has no layer {name}.")
        if isinstance(layers[name], keras.layers.Conv2DTranspose):
            raise KeepFloatError(
                f"{name} is a transposed convolution: TensorFlow's quantizer cannot leave it out."
            )


class Quantizer:
    """A network, calibrated, from which int8 files are made by TensorFlow's own debugger of them.

    The last tanh and the scaling after it stay floats: int8 tanh has steps of 1/128, which are
    0.86 in Lab units, and most photographs' ab is within a quarter of its range.
    """

    def __init__(self, converter: Any, samples: Sequence[np.ndarray]) -> None:
        """Calibrates.

        Args:
            converter: a `TFLiteConverter` for int8.
            samples: (1, H, W, 1), L in 0..100, to calibrate with and to measure errors on.
        """
        converter.representative_dataset = lambda: ({"lightness": x} for x in samples)
        with quiet_conversion():
            self._debugger = tf.lite.experimental.QuantizationDebugger(
                converter=converter, debug_dataset=lambda: ([x] for x in samples)
            )
        content = bytes(self._debugger.calibrated_model)
        graph = schema.ModelT.InitFromPackedBuf(content, 0).subgraphs[0]
        self._outputs = [graph.tensors[op.outputs[0]].name.decode() for op in graph.operators]
        tanh = max(k for k, name in enumerate(self._outputs) if layer_of(name) == _LAST_LAYER)
        self._last = self._outputs[tanh:]

    def file(self, keep_float: Sequence[str] = ()) -> bytes:
        """Makes a file with float32 input and output.

        Args:
            keep_float: layers that stay floats.


        Returns:
            The `.tflite` file.
        """
        kept = [name for name in self._outputs if layer_of(name) in keep_float]
        with quiet_conversion():
            self._debugger.options = tf.lite.experimental.QuantizationDebugOptions(
                denylisted_nodes=[*kept, *self._last]
            )
            model: bytes = self._debugger.get_nondebug_quantized_model()
        return bytes(model)

    def errors(self) -> dict[str, float]:
        """Measures what each layer's rounding does to its output, given the same input.

        Returns:
            By layer: the root mean square of the difference from the float layer.
        """
        with quiet_conversion():
            self._debugger.run()
        found: dict[str, float] = {}
        for tensor, figures in self._debugger.layer_statistics.items():
            layer = layer_of(tensor)
            if layer and not any(name in tensor for name in self._last):
                error = float(np.sqrt(figures["mean_squared_error"]))
                found[layer] = max(error, found.get(layer, 0.0))
        return found


@contextmanager
def quiet_conversion() -> Iterator[None]:
    """Keeps TensorFlow's converter and calibrator from talking to their developers."""
    with warnings.catch_warnings(), without_stderr():
        warnings.filterwarnings(
            "ignore", message=r"\s*Warning: tf\.lite\.Interpreter is deprecated"
        )
        yield
