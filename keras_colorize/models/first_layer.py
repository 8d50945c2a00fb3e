"""Two equivalent forms of the generator's first convolution.

A generator that predicts ab at 1/c of the size starts with a convolution of 3c x 3c with stride c
on one channel. It is equivalent to a 3x3 convolution of the image folded by space-to-depth, which
has c * c channels.
"""

import math
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

FIRST_LAYER = "encoder_0_conv_1"


def fold_picture(folded: Any) -> Any:
    """Builds the same function of the folded picture.

    It runs faster in int8, because convolutions on one channel are slow there.

    Args:
        folded: a generator without batch norm, with ReLUs of any limit.

    Returns:
        A network with the input (B, H/c, W/c, c * c), which is `tf.nn.space_to_depth` of
        `lightness_scaled`.
    """
    kernel, bias = folded.get_layer(FIRST_LAYER).get_weights()
    folded_kernel = fold_kernel(kernel)

    def copy(layer: Any) -> Any:
        config = layer.get_config()
        if layer.name == FIRST_LAYER:
            config |= {"kernel_size": folded_kernel.shape[:2], "strides": (1, 1)}
        return layer.__class__.from_config(config)

    picture = keras.Input((None, None, folded_kernel.shape[2]), name="picture_folded")
    network = keras.models.clone_model(folded, input_tensors=picture, clone_function=copy)
    for layer in (layer for layer in folded.layers if layer.weights):
        weights = [folded_kernel, bias] if layer.name == FIRST_LAYER else layer.get_weights()
        network.get_layer(layer.name).set_weights(weights)
    return network


def fold_kernel(kernel: NDArray[np.float32]) -> NDArray[np.float32]:
    """Converts a kernel for the image, (3c, 3c, 1, n), to one for the folded image.

    Returns:
        (3, 3, c * c, n).
    """
    c, n = kernel.shape[0] // 3, kernel.shape[3]
    return kernel.reshape(3, c, 3, c, n).transpose(0, 2, 1, 3, 4).reshape(3, 3, c * c, n)


def unfold_kernel(kernel: NDArray[np.float32]) -> NDArray[np.float32]:
    """Inverts `fold_kernel`: (3, 3, c * c, n) -> (3c, 3c, 1, n)."""
    c, n = math.isqrt(kernel.shape[2]), kernel.shape[3]
    return kernel.reshape(3, 3, c, c, n).transpose(0, 2, 1, 3, 4).reshape(3 * c, 3 * c, 1, n)
