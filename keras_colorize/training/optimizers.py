"""An optimizer that trains a pretrained encoder with smaller steps than the other layers."""

from typing import Any

import keras
from keras import ops

from keras_colorize.models.efficientnet_lite import is_in_encoder


@keras.saving.register_keras_serializable("keras_colorize")
class EncoderAdam(keras.optimizers.Adam):
    """Adam that changes each filter of a pretrained encoder in proportion to the filter's size.

    The batch norm of a pretrained encoder is folded into its kernels, so the root mean squares of
    its filters differ by a factor of a hundred. Adam changes all weights by about the same amount.
    A step that suits the large filters would therefore ruin the small ones. This optimizer
    multiplies the steps of an encoder's kernels by the root mean square of each filter, as LARS and
    LAMB (You et al. 2017, 2020) do for whole layers. It does not change the encoder's biases.

    Adam corrects its first steps for moments that start at zero. The moments of a frozen encoder
    are still zero when it begins to learn, so this correction starts again at `encoder_start`.
    Otherwise, its first hundred steps would be three to six times as long.

    Args:
        learning_rate: The learning rate of all other variables, or a schedule.
        encoder_rate_ratio: Factor of the encoder. In a step, each filter changes by about
            `learning_rate * encoder_rate_ratio` times its size.
        encoder_start: Number of updates of the other variables before the encoder begins to learn.
        **options: Other arguments of `keras.optimizers.Adam`.
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        encoder_rate_ratio: float = 2.0,
        encoder_start: int = 0,
        **options: Any,
    ) -> None:
        super().__init__(learning_rate, **options)
        self.encoder_rate_ratio = encoder_rate_ratio
        self.encoder_start = encoder_start

    def build(self, variables: Any) -> None:
        """Creates the optimizer's state for the variables, as in Keras."""
        self._inside = {k for k, v in enumerate(variables) if is_in_encoder(v.path)}
        super().build(variables)

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Updates a variable, as in Keras."""
        if self._get_variable_index(variable) in self._inside:
            if len(variable.shape) == 1:  # a bias
                return
            step = ops.cast(self.iterations + 1, "float32")
            own = ops.maximum(step - self.encoder_start, 1.0)
            ratio = self._correction(own) / self._correction(step)
            learning_rate = learning_rate * ratio * self.encoder_rate_ratio * _sizes(variable)
        super().update_step(gradient, variable, learning_rate)

    def _correction(self, step: Any) -> Any:
        """Adam's correction of the learning rate for moments that start at zero; `step` >= 1."""
        return ops.sqrt(1.0 - self.beta_2**step) / (1.0 - self.beta_1**step)

    def get_config(self) -> dict[str, Any]:
        """Returns the configuration for `from_config`."""
        return {
            **super().get_config(),
            "encoder_rate_ratio": self.encoder_rate_ratio,
            "encoder_start": self.encoder_start,
        }


def _sizes(kernel: Any) -> Any:
    """Computes the root mean square of each filter of a kernel, (filters,)."""
    return ops.sqrt(ops.mean(ops.square(kernel), axis=list(range(len(kernel.shape) - 1))))
