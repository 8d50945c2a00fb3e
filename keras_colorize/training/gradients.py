"""How strong the gradient is at each scale of the generator: whether it disappears on its way."""

import re
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_colorize.models.efficientnet_lite import is_in_encoder

_SCALE = re.compile(r"(?:encoder|node)_(\d)_|(ab_scaled$)")


def variables_by_scale(generator: Any) -> dict[str, list[int]]:
    """Groups a generator's trainable variables by the scale of their layer.

    Args:
        generator: from `build_generator`, with any aggregation.

    Returns:
        Positions in `generator.trainable_variables` by `gradient_norm_0` to `gradient_norm_4`, 0
        being the scale of ab itself. Empty for a network with a layer whose name tells no scale.
    """
    positions = {id(v): k for k, v in enumerate(generator.trainable_variables)}
    groups: dict[str, list[int]] = {}
    for layer in generator.layers:
        if layer.trainable_variables:
            match = _SCALE.match(layer.name)
            if match is None:
                return {}
            group = groups.setdefault(f"gradient_norm_{match[1] or 0}", [])
            group.extend(positions[id(v)] for v in layer.trainable_variables)
    return dict(sorted(groups.items()))


def without_encoder(values: Sequence[Any], variables: Sequence[Any]) -> list[Any]:
    """Stops the gradient at a pretrained encoder; what leads there drops out of a compiled step.

    Args:
        values: of the variables.
        variables: a generator's.

    Returns:
        The same values, of which those of other variables alone have a gradient.
    """
    return [
        ops.stop_gradient(value) if is_in_encoder(variable.path) else value
        for value, variable in zip(values, variables, strict=True)
    ]


def gradient_norms(
    gradients: Sequence[Any], groups: dict[str, list[int]], loss_scale: Any
) -> dict[str, Any]:
    """L2 norms of a step's gradient over all variables of each scale.

    Args:
        gradients: of the scaled loss, one a trainable variable.
        groups: of `variables_by_scale`.
        loss_scale: what the loss was multiplied by; the norms are those without it.

    Returns:
        A scalar by the names of `groups`.
    """
    return {
        name: ops.sqrt(sum(ops.sum(ops.square(gradients[k])) for k in positions)) / loss_scale
        for name, positions in groups.items()
    }


class FiniteMean(keras.metrics.Mean):
    """Mean of the scalars that are finite: a float16 step that overflows is not taken."""

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        """Counts a scalar in, with its weight, unless it is NaN or infinite."""
        finite = ops.isfinite(values)
        weight = ops.cast(finite, self.dtype) * (1.0 if sample_weight is None else sample_weight)
        self.total.assign_add(ops.where(finite, values, 0.0) * weight)
        self.count.assign_add(weight)
