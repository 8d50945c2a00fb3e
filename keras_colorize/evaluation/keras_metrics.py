"""Keras metrics for `fit` and `evaluate`: the same figures as those of `metrics`, on any backend.

They take L*a*b* (D65, L in 0..100, a and b in Lab units) and look at it as 8-bit sRGB, which is
what a picture is. Sums over three channels stand in the place of products of matrices, which
accelerators round to fewer digits.
"""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_colorize.evaluation.rgb_metrics import PSNR_CAP
from keras_colorize.imaging.color import CUBE_ROOT_FROM, GAMMA_STEPS, WHITE, XYZ_FROM_RGB

_TO_XYZ = (XYZ_FROM_RGB / WHITE[:, None]).tolist()  # of the white: X, Y and Z in 0..1
# OpenCV's of this direction, with which `imaging.color` makes pictures: with the inverse of the
# above, or without its steps of linear light, some pixels in a thousand would be rounded otherwise.
_FROM_XYZ = (
    np.array(
        [
            [3.240479, -1.53715, -0.498535],
            [-0.969256, 1.875991, 0.041556],
            [0.055648, -0.204043, 1.057311],
        ]
    )
    * (0.950456, 1.0, 1.088754)
).tolist()
_LEAST_ERROR = 255.0**2 / 10 ** (PSNR_CAP / 10)


@keras.saving.register_keras_serializable("keras_colorize")
class PSNR(keras.metrics.Mean):
    """Mean over images of the peak signal-to-noise ratio of 8-bit sRGB, in dB, capped at 60.

    Example:
        >>> import numpy as np
        >>> lab = np.full((2, 8, 8, 3), 50.0)
        >>> float(PSNR()(lab, lab))
        60.0
    """

    def __init__(self, name: str = "psnr", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Counts a batch in.

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
    """Acc@e: share of pixels whose rounded Lab values agree within e, a and b within 2.2 e.

    Args:
        e: tolerance on L (Nazeri et al. 2018).
        name: of the metric; None = `acc_` and e.
    """

    def __init__(self, e: float = 2, name: str | None = None, **kwargs: Any) -> None:
        super().__init__(name=name or f"acc_{e:g}", **kwargs)
        self.e = e

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Counts a batch in; as `PSNR.update_state`."""
        real, generated = _lab(_rgb(y_true)), _lab(_rgb(y_pred))
        within = True
        for one, other, factor in zip(real, generated, (1, 2.2, 2.2), strict=True):
            difference = ops.abs(ops.round(one) - ops.round(other))
            within = ops.logical_and(within, difference <= factor * self.e)
        share = ops.mean(ops.cast(within, "float32"), axis=(1, 2))
        return super().update_state(share, sample_weight)

    def get_config(self) -> dict[str, Any]:
        """Configuration from which `from_config` builds the metric again."""
        return {**super().get_config(), "e": self.e}


def _rgb(lab: Any) -> list[Any]:
    """The channels (B, H, W) of Lab (B, H, W, 3) in sRGB: whole numbers 0 to 255, as floats."""
    lightness, a, b = ops.unstack(ops.cast(lab, "float32"), axis=-1)
    y = (lightness + 16) / 116
    cubed = [
        ops.where(f > CUBE_ROOT_FROM ** (1 / 3), f * f * f, (f - 16 / 116) / 7.787)
        for f in (y + a / 500, y, y - b / 200)
    ]
    rgb = []
    for linear in _combined(_FROM_XYZ, cubed):
        step = ops.floor(ops.clip(linear, 0.0, 1.0) * GAMMA_STEPS)
        v = (step + 0.5) / GAMMA_STEPS
        encoded = ops.where(v > 0.0031308, 1.055 * v ** (1 / 2.4) - 0.055, 12.92 * v)
        rgb.append(ops.round(255 * ops.minimum(encoded, 1.0)))
    return rgb


def _lab(rgb: list[Any]) -> tuple[Any, Any, Any]:
    """The other way: L, a and b, each (B, H, W)."""
    encoded = [channel / 255 for channel in rgb]
    linear = [ops.where(v > 0.04045, ((v + 0.055) / 1.055) ** 2.4, v / 12.92) for v in encoded]
    x, y, z = (
        ops.where(v > CUBE_ROOT_FROM, ops.maximum(v, 1e-9) ** (1 / 3), 7.787 * v + 16 / 116)
        for v in _combined(_TO_XYZ, linear)
    )
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def _combined(matrix: list[list[float]], channels: list[Any]) -> list[Any]:
    return [sum(k * v for k, v in zip(row, channels, strict=True)) for row in matrix]


def _stacked(channels: list[Any]) -> Any:
    return ops.stack(channels, axis=-1)
