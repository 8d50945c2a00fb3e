"""Building and examining the networks of a preset, which are ours or a baseline's."""

from dataclasses import replace
from math import gcd
from typing import Any

import keras

from keras_colorize.config import BASELINES, BaselineConfig, BaselineName, Preset
from keras_colorize.models.baselines.registry import REGISTRY
from keras_colorize.models.discriminator import build_discriminator
from keras_colorize.models.generator import Generator, build_generator, config_of
from keras_colorize.models.precision import building_at


def with_baseline(preset: Preset, name: BaselineName, width: float = 1.0) -> Preset:
    """Replaces the networks of a preset by those of a baseline.

    Args:
        preset: The preset. Its recipe is kept, except for the settings of a pretrained encoder.
        name: The name of the baseline.
        width: Factor on the filters of all layers, including those of the discriminator.

    Returns:
        A preset with the name of the baseline.
    """
    recipe = preset.training
    discriminator = REGISTRY[name].discriminator
    return replace(
        preset,
        name=name,
        generator=BaselineConfig(name, width, gcd(*(stage.size for stage in recipe.stages()))),
        discriminator=discriminator(width) if discriminator else None,
        training=replace(recipe, encoder_weights=None, frozen_encoder_epochs=0),
    )


def build_networks(preset: Preset) -> tuple[Any, Any]:
    """Builds the generator and the discriminator of a preset.

    Returns:
        A functional model from `lightness_scaled` (B, H, W, 1) to `ab_scaled` (B, H/c, W/c, 2),
        and a model as from `build_discriminator`, or None if the preset has no discriminator.
    """
    config = preset.generator
    discriminator = build_discriminator(preset.discriminator) if preset.discriminator else None
    if isinstance(config, BaselineConfig):
        return REGISTRY[config.name].build(config), discriminator
    return build_generator(config), discriminator


def chroma_stride_of(generator: Any) -> int:
    """Returns c, where a generator predicts ab at 1/c of the size of its input."""
    return int(256 // generator.compute_output_shape((1, 256, 256, 1))[1])


def size_multiple_of(generator: Any) -> int:
    """Returns the number that height and width of a generator's input must be multiples of.

    Args:
        generator: A model from `build_generator`, or a baseline's.

    Raises:
        ValueError: The model is not one of this package.
    """
    if generator.name in BASELINES:
        return REGISTRY[generator.name].size_multiple(generator)
    return config_of(generator).size_multiple


def in_float32(generator: Any) -> Any:
    """Returns a generator that computes in float32: the given one or, if necessary, a copy."""
    if all(layer.compute_dtype == "float32" for layer in generator.layers):
        return generator
    if isinstance(generator, Generator):
        with building_at("float32"):
            copy = build_generator(generator.config, batch_norm=generator.batch_norm)
        copy.set_weights(generator.get_weights())
        return copy
    copy = keras.models.clone_model(
        generator,
        clone_function=lambda layer: type(layer).from_config(
            {**layer.get_config(), "dtype": "float32"}
        ),
    )
    copy.set_weights(generator.get_weights())
    return copy
