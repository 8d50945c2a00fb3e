"""A network in the units of exported files, as TensorFlow saves and converts it."""

from typing import Any

import tensorflow as tf

from keras_colorize.imaging.color import scale_lightness, unscale_ab


class LabNetwork(tf.Module):
    """A network from L in 0..100 to ab in Lab units.

    Attributes:
        predict: from L (B, H, W, 1) to ab (B, H/c, W/c, 2).
        weights: TensorFlow's variables: it saves and freezes those that it finds in the module.
    """

    def __init__(self, network: Any) -> None:
        """Wraps a network.

        Args:
            network: a model, or what is called and has `variables` like one.
        """
        super().__init__()
        # A closure: of an attribute of the module, all layers would be saved, too.
        self.predict = lambda lightness: unscale_ab(
            network(scale_lightness(lightness), training=False)
        )
        self.weights = [
            variable if isinstance(variable, tf.Variable) else variable.value
            for variable in network.variables
        ]
