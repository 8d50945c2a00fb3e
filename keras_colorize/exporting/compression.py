"""Networks that learn under a constraint, by tensorflow-model-optimization.

That library knows tf_keras, Keras 2, alone. So the same network is built with tf_keras, and its
weights go back into that of Keras 3. This is the one module that imports either library.
"""

import os
import warnings
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from keras_colorize.exporting.equalization import LIMIT
from keras_colorize.exporting.tflite import convert_network
from keras_colorize.models.first_layer import FIRST_LAYER, fold_picture, unfold_kernel
from keras_colorize.models.generator import build_generator, config_of

_before = os.environ.get("TF_USE_LEGACY_KERAS")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # they speak of their age
    import tensorflow_model_optimization as tfmot
    import tf_keras
if _before is None:  # its import asks for Keras 2 in all processes that this one starts
    os.environ.pop("TF_USE_LEGACY_KERAS", None)

__all__ = ["LAST", "Compression", "Floats", "Sizes", "adam", "tf_keras", "tfmot", "weights_of"]

Floats = NDArray[np.float32]
Sizes = Sequence[tuple[int, int]]
LAST = "ab_scaled"  # 64 weights that each pixel's colour hangs on: not worth pruning or clustering


class Compression(ABC):
    """A network that learns under a constraint.

    Attributes:
        model: of tf_keras, wrapped layer by layer; of the picture folded, as files are.
    """

    def __init__(self, equalized: keras.Model) -> None:
        """Builds the network again.

        Args:
            equalized: of `keras_colorize.exporting.equalization`; it is not changed.
        """
        self.equalized = equalized
        config = config_of(equalized)
        self.chroma_stride = config.chroma_stride
        network = build_generator(config, batch_norm=False, keras=tf_keras)
        network.set_weights(equalized.get_weights())
        network = fold_picture(network, keras=tf_keras)
        self.model = tf_keras.models.clone_model(network, clone_function=self._layer)
        self.begin()

    def _layer(self, layer: Any) -> Any:
        if isinstance(layer, tf_keras.layers.ReLU):
            layer = tf_keras.layers.ReLU(LIMIT, name=layer.name)
        return self.wrapped(layer)

    @abstractmethod
    def wrapped(self, layer: Any) -> Any:
        """A layer of tf_keras, under the constraint where it is one for it."""

    @abstractmethod
    def kernels(self) -> dict[str, list[Floats]]:
        """Kernel and bias under the constraint, by the name of their layer."""

    def begin(self) -> None:  # noqa: B027  # most methods have nothing to do here
        """What is to be done before the first step."""

    def end_epoch(self) -> None:  # noqa: B027
        """What is to be done after the last step of an epoch."""

    @property
    def variables(self) -> list[Any]:
        """All state: what learns, and what the method keeps beside it."""
        return list(self.model.weights)

    def __call__(self, lightness_scaled: Any, training: bool = False) -> Any:
        """Predicts `ab_scaled` from `lightness_scaled`, as the network does."""
        picture = lightness_scaled
        if self.chroma_stride > 1:
            picture = tf.nn.space_to_depth(picture, self.chroma_stride)
        return self.model(picture, training=training)

    def result(self) -> keras.Model:
        """The network of Keras 3, with the weights as they are now."""
        network = keras.models.clone_model(self.equalized)
        for name, (kernel, bias) in self.kernels().items():
            kernel = unfold_kernel(kernel) if name == FIRST_LAYER else kernel
            network.get_layer(name).set_weights([kernel, bias])
        return network

    def tflite(self, sizes: Sizes, representative: Sequence[Floats]) -> bytes:
        """The network as it is now as an int8 file.

        Each kernel has one scale, so that few values stay few, and gzip finds them: packed, it is
        a sixth smaller than with a scale for each channel.

        Args:
            sizes: (height, width) of each signature.
            representative: L of photographs, (H, W) in 0..100, to calibrate with.

        Returns:
            The `.tflite` file.
        """
        return convert_network(
            self.result(),
            kind="int8",
            sizes=sizes,
            representative=representative,
            scale_a_channel=False,
        )


def adam(learning_rate: float, steps: int, variables: list[Any]) -> Any:
    """Makes tf_keras's Adam, whose rate falls linearly to 0, with all of its state there.

    Args:
        learning_rate: at the start.
        steps: after which it is 0.
        variables: of tf_keras, that it is to move.

    Returns:
        The optimizer, built.
    """
    schedule = tf_keras.optimizers.schedules.PolynomialDecay(learning_rate, steps, 0.0)
    optimizer = tf_keras.optimizers.Adam(schedule)
    optimizer.build(variables)
    return optimizer


def weights_of(stripped: Any) -> dict[str, list[Floats]]:
    """Kernel and bias of the layers of a model without wrappers, by name."""
    return {layer.name: layer.get_weights() for layer in stripped.layers if layer.weights}
