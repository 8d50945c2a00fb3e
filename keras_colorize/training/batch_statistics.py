"""Measuring the statistics of batch norm for the present weights."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_colorize.training.backends import compiled


def reestimate_statistics(network: Any, batches: Iterable[Any]) -> None:
    """Sets the moving statistics of batch norm to their means over some batches.

    The moving statistics of training belong to earlier weights and to crops of another size, and
    an average of weights never had statistics of its own. Both cost decibels until the learning
    rate is near zero ("precise BN", Wu and Johnson 2021, section 3).

    A layer that is used several times in a pass, as in `build_iizuka2016`, gives all batches the
    same weight. Within a batch, its later inputs count a little more.

    Args:
        network: A generator. Only these statistics are changed.
        batches: Inputs of the generator.
    """
    layers = _batch_norms(network)
    uses = Counter(
        node.operation.name for nodes in network._nodes_by_depth.values() for node in nodes
    )
    trainable = [(layer, layer.trainable) for layer in network._flatten_layers()]
    momenta = [layer.momentum for layer in layers]
    dropouts = [x for x in network.layers if isinstance(x, keras.layers.Dropout)]
    rates = [layer.rate for layer in dropouts]

    def measured(momentum: Any, weights: Any, statistics: Any, inputs: Any) -> Any:
        for layer in layers:
            times = uses[layer.name]  # each use reduces the weight of earlier batches
            layer.momentum = momentum ** (1 / times) if times > 1 else momentum
        return network.stateless_call(weights, statistics, inputs, training=True)[1]

    network.trainable = True  # batch norm does not update its statistics otherwise
    variables = network.non_trainable_variables
    try:
        for layer in dropouts:
            layer.rate = 0.0  # the statistics are for inference, where dropout is off
        measure = compiled(measured)
        weights = [variable.value for variable in network.trainable_variables]
        statistics = [variable.value for variable in variables]
        for k, inputs in enumerate(batches, 1):
            statistics = measure(1 - 1 / k, weights, statistics, inputs)
    finally:
        for part, before in trainable:  # the network first, then its layers
            part.trainable = before
        for layer, momentum in zip(layers, momenta, strict=True):
            layer.momentum = momentum
        for layer, rate in zip(dropouts, rates, strict=True):
            layer.rate = rate
    for variable, value in zip(variables, statistics, strict=True):
        variable.assign(value)


def adopt_statistics(network: Any, batches: Iterable[Any]) -> None:
    """Sets batch norm's statistics to those of its inputs, without changing the network's output.

    Afterwards, batches of such photographs have about the stored statistics, so training starts
    from the function that inference computes.

    The scale and the offset of each layer are adapted. With the mean m and the variance v of its
    inputs, s (x - mean) + beta equals s (x - m) + (beta + s (m - mean)), and
    s = gamma / sqrt(variance + epsilon) equals (s sqrt(v + epsilon)) / sqrt(v + epsilon).

    Args:
        network: A generator, whose batch norm layers are changed.
        batches: Inputs of the generator, all of the same size.
    """
    layers = _batch_norms(network)
    inputs_of = keras.Model(network.input, [layer.input for layer in layers])
    totals = [np.zeros((2, *layer.gamma.shape)) for layer in layers]
    count = 0
    for inputs in batches:
        count += 1
        for total, x in zip(totals, inputs_of(inputs, training=False), strict=True):
            mean, variance = map(ops.convert_to_numpy, ops.moments(x, (0, 1, 2)))
            total += mean, variance + np.square(mean, dtype=np.float64)
    for layer, total in zip(layers, totals, strict=True):
        m, square = total / count
        v = np.maximum(square - m**2, 0)
        gamma, beta, mean, variance = (np.asarray(w, np.float64) for w in layer.get_weights())
        s = gamma / np.sqrt(variance + layer.epsilon)
        layer.set_weights([s * np.sqrt(v + layer.epsilon), beta + s * (m - mean), m, v])


def _batch_norms(network: Any) -> list[Any]:
    return [x for x in network.layers if isinstance(x, keras.layers.BatchNormalization)]
