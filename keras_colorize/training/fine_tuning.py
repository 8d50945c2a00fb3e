"""Where a training starts that does not start from random weights."""

from pathlib import Path
from typing import Any

from keras_colorize.config import TrainingConfig
from keras_colorize.inference.runtime import load_keras
from keras_colorize.inference.tflite_weights import folded_generator, read_constants
from keras_colorize.models.folding import unfold_batch_norm
from keras_colorize.models.generator import config_of
from keras_colorize.models.imagenet_weights import load_imagenet_weights
from keras_colorize.training.backends import ColorizationGAN, TrainingSet
from keras_colorize.training.batch_statistics import adopt_statistics
from keras_colorize.training.runs import RunError
from keras_colorize.training.validation import some_lightness


def take_over(
    gan: ColorizationGAN,
    start: Path,
    photographs: TrainingSet,
    recipe: TrainingConfig,
    steps: int,
) -> bool:
    """Sets the networks' weights to those of a generator and, if it is there, its discriminator.

    Args:
        gan: changed in place.
        start: the generator, `.keras` or `.tflite`; `discriminator.keras` may lie beside it.
        photographs: a `.tflite` file has no batch norm: its statistics are measured on some.
        recipe: batch size and seed.
        steps: of an epoch; measuring takes no more of them.

    Returns:
        Whether there was a discriminator, if one is needed.

    Raises:
        RunError: a file holds another network than the GAN's.
        WeightsError: a file is damaged.
    """
    if start.suffix == ".tflite":
        generator = _unfolded(start, gan)
        adopt_statistics(generator, some_lightness(photographs, recipe, steps))
    else:
        generator = load_keras(start)
    _set_weights(gan.generator, generator, start)
    if gan.ema_generator is not None:
        gan.ema_generator.set_weights(gan.generator.get_weights())
    beside = start.with_name("discriminator.keras")
    if gan.discriminator is None:
        return True
    if not beside.is_file():
        return False
    _set_weights(gan.discriminator, load_keras(beside), beside)
    return True


def start_from_imagenet(gan: ColorizationGAN) -> None:
    """Sets the encoder of the generator, and of its average, to what ImageNet taught it.

    Args:
        gan: of a generator with an encoder that is not plain; changed in place.

    Raises:
        PretrainedError: the package with the weights is missing, or not what it was.
    """
    load_imagenet_weights(gan.generator)
    if gan.ema_generator is not None:
        gan.ema_generator.set_weights(gan.generator.get_weights())


def _unfolded(start: Path, gan: ColorizationGAN) -> Any:
    constants = read_constants(start)
    try:
        return unfold_batch_norm(folded_generator(constants, config_of(gan.generator)))
    except ValueError as error:
        raise _another(start) from error


def _set_weights(network: Any, like: Any, path: Path) -> None:
    try:
        network.set_weights(like.get_weights())
    except ValueError as error:
        raise _another(path) from error


def _another(path: Path) -> RunError:
    return RunError(f"{path} holds another network than this preset's.")
