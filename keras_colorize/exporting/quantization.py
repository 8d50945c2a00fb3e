"""Networks that compute in 8 bits while they learn."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_colorize.exporting.compression import (
    LAST,
    Compression,
    Floats,
    Sizes,
    tf_keras,
    tfmot,
)
from keras_colorize.exporting.equalization import LIMIT
from keras_colorize.exporting.tflite import convert_network


class Quantization(Compression):
    """Computes with activations and kernels of 8 bits, as an int8 file does (Jacob et al. 2018).

    Every activation has the range of ReLU6, which equalized networks fill: so what is
    concatenated has one scale, and nothing has to be scaled anew on its way. The one range that
    is not known beforehand, that before the last tanh, is measured on photographs.

    A kernel has one scale, as in all files that are made here, and not one a channel.
    """

    def __init__(self, equalized: keras.Model, lightness_scaled: Floats) -> None:
        """Calibrates and builds.

        Args:
            equalized: as in `Compression`.
            lightness_scaled: (n, H, W, 1) in [-1, 1], photographs to calibrate with.
        """
        ab_scaled = equalized.predict(lightness_scaled, batch_size=8, verbose=0)
        self.before_tanh = float(np.arctanh(np.abs(ab_scaled).max().clip(0.1, 0.999)))
        super().__init__(equalized)

    def wrapped(self, layer: Any) -> Any:
        """Quantizes the kernel of a layer and, unless a ReLU follows, what it gives."""
        if isinstance(layer, tf_keras.layers.Concatenate):  # gives what it gets
            return layer
        ranges = _Ranges()
        if isinstance(layer, tf_keras.layers.ReLU):
            ranges.output = _fixed(0, LIMIT)
        else:
            ranges.kernel = tfmot.quantization.keras.quantizers.LastValueQuantizer(
                num_bits=8, per_axis=False, symmetric=True, narrow_range=True
            )
        if layer.name == LAST:
            ranges.activation = _fixed(-self.before_tanh, self.before_tanh)
            ranges.output = _fixed(-1, 127 / 128)  # of every int8 tanh
        # Of the layer's name, by which weights are found in a file.
        return tfmot.quantization.keras.QuantizeWrapperV2(layer, ranges, name=layer.name)

    def __call__(self, lightness_scaled: Any, training: bool = False) -> Any:
        """As of `Compression`; L is quantized, too."""
        quantized = tf.quantization.fake_quant_with_min_max_args(lightness_scaled, -1, 1)
        return super().__call__(quantized, training)

    def end_epoch(self) -> None:
        """Takes the ranges of the kernels as the last step left them."""
        self(tf.zeros((1, 64, 64, 1)), training=True)

    def kernels(self) -> dict[str, list[Floats]]:
        """As of `Compression`: floats that are nearest to the integers of a file."""
        return {
            layer.name: [variable.numpy() for variable in layer.trainable_weights]
            for layer in self.model.layers
            if layer.trainable_weights
        }

    def tflite(self, sizes: Sizes, representative: Sequence[Floats]) -> bytes:
        """As of `Compression`, with the very ranges that it has learnt with."""
        return convert_network(self, kind="int8", sizes=sizes)


class _Ranges(tfmot.quantization.keras.QuantizeConfig):
    """Quantizers of one layer, each of them or None."""

    kernel: Any = None
    activation: Any = None  # before the layer's activation
    output: Any = None

    def get_weights_and_quantizers(self, layer: Any) -> list[tuple[Any, Any]]:
        return [(layer.kernel, self.kernel)] if self.kernel else []

    def set_quantize_weights(self, layer: Any, quantize_weights: list[Any]) -> None:
        for layer.kernel in quantize_weights:
            pass

    def get_activations_and_quantizers(self, layer: Any) -> list[tuple[Any, Any]]:
        return [(layer.activation, self.activation)] if self.activation else []

    def set_quantize_activations(self, layer: Any, quantize_activations: list[Any]) -> None:
        for layer.activation in quantize_activations:
            pass

    def get_output_quantizers(self, layer: Any) -> list[Any]:
        return [self.output] if self.output else []

    def get_config(self) -> dict[str, Any]:
        return {}


def _fixed(least: float, greatest: float) -> Any:
    return tfmot.quantization.keras.quantizers.FixedQuantizer(8, least, greatest, False)
