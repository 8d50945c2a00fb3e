"""Weights of any kind as a Keras generator that is ready to be exported."""

import os
from typing import Any

from keras_colorize.inference.runtime import load_keras
from keras_colorize.inference.tflite_facts import facts_of_file, generator_config
from keras_colorize.inference.tflite_weights import folded_generator, read_constants
from keras_colorize.inference.weights import WeightsError, resolve_weights


def load_generator(weights: str | os.PathLike[str] | None = None) -> Any:
    """Loads weights as a Keras generator without batch norm; needs the extra `train`.

    Args:
        weights: a packaged name, a run folder, or a `.keras` or `.tflite` file, of which int8
            weights become the floats that they stand for; None is the packaged default.

    Returns:
        A generator of `keras_colorize.models.generator`, its batch norm folded.

    Raises:
        WeightsError: there are no such weights, or they are not those of a generator.
    """
    from keras_colorize.models.folding import fold_batch_norm

    path = resolve_weights(weights)
    try:
        if path.suffix == ".tflite":
            constants = read_constants(path)  # first: LiteRT verifies the file
            return folded_generator(constants, generator_config(facts_of_file(path)))
        return fold_batch_norm(load_keras(path))
    except WeightsError:
        raise
    except ValueError as error:
        raise WeightsError(f"{path} holds no generator of this package: {error}") from error
