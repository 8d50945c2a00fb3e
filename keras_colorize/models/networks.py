"""The networks of a preset, ours or a baseline's, and what holds for all that end in ab."""

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
    """Puts a baseline's networks in the place of a preset's; the recipe stays.

    Args:
        preset: whose recipe trains it, without what it says of a pretrained encoder.
        name: of the baseline.
        width: factor on the filters of all layers, also of its discriminator if it has one.

    Returns:
        A preset of the baseline's name.
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
    """Builds the generator of a preset, and its discriminator where it has one.

    Returns:
        A functional model from `lightness_scaled` (B, H, W, 1) to `ab_scaled` (B, H/c, W/c, 2);
        and the one of `build_discriminator`, or None.
    """
    config = preset.generator
    discriminator = build_discriminator(preset.discriminator) if preset.discriminator else None
    if isinstance(config, BaselineConfig):
        return REGISTRY[config.name].build(config), discriminator
    return build_generator(config), discriminator


def chroma_stride_of(generator: Any) -> int:
    """Returns c: a generator gives ab at 1/c of the size of its input."""
    return int(256 // generator.compute_output_shape((1, 256, 256, 1))[1])


def size_multiple_of(generator: Any) -> int:
    """Returns what the sides of a generator's input are multiples of.

    Args:
        generator: of `build_generator` or a baseline's.

    Raises:
        ValueError: the model is none of the package's.
    """
    if generator.name in BASELINES:
        return REGISTRY[generator.name].size_multiple(generator)
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
    copy = keras.models.clone_model(
        generator,
        clone_function=lambda layer: type(layer).from_config(
            {**layer.get_config(), "dtype": "float32"}
        ),
    )
    copy.set_weights(generator.get_weights())
    return copy
