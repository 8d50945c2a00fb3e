"""A network in the units of exported files, as TensorFlow saves and converts it."""

import keras
import tensorflow as tf

from keras_colorize.imaging.color import scale_lightness, unscale_ab
from keras_colorize.models.first_layer import fold_picture
from keras_colorize.models.generator import config_of


class LabNetwork(tf.Module):
    """A network from L in 0..100 to ab in Lab units.

    Args:
        network: a generator without batch norm.
        fold: whether its first convolution sees the picture folded, which int8 computes faster.

    Attributes:
        predict: from L (B, H, W, 1) to ab (B, H/c, W/c, 2).
        weights: TensorFlow's variables: it saves and freezes those that it finds in the module.
    """

    def __init__(self, network: keras.Model, *, fold: bool = False) -> None:
        super().__init__()
        stride = config_of(network).chroma_stride if fold else 1
        if fold:
            network = fold_picture(network)

        # A closure: of an attribute of the module, all layers would be saved, too.
        def predict(lightness: tf.Tensor) -> tf.Tensor:
            picture = scale_lightness(lightness)
            if stride > 1:
                picture = tf.nn.space_to_depth(picture, stride)
            return unscale_ab(network(picture, training=False))

        self.predict = predict
        self.weights = [variable.value for variable in network.variables]
