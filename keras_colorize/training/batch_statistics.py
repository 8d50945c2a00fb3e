"""Batch norm's statistics, measured anew for the weights as they are."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_colorize.training.backends import compiled


def reestimate_statistics(network: Any, batches: Iterable[Any]) -> None:
    """Sets the moving statistics of batch norm to their plain means over some batches.

    The moving averages of training follow weights that have since changed, and crops of another
    size; an average of weights has statistics that no network had. Both cost decibels until the
    learning rate is near zero ("precise BN", Wu and Johnson 2021, section 3).

    A batch norm that sees each batch several times, as some of `build_iizuka2016`, weighs the
    batches alike and, within one, the later of its inputs a little more.

    Args:
        network: a generator; nothing but these statistics changes.
        batches: inputs for it.
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
            times = uses[layer.name]  # each of which takes a share away from what was before
            layer.momentum = momentum ** (1 / times) if times > 1 else momentum
        return network.stateless_call(weights, statistics, inputs, training=True)[1]

    network.trainable = True  # batch norm that is not trainable keeps its statistics
    variables = network.non_trainable_variables
    try:
        for layer in dropouts:
            layer.rate = 0.0  # inference, for which the statistics are, drops nothing
        measure = compiled(measured)
        weights = [variable.value for variable in network.trainable_variables]
        statistics = [variable.value for variable in variables]
        for k, inputs in enumerate(batches, 1):
            statistics = measure(1 - 1 / k, weights, statistics, inputs)
    finally:
        for part, before in trainable:  # the network, then what is inside it
            part.trainable = before
        for layer, momentum in zip(layers, momenta, strict=True):
            layer.momentum = momentum
        for layer, rate in zip(dropouts, rates, strict=True):
            layer.rate = rate
    for variable, value in zip(variables, statistics, strict=True):
        variable.assign(value)


def adopt_statistics(network: Any, batches: Iterable[Any]) -> None:
    """Gives batch norm the statistics of what it sees in inference; the function stays the same.

    With the mean m and the variance v of a batch norm's inputs, s (x - mean) + beta is the same as
    s (x - m) + (beta + s (m - mean)), and s = gamma / sqrt(variance + epsilon) the same as
    (s sqrt(v + epsilon)) / sqrt(v + epsilon). Batches of such photographs then have about the
    statistics that are stored, and a training begins where inference is.

    Args:
        network: a generator; its batch norms change.
        batches: inputs for it, all of the same size.
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
