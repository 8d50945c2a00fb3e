"""What int8 does to each layer, and files in which some layers stay floats."""

import keras
import numpy as np
import pytest

from keras_colorize.exporting.quantizer import KeepFloatError
from keras_colorize.exporting.sensitivity import LayerError, layer_errors, write_layer_errors
from keras_colorize.exporting.tflite import convert, cover
from keras_colorize.inference.runtime import KerasRuntime, LiteRTRuntime
from keras_colorize.inference.tflite_operators import read_operators

SIZE = (64, 64)


@pytest.fixture(scope="module")
def errors(small_generator, samples):
    return layer_errors(small_generator, samples, SIZE)


def test_every_convolution_is_measured(errors, small_generator):
    names = {layer.name for layer in small_generator.layers if hasattr(layer, "kernel")}
    assert len(errors) == len(names) and {one.layer for one in errors} == names
    found = [one.error for one in errors]
    assert found == sorted(found, reverse=True)
    # 255 steps over a range of some standard deviations.
    assert 1e-3 < found[-1] and found[0] < 0.1


def test_a_layer_whose_channels_are_unequal_stands_out(small_generator, samples, monkeypatch):
    """Of a network that is not equalized; one channel takes the whole range."""
    generator = keras.models.clone_model(small_generator)
    generator.set_weights(small_generator.get_weights())
    norm = generator.get_layer("encoder_1_conv_2_bn")
    gamma, beta, mean, variance = norm.get_weights()
    gamma[0], beta[0] = 400 * gamma[0], 400 * (abs(beta[0]) + 1)
    norm.set_weights([gamma, beta, mean, variance])
    reader = generator.get_layer("encoder_1_conv_3")
    (kernel,) = reader.get_weights()
    kernel[:, :, 0] /= 400
    reader.set_weights([kernel])
    monkeypatch.setattr(
        "keras_colorize.exporting.tflite.equalize", lambda folded, lightness_scaled: folded
    )
    found = layer_errors(generator, samples[:4], SIZE)
    assert [one.layer for one in found].index("encoder_1_conv_3") < 3


def test_layers_can_stay_floats(small_generator, samples, tmp_path):
    keep = ["encoder_0_conv_1", "node_0_4_conv_2"]
    path = tmp_path / "kept.tflite"
    path.write_bytes(
        convert(small_generator, kind="int8", sizes=[SIZE], representative=samples, keep_float=keep)
    )
    operators = [one for one in read_operators(path) if one.multiply_adds]
    assert [one.layer for one in operators if not one.is_integer] == keep
    assert [one.kind for one in read_operators(path)][-2:] == ["TANH", "MUL"]  # no QUANTIZE
    lightness = cover(samples[1:2], SIZE)[0, ..., 0]
    expected = KerasRuntime(small_generator).predict(lightness)
    error = np.abs(LiteRTRuntime(path).predict(lightness) - expected).mean()
    assert 0 < error < 0.2 * expected.std()


@pytest.mark.parametrize(
    ("name", "message"),
    [("node_9_9_up", "has no layer node_9_9_up"), ("node_0_4_up", "is a transposed convolution")],
)
def test_layers_that_cannot_are_a_sentence(name, message, small_generator):
    with pytest.raises(KeepFloatError, match=message):
        convert(small_generator, kind="int8", keep_float=[name])


def test_table(tmp_path):
    write_layer_errors(tmp_path / "layers.md", [LayerError("ab_scaled", 0.0315)])
    assert (tmp_path / "layers.md").read_text().splitlines()[2:] == ["| ab_scaled | 3.15% |"]
