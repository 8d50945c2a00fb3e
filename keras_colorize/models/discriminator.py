"""The patch discriminator (table 1 of Gui et al.)."""

from typing import Any

from keras_colorize.config import DiscriminatorConfig, preset_named
from keras_colorize.models.blocks import MOMENTUM


def build_discriminator(preset: DiscriminatorConfig | str | None = None) -> Any:
    """Builds the network that tells real ab from generated, patch by patch.

    Args:
        preset: the name of a preset, or a configuration: widths, strides, last kernel and first
            batch norm; default: the paper's.

    Returns:
        A functional model from [`lightness_scaled` (B, H, W, 1), `ab_scaled` (B, H, W, 2)],
        both in [-1, 1] and at ab's resolution, to `logits`, (B, H/s, W/s, 1), s the product of
        the strides. The paper ends in a sigmoid; the losses take logits, which is the same
        function computed stably.

    Raises:
        ValueError: there is no preset of this name.
        TypeError: `preset` is none of these.
    """
    import keras

    wanted: Any = preset_named(preset).discriminator if isinstance(preset, str) else preset
    config = wanted or DiscriminatorConfig()
    if not isinstance(config, DiscriminatorConfig):
        raise TypeError(
            "A discriminator is built from a DiscriminatorConfig or a preset's name, not "
            f"{config!r}."
        )
    layers = keras.layers
    lightness = keras.Input((None, None, 1), name="lightness_scaled")
    ab = keras.Input((None, None, 2), name="ab_scaled")
    x = layers.Concatenate(name="concat")([lightness, ab])
    # DCGAN's initialisation (Radford et al. 2016), the usual one of such discriminators.
    initializer = keras.initializers.RandomNormal(stddev=0.02)
    for k, (width, stride) in enumerate(zip(config.widths, config.strides, strict=True), 1):
        batch_norm = k > 1 or config.first_batch_norm
        x = layers.Conv2D(
            width,
            4,
            strides=stride,
            padding="same",
            use_bias=not batch_norm,
            kernel_initializer=initializer,
            name=f"conv_{k}",
        )(x)
        if batch_norm:
            x = layers.BatchNormalization(momentum=MOMENTUM, name=f"conv_{k}_bn")(x)
        x = layers.LeakyReLU(negative_slope=0.2, name=f"conv_{k}_relu")(x)
    logits = layers.Conv2D(
        1,
        config.last_kernel,
        padding="same",
        kernel_initializer=initializer,
        dtype="float32",
        name="logits",
    )(x)
    return keras.Model([lightness, ab], logits, name="discriminator")
