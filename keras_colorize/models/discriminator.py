"""The patch discriminator (table 1 of Gui et al.)."""

from typing import Any

from keras_colorize.config import DiscriminatorConfig, preset_named
from keras_colorize.models.blocks import MOMENTUM


def build_discriminator(preset: DiscriminatorConfig | str | None = None) -> Any:
    """Builds the network that distinguishes real ab from generated ab, for each patch.

    The paper's network ends in a sigmoid. This one returns logits, from which the losses compute
    the same without overflow.

    Args:
        preset: The name of a preset, or a configuration. The default is the paper's network.

    Returns:
        A functional model from [`lightness_scaled` (B, H, W, 1), `ab_scaled` (B, H, W, 2)] to
        `logits` (B, H/s, W/s, 1), where s is the product of the strides. Both inputs are in
        [-1, 1] and have the resolution of ab.

    Raises:
        ValueError: There is no preset of this name.
        TypeError: `preset` has another type.
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
    # The initialization of DCGAN (Radford et al. 2016), which is usual for such discriminators.
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
