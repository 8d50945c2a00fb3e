from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

SIZES = ((64, 64), (64, 96), (96, 64))


@pytest.fixture(scope="session")
def generator() -> Any:
    """A network with wide layers, so that weights outweigh the graph."""
    return used_generator((8, 16, 32, 64, 64))


def used_generator(
    widths: tuple[int, ...], aggregation: str = "improved_dla", convolutions: int = 3
) -> Any:
    """A network whose batch norm has used statistics."""
    import keras

    from keras_colorize.config import GeneratorConfig
    from keras_colorize.models.generator import build_generator

    keras.utils.set_random_seed(0)
    model = build_generator(GeneratorConfig(widths, 2, aggregation, convolutions=convolutions))
    random = np.random.default_rng(0)
    weights = []
    for variable, value in zip(model.variables, model.get_weights(), strict=True):
        if "variance" in variable.name or "gamma" in variable.name:
            value = random.uniform(0.8, 1.25, value.shape)
        elif value.ndim == 1:
            value = random.normal(0.0, 0.1, value.shape)
        weights.append(value)
    model.set_weights(weights)
    return model


@pytest.fixture(scope="session")
def small_generator() -> Any:
    """A network that is quickly converted."""
    return used_generator((8, 8, 8, 8, 8), "unet", convolutions=1)


@pytest.fixture(scope="session")
def joining_generator() -> Any:
    """A quick network whose nodes join up to five tensors."""
    return used_generator((8, 8, 8, 8, 8), "unet++")


@pytest.fixture(scope="session")
def samples(make_picture: Any) -> list[np.ndarray]:
    """Lightness of pictures, (H, W) in 0..100, to calibrate int8 with."""
    from keras_colorize.imaging.color import rgb_to_lightness

    sizes = [(90, 72), (200, 130), (64, 64), (50, 120)]
    return [
        rgb_to_lightness(np.asarray(make_picture(k, *size))) for k, size in enumerate(sizes * 3)
    ]


@pytest.fixture(scope="session")
def small_conversions(
    small_generator: Any, samples: list[np.ndarray]
) -> Callable[[str], tuple[bytes, bytes]]:
    """Makes the small generator's file of a kind, for pictures of 64 x 64, once.

    The second is what it was before the activations of its transposed convolutions were taken out.
    """
    from keras_colorize.exporting import tflite

    conversion = tflite.Conversion(small_generator, sizes=SIZES[:1], representative=samples)
    usual = tflite.unfuse_transposed_convolutions

    @cache
    def make(kind: Any) -> tuple[bytes, bytes]:
        seen: list[bytes] = []

        def unfuse(content: bytes) -> bytes:
            seen.append(content)
            return usual(content)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(tflite, "unfuse_transposed_convolutions", unfuse)
            file = conversion.file(kind)
        return file, seen[0]

    return make


@pytest.fixture(scope="session")
def small_files(
    small_conversions: Callable[[str], tuple[bytes, bytes]],
) -> Callable[[str], bytes]:
    """Returns the small generator's file of a kind, for pictures of 64 x 64."""
    return lambda kind: small_conversions(kind)[0]


@pytest.fixture(scope="session")
def float_files(generator: Any) -> tuple[bytes, bytes]:
    """The float32 file with three signatures, and that with the first of them alone."""
    from keras_colorize.exporting import tflite

    merged: list[dict[str, bytes]] = []
    usual = tflite.merge_signatures

    def merge(models: dict[str, bytes], aliases: dict[str, str]) -> bytes:
        merged.append(models)
        return usual(models, aliases)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tflite, "merge_signatures", merge)
        file = tflite.convert(generator, sizes=SIZES)
    name, model = next(iter(merged[0].items()))
    return file, usual({name: model}, {"colorize": name})


@pytest.fixture(scope="session")
def float_file(float_files: tuple[bytes, bytes]) -> bytes:
    """The float32 file with three signatures."""
    return float_files[0]


@pytest.fixture(scope="session")
def single_file(float_files: tuple[bytes, bytes]) -> bytes:
    """The float32 file with the signature for the first size alone."""
    return float_files[1]


@pytest.fixture(scope="session")
def int8_file(generator: Any, samples: list[np.ndarray]) -> bytes:
    """The int8 file with two signatures."""
    from keras_colorize.exporting.tflite import convert

    return convert(generator, kind="int8", sizes=SIZES[:2], representative=samples)


@pytest.fixture(scope="session")
def saved_and_parity(
    small_generator: Any, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, float]]:
    """The SavedModel of the small generator, and what its export found of its parity."""
    from keras_colorize.exporting.saved_model import export_saved_model

    folder = tmp_path_factory.mktemp("exports") / "saved_model"
    found = export_saved_model(small_generator, folder, name="small", command="make this")
    return folder, found


@pytest.fixture(scope="session")
def saved(saved_and_parity: tuple[Path, dict[str, float]]) -> Path:
    """That SavedModel."""
    return saved_and_parity[0]


@pytest.fixture(scope="session")
def signatures(saved: Path) -> Any:
    """Its signatures, loaded by TensorFlow."""
    import tensorflow as tf

    return tf.saved_model.load(str(saved)).signatures
