"""Gradient norms at each scale of the generator, which show whether gradients vanish."""

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
        generator: A generator.

    Returns:
        Positions in `generator.trainable_variables`, by the names `gradient_norm_0` to
        `gradient_norm_4`. Scale 0 has the resolution of ab. The result is empty if the name of a
        layer has no scale, as in the baselines.
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
    """Stops the gradients of the values that belong to the variables of a pretrained encoder."""
    return [
        ops.stop_gradient(value) if is_in_encoder(variable.path) else value
        for value, variable in zip(values, variables, strict=True)
    ]


def gradient_norms(
    gradients: Sequence[Any], groups: dict[str, list[int]], loss_scale: Any
) -> dict[str, Any]:
    """Computes the L2 norm of the gradient over all variables of each scale.

    Args:
        gradients: The gradients of the scaled loss, one for each trainable variable.
        groups: The result of `variables_by_scale`.
        loss_scale: The factor of the scaled loss. The norms are divided by it.

    Returns:
        Scalars, by the names of `groups`.
    """
    return {
        name: ops.sqrt(sum(ops.sum(ops.square(gradients[k])) for k in positions)) / loss_scale
        for name, positions in groups.items()
    }


class FiniteMean(keras.metrics.Mean):
    """Mean of finite scalars. It ignores steps that overflow in float16."""

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        """Adds a scalar with its weight, unless it is NaN or infinite."""
        finite = ops.isfinite(values)
        weight = ops.cast(finite, self.dtype) * (1.0 if sample_weight is None else sample_weight)
        self.total.assign_add(ops.where(finite, values, 0.0) * weight)
        self.count.assign_add(weight)
