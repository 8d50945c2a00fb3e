"""The losses of the networks compared with, as pure functions for every Keras backend."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_colorize.imaging.color import unscale_ab
from keras_colorize.models.ab_bins import ab_bins, soft_encode


@keras.saving.register_keras_serializable("keras_colorize")
def mean_squared_error(real_ab: Any, generated_ab: Any) -> Any:
    """Mean squared difference over pixels and the two channels (Iizuka et al. 2016).

    Args:
        real_ab: (B, H, W, 2), scaled to [-1, 1].
        generated_ab: (B, H, W, 2), scaled to [-1, 1].

    Returns:
        A float32 scalar in [0, 4].
    """
    difference = ops.cast(generated_ab, "float32") - ops.cast(real_ab, "float32")
    return ops.mean(ops.square(difference))


@keras.saving.register_keras_serializable("keras_colorize")
class RebalancedCrossEntropy:
    """Cross-entropy with softly encoded colours, rare ones counting more (Zhang et al. 2016).

    Equation 2 of the paper, as a mean over pixels. It can be given to `Model.compile`.
    """

    def __init__(self, weights: Sequence[float]) -> None:
        """Takes the weights.

        Args:
            weights: 313, of `keras_colorize.models.ab_bins.rebalancing_weights`.

        Raises:
            ValueError: there are not as many weights as bins.
        """
        self.weights = np.asarray(weights, np.float32)
        if self.weights.shape != (len(ab_bins()),):
            raise ValueError(f"{len(ab_bins())} bins need as many weights, not {len(weights)}.")

    def __call__(self, real_ab: Any, ab_logits: Any) -> Any:
        """Computes the loss.

        Args:
            real_ab: (B, h, w, 2), scaled to [-1, 1], at the resolution of the logits.
            ab_logits: (B, h, w, 313).

        Returns:
            A float32 scalar: the mean over pixels of the weight of the nearest bin times the
            cross-entropy of the logits with the five nearest.
        """
        bins, shares = soft_encode(unscale_ab(ops.cast(real_ab, "float32")))
        logits = ops.cast(ab_logits, "float32")
        # The shares sum to 1, so that five logits and one normaliser are all that is needed.
        shared = ops.sum(shares * ops.take_along_axis(logits, bins, axis=-1), axis=-1)
        weights = ops.take(self.weights, bins[..., 0], axis=0)
        return ops.mean(weights * (ops.logsumexp(logits, axis=-1) - shared))

    def get_config(self) -> dict[str, Any]:
        """The weights, for saving."""
        return {"weights": self.weights.tolist()}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "RebalancedCrossEntropy":
        """Makes it again from its configuration."""
        return cls(**config)
