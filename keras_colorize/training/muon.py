"""Muon: steps that go equally far in all directions, for kernels whose scale batch norm undoes."""

from typing import Any

import keras
from keras import ops

KERNEL_RATE = 25.0
"""The share of a kernel's norm that a step moves it by, over the learning rate of all else."""

_MOMENTUM = 0.95
# The quintic whose iteration brings singular values near 1, of Jordan et al. 2024.
_QUINTIC = (3.4445, -4.7750, 2.0315)
_ITERATIONS = 5


@keras.saving.register_keras_serializable("keras_colorize")
class Muon(keras.optimizers.Adam):
    """Muon (Jordan et al. 2024) on convolution kernels without a bias, Adam on all else.

    Such a kernel is one that batch norm follows: what comes out does not depend on its norm, so the
    norm stays as it is, and a step is a share of it. The direction of the step is the momentum's,
    as a matrix with a column for each index of the kernel's last axis, and with its singular values
    made equal.

    Example:
        >>> gan.compile(Muon(1e-3), keras.optimizers.Adam(1e-4))
    """

    def build(self, variables: Any) -> None:
        """Makes what it remembers of each variable; see Keras."""
        biased = {_layer(v) for v in variables if v.name == "bias"}
        self._unscaled = {
            k for k, v in enumerate(variables) if len(v.shape) == 4 and _layer(v) not in biased
        }
        super().build(variables)

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Moves a variable; see Keras."""
        index = self._get_variable_index(variable)
        if index not in self._unscaled:
            super().update_step(gradient, variable, learning_rate)
            return
        momentum = self._momentums[index]
        self.assign_add(momentum, gradient + (_MOMENTUM - 1.0) * momentum)
        direction = equalized(gradient + _MOMENTUM * momentum)
        share = KERNEL_RATE * ops.cast(learning_rate, variable.dtype)
        moved = variable - share * _length(variable) * direction
        self.assign(variable, moved * (_length(variable) / _length(moved)))


def _length(x: Any) -> Any:
    return ops.sqrt(ops.sum(ops.square(x)))


def _layer(variable: Any) -> str:
    return str(variable.path).rpartition("/")[0]


def equalized(gradient: Any) -> Any:
    """Makes the singular values of a kernel's gradient about equal (Newton-Schulz iteration).

    Args:
        gradient: (h, w, m, n); as a matrix it is (h w m, n).

    Returns:
        The same shape, with the norm 1: singular values differ by less than a factor of 2, unless
        they were under a thousandth of the norm.
    """
    x = ops.reshape(gradient, (-1, gradient.shape[-1]))
    tall = x.shape[0] > x.shape[1]
    x = ops.transpose(x) if tall else x
    x = x / (_length(x) + 1e-12)
    a, b, c = _QUINTIC
    for _ in range(_ITERATIONS):
        square = x @ ops.transpose(x)
        x = a * x + (b * square + c * square @ square) @ x
    x = ops.transpose(x) if tall else x
    return ops.reshape(x / (_length(x) + 1e-12), gradient.shape)
