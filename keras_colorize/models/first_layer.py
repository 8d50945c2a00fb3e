"""The first convolution in two forms: of the picture, and of the picture folded by its stride.

A generator that predicts ab at 1/c of the size starts with a convolution of 3c x 3c and stride c on
one channel. It is a 3x3 convolution of the picture folded by space-to-depth, c * c pixels a place.
"""

import math
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

FIRST_LAYER = "encoder_0_conv_1"


def fold_picture(folded: Any) -> Any:
    """Builds the same function of the folded picture.

    Runtimes compute it faster in int8, where kernels for one channel are slow.

    Args:
        folded: a generator without batch norm, with ReLUs of any limit.

    Returns:
        A network from (B, H/c, W/c, c * c), which `tf.nn.space_to_depth` makes of
        `lightness_scaled`; the original is not changed.
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
    """The kernel (3, 3, c * c, n) for the folded picture of one (3c, 3c, 1, n) for the picture."""
    c, n = kernel.shape[0] // 3, kernel.shape[3]
    return kernel.reshape(3, c, 3, c, n).transpose(0, 2, 1, 3, 4).reshape(3, 3, c * c, n)


def unfold_kernel(kernel: NDArray[np.float32]) -> NDArray[np.float32]:
    """The kernel (3c, 3c, 1, n) that `fold_kernel` makes this one, (3, 3, c * c, n), of."""
    c, n = math.isqrt(kernel.shape[2]), kernel.shape[3]
    return kernel.reshape(3, 3, c, c, n).transpose(0, 2, 1, 3, 4).reshape(3 * c, 3 * c, 1, n)
