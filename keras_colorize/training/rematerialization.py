"""Saving memory by computing activations a second time in the backward pass."""

import re
from collections.abc import Callable, Sequence
from typing import Any

import keras

# Each stage of a pretrained encoder is a block, because its output is used by the next stage and by
# the node of its scale.
_BLOCK = re.compile(r"encoder_\d(?:_stage_\d)?|node_\d_\d")
Recompute = Callable[[Callable[..., Any]], Callable[..., Any]]


def rematerialized(
    generator: Any, recompute: Recompute = keras.remat, *, training: bool = True
) -> Callable[..., tuple[Any, list[Any]]]:
    """Makes a forward pass of a generator that needs little memory for the gradient.

    Only the outputs of blocks stay in memory. All other activations are computed a second time,
    block by block, in the backward pass (Chen et al. 2016, "sublinear memory cost").

    Args:
        generator: A model from `build_generator`.
        recompute: A function like `keras.remat`. It wraps a pure function of arrays so that it
            keeps its arguments and is called again with them for the gradient.
        training: The `training` argument of the layers. If False, batch norm keeps its statistics.

    Returns:
        A function with the arguments and results of `generator.stateless_call`: it maps the values
        of trainable variables, those of other variables and `lightness_scaled` to ab and the new
        values of the other variables. It has no side effects, so batch norm counts each batch once.
    """
    names: dict[str, list[Any]] = {}
    for layer in generator.layers[1:]:  # without the input; in topological order
        match = _BLOCK.match(layer.name)
        name = match[0] if match else layer.name
        names[name] = [*names.pop(name, []), layer]  # a block is placed where its last layer is
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
    """Some layers as a pure function of their inputs and variables, with one output."""

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
