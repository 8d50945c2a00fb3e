"""Zhang et al.'s network: layers, shapes, and the annealed mean that makes colours of it."""

import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

from keras_colorize.models.ab_bins import ab_bins, soft_encode
from keras_colorize.models.baselines.zhang2016 import build_zhang2016, with_annealed_mean

# Kernels, stride, dilation of the 3x3 convolutions of blocks 1 to 8 (the paper's last table).
TABLE = [
    [(64, 1, 1), (64, 2, 1)],
    [(128, 1, 1), (128, 2, 1)],
    [(256, 1, 1), (256, 1, 1), (256, 2, 1)],
    [(512, 1, 1)] * 3,
    [(512, 1, 2)] * 3,
    [(512, 1, 2)] * 3,
    [(512, 1, 1)] * 3,
    [(256, 1, 1)] * 2,
]
SMALL = 0.125
LOADED = """
import sys
sys.modules["tensorflow"] = None
from pathlib import Path
import numpy as np
from keras_colorize.inference.runtime import load_keras

folder = Path(sys.argv[1])
model = load_keras(folder / "zhang2016.keras")
np.save(folder / "ab.npy", model.predict_on_batch(np.load(folder / "lightness.npy")))
print(model.name, [v.path for v in model.non_trainable_variables][-1])
"""


@pytest.fixture(scope="module")
def paper():
    return build_zhang2016()


@pytest.fixture(scope="module")
def annealed():
    """The annealed mean alone."""
    logits = keras.Input((None, None, 313))
    return with_annealed_mean(keras.Model(logits, keras.layers.Identity()(logits), name="given"))


def test_the_papers_size(paper):
    # Half a thousandth of it are the statistics of batch norm.
    assert paper.count_params() == 32_240_377
    assert abs(paper.count_params() - 32.2e6) < 0.005 * 32.2e6
    assert build_zhang2016(0.25).count_params() == 2_033_833


def test_the_papers_layers(paper):
    layers = iter(paper.layers[1:])
    for n, block in enumerate(TABLE, 1):
        names = [f"block_{n}_conv_{k}" for k in range(1, len(block) + 1)]
        if n == 8:
            up = next(layers)
            found = (up.name, up.filters, up.kernel_size, up.strides, up.use_bias)
            assert found == ("block_8_up", 256, (4, 4), (2, 2), True)
            assert next(layers).name == "block_8_up_relu"
        for name, (filters, stride, dilation) in zip(names, block, strict=True):
            layer = next(layers)
            assert (layer.name, layer.filters, layer.kernel_size) == (name, filters, (3, 3))
            assert (layer.strides, layer.dilation_rate) == ((stride,) * 2, (dilation,) * 2)
            assert layer.use_bias
            assert next(layers).name == f"{name}_relu"
        if n < 8:
            norm = next(layers)
            assert (norm.name, norm.momentum) == (f"block_{n}_bn", 0.9)
    last = next(layers)
    assert (last.name, last.filters, last.kernel_size) == ("ab_logits", 313, (1, 1))
    assert last.activation.__name__ == "linear"
    assert next(layers, None) is None
    assert (paper.name, paper.input.name) == ("zhang2016", "lightness_scaled")


