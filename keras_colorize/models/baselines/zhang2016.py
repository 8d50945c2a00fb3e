"""The baseline of Zhang, Isola and Efros, "Colorful Image Colorization" (ECCV 2016)."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_colorize.imaging.color import scale_ab, unscale_ab
from keras_colorize.models.ab_bins import ab_bins, rebalancing_weights, soft_encode
from keras_colorize.models.baselines.baseline import Baseline
from keras_colorize.models.blocks import MOMENTUM, scaled, upsample

TEMPERATURE = 0.38  # of the annealed mean: 1 is the mean, 0 the mode
# Blocks 1 to 7 of the paper: filters, number of convolutions, stride of the last one, dilation.
BLOCKS = (
    (64, 2, 2, 1),
    (128, 2, 2, 1),
    (256, 3, 2, 1),
    (512, 3, 1, 1),
    (512, 3, 1, 2),
    (512, 3, 1, 2),
    (512, 3, 1, 1),
)
LAST_FILTERS = 256


def build_zhang2016(width: float = 1.0) -> Any:
    """Builds the network that predicts a distribution over ab bins from L.

    Use `with_annealed_mean` to convert the distribution to colours.

    Args:
        width: scales the filters of all blocks, to multiples of 8 and at least 8; the paper's
            network is 1.

    Returns:
        A functional model from `lightness_scaled`, (B, H, W, 1) in [-1, 1], to `ab_logits`,
        (B, H/4, W/4, 313), over the bins of `keras_colorize.models.ab_bins`. H and W must be
        multiples of 8.

    Raises:
        ValueError: The width is not positive.

    Examples:
        >>> network = with_annealed_mean(build_zhang2016(width=0.25))
        >>> network.predict(np.zeros((1, 64, 96, 1))).shape
        (1, 16, 24, 2)
    """
    if not width > 0:
        raise ValueError(f"width must be positive, got {width}.")
    lightness = keras.Input((None, None, 1), name="lightness_scaled")
    x = lightness
    for n, (filters, count, last_stride, dilation) in enumerate(BLOCKS, 1):
        for k in range(1, count + 1):
            stride = last_stride if k == count else 1
            name = f"block_{n}_conv_{k}"
            x = _convolution(x, scaled(filters, width), stride, dilation, name)
        x = keras.layers.BatchNormalization(momentum=MOMENTUM, name=f"block_{n}_bn")(x)
    x = upsample(x, scaled(LAST_FILTERS, width), batch_norm=False, name="block_8_up")
    for k in (1, 2):
        x = _convolution(x, scaled(LAST_FILTERS, width), 1, 1, f"block_8_conv_{k}")
    # float32 whatever the precision policy: a softmax over 313 bins follows.
    logits = keras.layers.Conv2D(len(ab_bins()), 1, dtype="float32", name="ab_logits")(x)
    return keras.Model(lightness, logits, name="zhang2016")


def with_annealed_mean(model: Any) -> Any:
    """Adds the paper's annealed mean, which converts the distribution to colours.

    The colour is the mean of the bins under softmax(logits / T), with T = 0.38. Only layers of
    Keras are used, with 1 / T and the bins as fixed kernels, so that a saved file can be loaded
    without this package.

    Args:
        model: A model from `build_zhang2016`. Its layers are shared, not copied.

    Returns:
        A functional model from `lightness_scaled` to `ab_scaled`, (B, H/4, W/4, 2) in [-1, 1].
    """
    layers = keras.layers
    fixed = {"use_bias": False, "trainable": False, "dtype": "float32"}
    # A Rescaling layer would import TensorFlow when the backend is JAX.
    sharper = keras.initializers.Constant(1 / TEMPERATURE)
    x = layers.DepthwiseConv2D(1, depthwise_initializer=sharper, name="ab_annealed", **fixed)(
        model.output
    )
    x = layers.Softmax(dtype="float32", name="ab_distribution")(x)
    mean = layers.Conv2D(2, 1, name="ab_scaled", **fixed)
    ab = mean(x)
    mean.set_weights([scale_ab(ab_bins())[None, None]])  # (1, 1, 313, 2)
    return keras.Model(model.input, ab, name=model.name)


def _convolution(x: Any, filters: int, stride: int, dilation: int, name: str) -> Any:
    x = keras.layers.Conv2D(
        filters,
        3,
        strides=stride,
        dilation_rate=dilation,
        padding="same",
        kernel_initializer="he_normal",
        name=name,
    )(x)
    return keras.layers.ReLU(name=f"{name}_relu")(x)


@keras.saving.register_keras_serializable("keras_colorize")
class RebalancedCrossEntropy:
    """Cross-entropy with softly encoded colours that gives rare colours more weight.

    It is equation 2 of Zhang et al. 2016, as a mean over pixels. It can be used with
    `Model.compile`.
    """

    def __init__(self, weights: Sequence[float]) -> None:
        """Creates the loss.

        Args:
            weights: The 313 weights from `keras_colorize.models.ab_bins.rebalancing_weights`.

        Raises:
            ValueError: The number of weights is not 313.
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
            A float32 scalar. It is the mean over pixels of the cross-entropy between the logits
            and the five nearest bins, multiplied by the weight of the nearest bin.
        """
        bins, shares = soft_encode(unscale_ab(ops.cast(real_ab, "float32")))
        logits = ops.cast(ab_logits, "float32")
        # The shares sum to 1, so only five logits and one normalizer are needed.
        shared = ops.sum(shares * ops.take_along_axis(logits, bins, axis=-1), axis=-1)
        weights = ops.take(self.weights, bins[..., 0], axis=0)
        return ops.mean(weights * (ops.logsumexp(logits, axis=-1) - shared))

    def get_config(self) -> dict[str, Any]:
        """Returns the configuration for `from_config`."""
        return {"weights": self.weights.tolist()}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "RebalancedCrossEntropy":
        """Creates the loss from the result of `get_config`."""
        return cls(**config)


BASELINE = Baseline(
    build=lambda config: with_annealed_mean(build_zhang2016(config.width)),
    size_multiple=lambda _: 8,
    loss=lambda prior: RebalancedCrossEntropy(rebalancing_weights(prior()).tolist()),
)
