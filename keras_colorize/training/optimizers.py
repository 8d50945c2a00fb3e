"""An optimizer that moves a pretrained encoder less than the rest."""

from typing import Any

import keras

from keras_colorize.models.efficientnet_lite import is_in_encoder


@keras.saving.register_keras_serializable("keras_colorize")
class EncoderAdam(keras.optimizers.Adam):
    """Adam with a learning rate of its own for a pretrained encoder.

    Args:
        learning_rate: of all other variables, or a schedule.
        encoder_rate_ratio: the encoder's learning rate over that.
        **options: of `keras.optimizers.Adam`.
    """

    def __init__(
        self, learning_rate: Any = 0.001, encoder_rate_ratio: float = 0.1, **options: Any
    ) -> None:
        super().__init__(learning_rate, **options)
        self.encoder_rate_ratio = encoder_rate_ratio

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Moves one variable."""
        ratio = self.encoder_rate_ratio if is_in_encoder(variable.path) else 1.0
        super().update_step(gradient, variable, learning_rate * ratio)

    def get_config(self) -> dict[str, Any]:
        """Configuration from which `from_config` builds the optimizer again."""
        return {**super().get_config(), "encoder_rate_ratio": self.encoder_rate_ratio}