@pytest.mark.parametrize("size", [(8, 8), (8, 24), (64, 96), (40, 32)])
def test_takes_any_multiple_of_8(size, lightness_scaled):
    network = build_zhang2016(SMALL)
    x = lightness_scaled(2, *size)
    assert tuple(network(x).shape) == (2, size[0] // 4, size[1] // 4, 313)
    assert tuple(with_annealed_mean(network)(x).shape) == (2, size[0] // 4, size[1] // 4, 2)


def test_width_scales_the_kernels_in_eights():
    for width, expected in {0.01: [8] * 4, 0.3: [16, 40, 152, 80]}.items():
        network = build_zhang2016(width)
        names = (f"block_{n}_conv_1" for n in (1, 2, 4, 8))
        assert [network.get_layer(name).filters for name in names] == expected


@pytest.mark.parametrize("width", [0, -1.0, float("nan")])
def test_refuses_a_width_that_is_none(width):
    with pytest.raises(ValueError, match="width must be positive"):
        build_zhang2016(width)


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_outputs_are_float32(policy, lightness_scaled):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        network = build_zhang2016(SMALL)
        model = with_annealed_mean(network)
    finally:
        keras.config.set_dtype_policy(before)
    assert network.get_layer("block_1_conv_1").compute_dtype == policy.removeprefix("mixed_")
    x = lightness_scaled(1, 32, 32)
    assert network(x).dtype == model(x).dtype == "float32"


def test_annealed_mean_is_the_papers_formula(annealed):
    logits = np.random.default_rng(0).normal(0, 3, (2, 3, 5, 313)).astype(np.float32)
    powers = np.exp((logits - logits.max(axis=-1, keepdims=True)).astype(np.float64) / 0.38)
    mean = powers / powers.sum(axis=-1, keepdims=True) @ ab_bins()
    ab_scaled = np.array(annealed(logits))
    np.testing.assert_allclose(110 * ab_scaled, mean, atol=1e-3)
    assert np.abs(ab_scaled).max() <= 1


def test_of_an_encoded_colour_a_low_temperature_takes_the_nearest_bin(annealed):
    random = np.random.default_rng(1)
    ab = random.uniform(-60, 60, (4, 8, 2)).astype(np.float32)
    bins, shares = map(np.array, soft_encode(ab))
    distribution = np.full((4, 8, 313), 1e-9, np.float32)
    np.put_along_axis(distribution, bins, shares, axis=-1)
    logits = 1e4 * np.log(distribution)[None]  # as good as T = 0.38 / 10000
    np.testing.assert_allclose(110 * np.array(annealed(logits))[0], ab_bins()[bins[..., 0]])
    assert (ab_bins()[bins[..., 0]] == 10 * np.rint(ab / 10)).mean() > 0.9


def test_colours_come_from_the_layers_that_are_trained(lightness_scaled):
    network = build_zhang2016(SMALL)
    model = with_annealed_mean(network)
    assert (model.name, model.layers[-1].name) == ("zhang2016", "ab_scaled")
    assert [v.path for v in model.trainable_variables] == [
        v.path for v in network.trainable_variables
    ]
    x = lightness_scaled(1, 32, 32)
    before = np.array(model(x))
    last = network.get_layer("ab_logits")
    last.set_weights([100 * w for w in last.get_weights()])
    assert np.abs(np.array(model(x)) - before).max() > 0.01


def test_a_file_loads_on_jax_without_tensorflow(
    tmp_path, environments, randomize, lightness_scaled
):
    model = with_annealed_mean(randomize(build_zhang2016(SMALL)))
    model.save(tmp_path / "zhang2016.keras")
    x = lightness_scaled(2, 40, 32)
    np.save(tmp_path / "lightness.npy", x)
    [environment] = environments("jax", 1)
    command = [sys.executable, "-c", LOADED, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "zhang2016 ab_scaled/kernel\n"
    expected = np.array(model(x, training=False))
    assert expected.std() > 0.01
    np.testing.assert_allclose(np.load(tmp_path / "ab.npy"), expected, atol=1e-5)


@pytest.mark.slow
def test_converts_to_tflite_with_its_own_operations_alone(randomize, lightness_scaled):
    model = with_annealed_mean(randomize(build_zhang2016(0.25)))

    class Module(tf.Module):
        tracked = [variable.value for variable in model.variables]

    call = tf.function(lambda x: model(x, training=False))
    concrete = call.get_concrete_function(tf.TensorSpec((1, 64, 96, 1), tf.float32, name="x"))
    converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete], Module())
    assert converter.target_spec.supported_ops == {tf.lite.OpsSet.TFLITE_BUILTINS}
    interpreter = Interpreter(model_content=converter.convert())
    x = lightness_scaled(1, 64, 96)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], x)
    interpreter.invoke()
    ab = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    np.testing.assert_allclose(ab, model(x, training=False), atol=1e-4)
