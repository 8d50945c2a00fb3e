"""The baseline pix2pix, a U-Net (Isola, Zhu, Zhou and Efros 2017)."""

from typing import Any

import keras
from keras import layers

from keras_colorize.config import DiscriminatorConfig
from keras_colorize.models.baselines.baseline import Baseline
from keras_colorize.models.blocks import MOMENTUM, scaled

WIDTHS = (64, 128, 256, 512, 512, 512, 512, 512)  # filters of the encoder at scales 1 to 8
PATCH_WIDTHS = (64, 128, 256, 512)  # of the discriminator of 70 x 70 pixels, section 6.1.2
DROPOUTS = 3  # number of innermost decoder nodes that have dropout


def build_pix2pix(width: float = 1.0, depth: int = 8) -> Any:
    """Builds the generator of pix2pix (Isola et al. 2017, section 6.1.1), from L to ab.

    Args:
        width: times the paper's filters, as `keras_colorize.models.blocks.scaled` rounds them.
        depth: downsamplings, 4 to 8. The paper's 8 are for 256 x 256; with fewer, the innermost
            levels go.

    Returns:
        A functional model from `lightness_scaled`, (B, H, W, 1) in [-1, 1], to `ab_scaled`,
        (B, H, W, 2) in [-1, 1]. H and W must be multiples of 2**depth. The paper's noise is
        dropout, which is active only in training.

    Raises:
        ValueError: The depth is out of range.

    Examples:
        >>> generator = build_pix2pix(width=0.25, depth=6)
        >>> generator.predict(np.zeros((1, 64, 128, 1))).shape
        (1, 64, 128, 2)
    """
    if not 4 <= depth <= len(WIDTHS):
        raise ValueError(f"depth must be 4 to {len(WIDTHS)}, got {depth}.")
    widths = [scaled(filters, width) for filters in WIDTHS[:depth]]
    lightness = keras.Input((None, None, 1), name="lightness_scaled")

    x = lightness
    skips = {}
    for i, filters in enumerate(widths, 1):
        name = f"encoder_{i}_down"
        # The innermost layer has no batch norm (erratum in section 6.3 of the paper): on a map of
        # 1x1 and a single image, it would remove all information.
        batch_norm = 1 < i < depth
        x = _halve(filters, use_bias=not batch_norm, name=name)(x)
        if batch_norm:
            x = layers.BatchNormalization(momentum=MOMENTUM, name=f"{name}_bn")(x)
        x = layers.LeakyReLU(0.2, name=f"{name}_relu")(x)
        skips[i] = x

    for j in range(1, depth):
        i = depth - j
        name = f"node_{i}_{j}"
        x = _double(widths[i - 1], use_bias=False, name=f"{name}_up")(x)
        x = layers.BatchNormalization(momentum=MOMENTUM, name=f"{name}_up_bn")(x)
        if j <= DROPOUTS:
            x = layers.Dropout(0.5, name=f"{name}_dropout")(x)
        x = layers.ReLU(name=f"{name}_up_relu")(x)
        x = layers.Concatenate(name=f"{name}_concat")([x, skips[i]])

    # float32 whatever the precision policy, as the generator's.
    ab = _double(2, activation="tanh", dtype="float32", name="ab_scaled")(x)
    return keras.Model(lightness, ab, name="pix2pix")


def _halve(filters: int, **options: Any) -> Any:
    """Makes a convolution 4x4 with stride 2: (B, H, W, n) -> (B, H/2, W/2, filters)."""
    return layers.Conv2D(filters, 4, **_sampling(), **options)


def _double(filters: int, **options: Any) -> Any:
    """Makes a transposed convolution 4x4 with stride 2: (B, H, W, n) -> (B, 2H, 2W, filters)."""
    return layers.Conv2DTranspose(filters, 4, **_sampling(), **options)


def _sampling() -> dict[str, Any]:
    # An initializer for each layer: one for all would draw the same kernels for all.
    initializer = keras.initializers.RandomNormal(stddev=0.02)
    return {"strides": 2, "padding": "same", "kernel_initializer": initializer}


def depth_for(size: int) -> int:
    """Returns the largest depth, up to 8, whose 2**depth divides the size of the crops."""
    return min(len(WIDTHS), (size & -size).bit_length() - 1)


def _size_multiple(generator: Any) -> int:
    return int(2 ** sum(layer.name.endswith("_down") for layer in generator.layers))


def _discriminator(width: float) -> DiscriminatorConfig:
    widths = tuple(scaled(filters, width) for filters in PATCH_WIDTHS)
    return DiscriminatorConfig(widths, strides=(2, 2, 2, 1), first_batch_norm=False)


BASELINE = Baseline(
    build=lambda config: build_pix2pix(config.width, depth_for(config.size)),
    size_multiple=_size_multiple,
    discriminator=_discriminator,
)
