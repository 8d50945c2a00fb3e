"""Less memory for more work: activations that the way back computes anew."""

import re
from collections.abc import Callable, Sequence
from typing import Any

import keras

# A stage of a pretrained encoder is a block of its own: the next stage takes from it, and so does
# the node of its scale.
_BLOCK = re.compile(r"encoder_\d(?:_stage_\d)?|node_\d_\d")
Recompute = Callable[[Callable[..., Any]], Callable[..., Any]]


def rematerialized(
    generator: Any, recompute: Recompute = keras.remat, *, training: bool = True
) -> Callable[..., tuple[Any, list[Any]]]:
    """Returns a generator's training pass that keeps little for the gradient.

    Only what goes from block to block stays in memory; the rest is computed a second time, block
    by block, when the gradient gets there (Chen et al. 2016, "sublinear memory cost").

    Args:
        generator: from `build_generator`.
        recompute: makes a pure function of arrays one that keeps its arguments for the gradient,
            and calls itself again with them when that is due.
        training: as layers take it; without it batch norm keeps its statistics.

    Returns:
        A function as `generator.stateless_call` is: of the values of the trainable variables, of
        those of the others and of `lightness_scaled`, to ab and the others' new values. It changes
        nothing itself, so that what batch norm sees twice counts once.
    """
    names: dict[str, list[Any]] = {}
    for layer in generator.layers[1:]:  # after the input, each after those that it takes from
        match = _BLOCK.match(layer.name)
        name = match[0] if match else layer.name
        names[name] = [*names.pop(name, []), layer]  # a block's turn is that of its last layer
    blocks = [_Block(layers, training) for layers in names.values()]

    def call(weights: Sequence[Any], others: Sequence[Any], lightness: Any) -> Any:
        keys = (generator.input, *generator.trainable_variables, *generator.non_trainable_variables)
        values = dict(zip(map(id, keys), (lightness, *weights, *others), strict=True))
        for block in blocks:
            arguments = [values[id(key)] for key in block.arguments]
            results = recompute(block)(*arguments)
            values.update(zip(map(id, block.results), results, strict=True))
        statistics = [values[id(variable)] for variable in generator.non_trainable_variables]
        outputs = keras.tree.map_structure(lambda x: values[id(x)], generator.output)
        return outputs, statistics

    return call


class _Block:
    """Some layers as a pure function of their inputs and variables; one output leaves them."""

    def __init__(self, layers: list[Any], training: bool) -> None:
        self.layers = layers
        self.training = training
        inside = {id(layer.output) for layer in layers}
        taken = [x for layer in layers for x in keras.tree.flatten(layer.input)]
        inputs = {id(x): x for x in taken if id(x) not in inside}
        self.inputs = list(inputs.values())
        self.variables = [v for layer in layers for v in layer.variables]
        others = [v for layer in layers for v in layer.non_trainable_variables]
        self.arguments = [*self.inputs, *self.variables]
        self.results = [layers[-1].output, *others]

    def __call__(self, *arguments: Any) -> list[Any]:
        count = len(self.inputs)
        tensors = dict(zip(map(id, self.inputs), arguments[:count], strict=True))
        state = zip(self.variables, arguments[count:], strict=True)
        with keras.StatelessScope(state_mapping=state) as scope:
            for layer in self.layers:
                inputs = keras.tree.map_structure(lambda x: tensors[id(x)], layer.input)
                tensors[id(layer.output)] = layer(inputs, training=self.training)
        output, *others = self.results
        return [tensors[id(output)], *map(scope.get_current_value, others)]
