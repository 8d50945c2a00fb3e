"""Keras metrics for `fit` and `evaluate`, on any backend.

They take L*a*b* (D65, L in 0..100, a and b in Lab units), convert it to 8-bit sRGB, and compute the
same values as the metrics of the same names in `metrics`.
"""

from typing import Any

import keras
from keras import ops

from keras_colorize.evaluation.rgb_metrics import PSNR_CAP
from keras_colorize.models.color_ops import lab_to_rgb, rgb_to_lab

_LEAST_ERROR = 255.0**2 / 10 ** (PSNR_CAP / 10)


@keras.saving.register_keras_serializable("keras_colorize")
class PSNR(keras.metrics.Mean):
    """Mean over images of the peak signal-to-noise ratio of 8-bit sRGB, in dB, capped at 60.

    Examples:
        >>> import numpy as np
        >>> lab = np.full((2, 8, 8, 3), 50.0)
        >>> float(PSNR()(lab, lab))
        60.0
    """

    def __init__(self, name: str = "psnr", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Adds a batch.

        Args:
            y_true: (B, H, W, 3), Lab.
            y_pred: (B, H, W, 3), Lab.
            sample_weight: (B,), weights of the images.
        """
        difference = _stacked(_rgb(y_true)) - _stacked(_rgb(y_pred))
        error = ops.mean(ops.square(difference), axis=(1, 2, 3))
        decibels = 10.0 * ops.log10(255.0**2 / ops.maximum(error, _LEAST_ERROR))
        return super().update_state(decibels, sample_weight)


@keras.saving.register_keras_serializable("keras_colorize")
class Accuracy(keras.metrics.Mean):
    """Acc@e, the share of pixels whose rounded Lab values agree (Nazeri et al. 2018).

    Args:
        e: Tolerance of L. The tolerance of a and b is 2.2 e.
        name: Name of the metric; by default `acc_` followed by e.
    """

    def __init__(self, e: float = 2, name: str | None = None, **kwargs: Any) -> None:
        super().__init__(name=name or f"acc_{e:g}", **kwargs)
        self.e = e

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Adds a batch, as `PSNR.update_state` does."""
        real, generated = rgb_to_lab(_rgb(y_true)), rgb_to_lab(_rgb(y_pred))
        within = True
        for one, other, factor in zip(real, generated, (1, 2.2, 2.2), strict=True):
            difference = ops.abs(ops.round(one) - ops.round(other))
            within = ops.logical_and(within, difference <= factor * self.e)
        share = ops.mean(ops.cast(within, "float32"), axis=(1, 2))
        return super().update_state(share, sample_weight)

    def get_config(self) -> dict[str, Any]:
        """Returns the configuration for `from_config`."""
        return {**super().get_config(), "e": self.e}


def _rgb(lab: Any) -> list[Any]:
    return lab_to_rgb(*ops.unstack(ops.cast(lab, "float32"), axis=-1))


def _stacked(channels: list[Any]) -> Any:
    return ops.stack(channels, axis=-1)
