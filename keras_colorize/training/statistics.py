"""Batch norm's statistics, measured anew for the weights as they are."""

from collections.abc import Iterable
from typing import Any

import keras


def reestimate_statistics(network: Any, batches: Iterable[Any]) -> None:
    """Sets the moving statistics of batch norm to their plain means over some batches.

    The moving averages of training follow weights that have since changed, and crops of another
    size; an average of weights has statistics that no network had. Both cost decibels until the
    learning rate is near zero ("precise BN", Wu and Johnson 2021, section 3).

    Args:
        network: a generator; nothing but these statistics changes.
        batches: inputs for it.
    """
    layers = [x for x in network.layers if isinstance(x, keras.layers.BatchNormalization)]
    before = network.trainable, [layer.momentum for layer in layers]
    network.trainable = True  # batch norm that is not trainable keeps its statistics
    try:
        for k, inputs in enumerate(batches, 1):
            for layer in layers:
                layer.momentum = 1 - 1 / k
            network(inputs, training=True)
    finally:
        network.trainable = before[0]
        for layer, momentum in zip(layers, before[1], strict=True):
            layer.momentum = momentum
