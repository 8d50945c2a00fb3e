"""The optimizer that moves a pretrained encoder more carefully than the rest."""

from typing import Any

import keras
from keras import ops

from keras_colorize.models.efficientnet_lite import is_in_encoder


@keras.saving.register_keras_serializable("keras_colorize")
class EncoderAdam(keras.optimizers.Adam):
    """Adam that moves each filter of a pretrained encoder by a share of the filter's own size.

    The batch norms of a pretrained encoder are folded into its kernels, so the root mean squares of
    its filters differ by a factor of a hundred. A step of Adam has about the same length for every
    weight: one that suits the large filters would ruin the small ones. Therefore the steps of an
    encoder's kernels are multiplied by the root mean square of each filter, as LARS and LAMB (You
    et al. 2017, 2020) multiply those of a layer by the norm of its weights. The encoder's biases
    do not move: they have no size to take a share of.

    Adam also corrects its first steps for moments that start at zero. The moments of an encoder
    that has rested are still zero when it begins to move, so that correction starts again at
    `encoder_start`; otherwise its first hundred steps would be three to six times as long.

    Args:
        learning_rate: of all other variables, or a schedule.
        encoder_rate_ratio: share of each filter's size that a step of the encoder moves, over the
            learning rate of the rest.
        encoder_start: how often the others have moved when the encoder begins to.
        **options: of `keras.optimizers.Adam`.
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
        """Makes what it remembers of each variable; see Keras."""
        self._inside = {k for k, v in enumerate(variables) if is_in_encoder(v.path)}
        super().build(variables)

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Moves one variable; see Keras."""
        if self._get_variable_index(variable) in self._inside:
            if len(variable.shape) == 1:  # a bias
                return
            step = ops.cast(self.iterations + 1, "float32")
            own = ops.maximum(step - self.encoder_start, 1.0)
            ratio = self._correction(own) / self._correction(step)
            learning_rate = learning_rate * ratio * self.encoder_rate_ratio * _sizes(variable)
        super().update_step(gradient, variable, learning_rate)

    def _correction(self, step: Any) -> Any:
        """Adam's factor on the learning rate in a step, counted from 1, for its zero moments."""
        return ops.sqrt(1.0 - self.beta_2**step) / (1.0 - self.beta_1**step)

    def get_config(self) -> dict[str, Any]:
        """Configuration from which `from_config` builds the optimizer again."""
        return {
            **super().get_config(),
            "encoder_rate_ratio": self.encoder_rate_ratio,
            "encoder_start": self.encoder_start,
        }


def _sizes(kernel: Any) -> Any:
    """Root mean square of each filter of a kernel, (filters,)."""
    return ops.sqrt(ops.mean(ops.square(kernel), axis=list(range(len(kernel.shape) - 1))))
