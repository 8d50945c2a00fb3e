"""Weights of any kind as a Keras generator that is ready to be exported."""

import os
from pathlib import Path
from typing import Any

from keras_colorize.inference.runtime import load_keras
from keras_colorize.inference.tflite_facts import facts_of_file, generator_config
from keras_colorize.inference.tflite_weights import folded_generator, read_constants
from keras_colorize.inference.weights import WeightsError, resolve_weights


def load(weights: str | os.PathLike[str] | None = None) -> Any:
    """Loads weights as a Keras model, to train them further or to look inside.

    Needs the extra `train`.

    Args:
        weights: a packaged name, a run folder, or a `.keras` or `.tflite` file; None is the
            packaged default.

    Returns:
        A generator of `build_generator`, with its `config`. A `.tflite` file, as the packaged
        weights are, holds no batch norm: the generator then has biases in its place, and float
        weights near those of 8 bits.

    Raises:
        WeightsError: there are no such weights, or they are not those of a generator.

    Examples:
        >>> generator = load("mobile")
        >>> generator.config.encoder
        'efficientnet_lite2'
    """
    import keras_colorize.models.generator  # noqa: F401  Keras finds the class when it loads one

    path = resolve_weights(weights)
    if path.suffix != ".tflite":
        return load_keras(path)
    constants = read_constants(path)  # first: LiteRT verifies the file
    try:
        return folded_generator(constants, generator_config(facts_of_file(path)))
    except WeightsError:
        raise
    except ValueError as error:
        raise _no_generator(path, error) from error


def load_generator(weights: str | os.PathLike[str] | None = None) -> Any:
    """Loads weights as a Keras generator without batch norm, ready to be exported.

    Args:
        weights: as `load` takes them.

    Returns:
        A generator of `build_generator`, its batch norm folded.

    Raises:
        WeightsError: there are no such weights, or they are not those of a generator.
    """
    from keras_colorize.models.folding import fold_batch_norm

    generator = load(weights)
    try:
        return fold_batch_norm(generator)
    except ValueError as error:
        raise _no_generator(resolve_weights(weights), error) from error


def _no_generator(path: Path, error: ValueError) -> WeightsError:
    return WeightsError(f"{path} holds no generator of this package: {error}")
