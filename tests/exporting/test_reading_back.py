"""A `.tflite` file's weights, read back into a network that can be trained further."""

import numpy as np
import pytest

from keras_colorize.config import GeneratorConfig
from keras_colorize.exporting.equalization import equalize
from keras_colorize.exporting.tflite import convert, cover
from keras_colorize.imaging.color import scale_lightness
from keras_colorize.inference.tflite_weights import folded_generator, read_constants
from keras_colorize.models.folding import fold_batch_norm
from keras_colorize.models.generator import config_of


@pytest.fixture
def written(tmp_path):
    """Writes a file, and returns its constants."""

    def write(model):
        path = tmp_path / "model.tflite"
        path.write_bytes(model)
        return read_constants(path)

    return write


@pytest.fixture
def constants(single_file, written):
    return written(single_file)


@pytest.fixture
def folded(generator):
    return fold_batch_norm(generator)


@pytest.fixture
def equalized(folded, samples):
    """What the integer kinds are made of."""
    covered = cover(samples, (64, 64))
    return equalize(folded, scale_lightness(covered))


def errors(constants, folded):
    """By kernel or bias: the largest error of what was read, in units of the largest weight."""
    read = folded_generator(constants, config_of(folded)).weights
    pairs = zip(read, folded.weights, strict=True)
    return np.array([np.abs(a - b).max() / np.abs(b).max() for a, b in pairs])


def test_float32_is_read_as_it_was(constants, folded):
    assert errors(constants, folded).max() == 0


def test_full_int8_is_read_to_its_steps(int8_file, written, equalized):
    found = errors(written(int8_file), equalized)
    assert 0.5 / 128 < found[::2].max() < 0.51 / 127  # kernels have 255 steps
    assert found[1::2].max() < 1e-3  # biases have more


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "source", "most"),
    [("float16", "folded", 2**-11), ("dynamic", "equalized", 0.51 / 127)],
)
def test_smaller_kinds_are_read_to_their_steps(
    kind, source, most, generator, samples, written, request
):
    model = convert(generator, kind=kind, sizes=[(64, 64)], representative=samples)
    found = errors(written(model), request.getfixturevalue(source))
    assert 0.9 * most / 2 < found.max() < most


def without(constants):
    return {name: c for name, c in constants.items() if "node_2_1_conv_2_1/conv" not in name}


def twice(constants):
    return {**constants, "other/node_2_1_conv_2/convolution": np.zeros((32, 3, 3, 32))}


def with_another_kernel(constants):
    return {**constants, "generator/node_5_1_up/convolution": np.zeros((8, 3, 3, 8))}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (without, "not one kernel and one bias of node_2_1_conv_2"),
        (twice, "not one kernel and one bias of node_2_1_conv_2"),
        (with_another_kernel, "1 kernels of no layer"),
    ],
)
def test_every_layer_is_there_once(change, message, constants, generator):
    with pytest.raises(ValueError, match=message):
        folded_generator(change(constants), config_of(generator))


@pytest.mark.parametrize(
    "config",
    [
        GeneratorConfig((8, 16, 32, 64, 32), 2),
        GeneratorConfig((8, 16, 32, 64, 64), 4),
        GeneratorConfig((8, 16, 32, 64, 64), 2, "dla"),
        GeneratorConfig((8, 16, 32, 64, 64), 2, "unet"),
    ],
)
def test_another_network_is_refused(config, constants):
    with pytest.raises(ValueError):
        folded_generator(constants, config)
