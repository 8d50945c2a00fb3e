"""The networks of a preset, ours or a rival's, and what is common to all that end in ab."""

from dataclasses import replace
from math import gcd
from typing import Any

from keras_colorize.config import (
    RIVALS,
    DiscriminatorConfig,
    Preset,
    RivalConfig,
    RivalName,
)
from keras_colorize.models.blocks import scaled
from keras_colorize.models.discriminator import build_discriminator
from keras_colorize.models.generator import Generator, build_generator, config_of
from keras_colorize.models.iizuka2016 import build_iizuka2016
from keras_colorize.models.pix2pix import build_pix2pix
from keras_colorize.models.precision import building_at
from keras_colorize.models.zhang2016 import build_zhang2016, with_annealed_mean

_PATCH_WIDTHS = (64, 128, 256, 512)  # of the 70 x 70 critic of Isola et al. 2017, section 6.1.2


def with_rival(preset: Preset, name: RivalName, width: float = 1.0) -> Preset:
    """Puts a rival's networks in the place of a preset's; the recipe stays.

    Args:
        preset: whose recipe trains it, without what it says of a pretrained encoder.
        name: of the rival.
        width: factor on the kernels of all layers, the critic's too where there is one.

    Returns:
        A preset of the rival's name.
    """
    recipe = preset.training
    size = gcd(*(stage.size for stage in recipe.stages()))
    critic = None
    if name == "pix2pix":
        widths = tuple(scaled(kernels, width) for kernels in _PATCH_WIDTHS)
        critic = DiscriminatorConfig(widths, strides=(2, 2, 2, 1), first_batch_norm=False)
    return replace(
        preset,
        name=name,
        generator=RivalConfig(name, width, size),
        discriminator=critic,
        training=replace(recipe, encoder_weights=None, frozen_encoder_epochs=0),
    )


def build_networks(preset: Preset) -> tuple[Any, Any]:
    """Builds the generator of a preset, and its discriminator where it has one.

    Returns:
        A functional model from `lightness_scaled` (B, H, W, 1) to `ab_scaled` (B, H/c, W/c, 2);
        and the one of `build_discriminator`, or None.
    """
    critic = build_discriminator(preset.discriminator) if preset.discriminator else None
    config = preset.generator
    if not isinstance(config, RivalConfig):
        return build_generator(config), critic
    if config.name == "zhang2016":
        return with_annealed_mean(build_zhang2016(config.width)), critic
    if config.name == "iizuka2016":
        return build_iizuka2016(config.width, global_size=min(224, config.size)), critic
    return build_pix2pix(config.width, config.depth), critic


def chroma_stride_of(generator: Any) -> int:
    """Returns c: a generator gives ab at 1/c of the size of its input."""
    return int(256 // generator.compute_output_shape((1, 256, 256, 1))[1])


def size_multiple_of(generator: Any) -> int:
    """Returns what the sides of a generator's input are multiples of.

    Args:
        generator: of `build_generator` or a rival's.

    Raises:
        ValueError: the model is none of the package's.
    """
    if generator.name == "pix2pix":
        return int(2 ** sum(layer.name.endswith("_down") for layer in generator.layers))
    if generator.name in RIVALS:
        return 8
    return config_of(generator).size_multiple


def in_float32(generator: Any) -> Any:
    """Returns the generator itself, or, of one that computes in less, a float32 one like it."""
    if all(layer.compute_dtype == "float32" for layer in generator.layers):
        return generator
    if isinstance(generator, Generator):
        with building_at("float32"):
            copy = build_generator(generator.config, batch_norm=generator.batch_norm)
        copy.set_weights(generator.get_weights())
        return copy
    import keras

    copy = keras.models.clone_model(
        generator,
        clone_function=lambda layer: type(layer).from_config(
            {**layer.get_config(), "dtype": "float32"}
        ),
    )
    copy.set_weights(generator.get_weights())
    return copy
