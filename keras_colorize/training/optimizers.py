"""Optimizers that move a pretrained encoder less than the rest."""

from typing import Any

import keras
from keras import ops

from keras_colorize.models.efficientnet_lite import is_in_encoder
from keras_colorize.training.muon import Muon


@keras.saving.register_keras_serializable("keras_colorize")
class EncoderAdam(keras.optimizers.Adam):
    """Adam with a learning rate of its own for a pretrained encoder, and a first step of its own.

    Adam takes into account that its moments are zero at first, and so makes its first steps no
    longer than the others. To an encoder that has rested they are zero when its turn comes: without
    `encoder_start` its first hundred steps would be three to six times as long.

    Args:
        learning_rate: of all other variables, or a schedule.
        encoder_rate_ratio: the encoder's learning rate over that.
        encoder_start: how often the others have moved when the encoder begins to.
        **options: of `keras.optimizers.Adam`.
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        encoder_rate_ratio: float = 0.1,
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
            step = ops.cast(self.iterations + 1, "float32")
            own = ops.maximum(step - self.encoder_start, 1.0)
            ratio = self._correction(own) / self._correction(step)
            learning_rate = learning_rate * ratio * self.encoder_rate_ratio
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


@keras.saving.register_keras_serializable("keras_colorize")
class EncoderMuon(EncoderAdam, Muon):
    """`Muon` with the same. The encoder itself has no batch norm, and moves as under Adam."""
