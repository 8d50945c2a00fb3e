"""The losses of the baselines against their definitions, written out densely in float64."""

import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_colorize.imaging.color import rgb_to_lab, scale_ab, scale_lightness
from keras_colorize.models.ab_bins import ab_bins, measure_prior, rebalancing_weights
from keras_colorize.models.baselines.iizuka2016 import mean_squared_error
from keras_colorize.models.baselines.zhang2016 import (
    RebalancedCrossEntropy,
    build_zhang2016,
    with_annealed_mean,
)

ON_JAX = """
import sys
sys.modules["tensorflow"] = None
import jax, numpy as np
from keras_colorize.models.baselines.zhang2016 import RebalancedCrossEntropy

given = np.load(sys.argv[1])
loss = RebalancedCrossEntropy(given["weights"])
step = jax.jit(jax.value_and_grad(lambda logits: loss(given["real_ab"], logits)))
value, gradient = step(given["logits"])
np.savez(sys.argv[2], value=value, gradient=gradient)
"""


@pytest.fixture
def real_ab():
    """Scaled ab of random colours, (2, 4, 6, 2)."""
    rgb = np.random.default_rng(0).integers(0, 256, (2, 4, 6, 3), np.uint8)
    return scale_ab(rgb_to_lab(rgb)[..., 1:])


@pytest.fixture
def logits():
    return np.random.default_rng(1).normal(0, 2, (2, 4, 6, 313)).astype(np.float32)


@pytest.fixture
def weights():
    return np.random.default_rng(2).uniform(0.2, 5, 313)


def dense(real_ab, logits, weights):
    """The loss and its gradient, with a target over all 313 bins."""
    real, z = real_ab.reshape(-1, 2).astype(np.float64), logits.reshape(-1, 313).astype(np.float64)
    squared = ((110 * real[:, None] - ab_bins()) ** 2).sum(axis=-1)
    target = np.exp(-squared / 50)
    target[squared > np.sort(squared, axis=1)[:, 4:5]] = 0
    target /= target.sum(axis=1, keepdims=True)
    z = z - z.max(axis=1, keepdims=True)
    log_p = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    each = weights[squared.argmin(axis=1)]
    gradient = each[:, None] * (np.exp(log_p) - target) / len(z)
    return (each * -(target * log_p).sum(axis=1)).mean(), gradient.reshape(logits.shape)


def value_and_gradient(loss, real_ab, logits):
    logits = tf.constant(logits)
    with tf.GradientTape() as tape:
        tape.watch(logits)
        value = loss(real_ab, logits)
    return float(value), np.array(tape.gradient(value, logits))


def test_mean_squared_error_is_over_pixels_and_both_channels():
    real = np.zeros((1, 1, 2, 2), np.float16)
    generated = np.float16([[[[0.5, -1.0], [0.25, 0.0]]]])
    loss = mean_squared_error(real, generated)
    assert "float32" in str(loss.dtype)
    assert float(loss) == pytest.approx((0.25 + 1 + 0.0625) / 4)


@pytest.mark.parametrize("compiled", [False, True])
def test_rebalanced_cross_entropy_is_its_dense_definition(compiled, real_ab, logits, weights):
    loss = RebalancedCrossEntropy(weights)
    call = tf.function(loss, jit_compile=True) if compiled else loss
    value, gradient = value_and_gradient(call, real_ab, logits)
    expected, slope = dense(real_ab, logits, weights)
    assert value == pytest.approx(expected, rel=1e-5)
    np.testing.assert_allclose(gradient, slope, atol=1e-6)


def test_gradient_is_what_finite_differences_say(real_ab, logits, weights):
    loss = RebalancedCrossEntropy(weights)
    _, gradient = value_and_gradient(loss, real_ab, logits)
    direction = np.random.default_rng(3).normal(size=logits.shape).astype(np.float32)
    ahead, behind = (float(loss(real_ab, logits + s * direction)) for s in (1e-2, -1e-2))
    assert (ahead - behind) / 2e-2 == pytest.approx((gradient * direction).sum(), rel=1e-2)


def test_loss_is_least_at_the_soft_encoding(real_ab, weights):
    """Where it is the entropy of the shares, and nothing pulls."""
    loss = RebalancedCrossEntropy(np.ones(313))
    squared = ((110 * real_ab[..., None, :].astype(np.float64) - ab_bins()) ** 2).sum(axis=-1)
    exact = -squared / 50
    exact[squared > np.sort(squared, axis=-1)[..., 4:5]] = -100
    value, gradient = value_and_gradient(loss, real_ab, exact.astype(np.float32))
    shares = np.exp(exact) / np.exp(exact).sum(axis=-1, keepdims=True)
    assert value == pytest.approx(-(shares * np.log(shares)).sum(axis=-1).mean(), rel=1e-4)
    np.testing.assert_allclose(gradient, 0, atol=1e-5)


@pytest.mark.parametrize("scale", [0.0, 1e4, 1e30])
def test_stays_finite_at_extremes(scale, logits, weights):
    corners = np.float32([[-1, -1], [1, 1], [-1, 1], [1, -1], [0, 0], [2, -3]])
    real_ab = np.tile(corners, (2, 4, 1, 1))
    value, gradient = value_and_gradient(
        RebalancedCrossEntropy(weights), real_ab, np.float32(scale) * logits
    )
    assert np.isfinite(value)
    assert np.isfinite(gradient).all()
    assert 0 < np.abs(gradient).sum()


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_computes_in_float32(dtype, real_ab, logits, weights):
    less = tf.cast(logits, dtype)
    loss = RebalancedCrossEntropy(weights)(real_ab, less)
    assert loss.dtype == "float32"
    expected, _ = dense(real_ab, np.array(tf.cast(less, "float32")), weights)
    assert float(loss) == pytest.approx(expected, rel=1e-5)


def test_equals_jaxs(tmp_path, environments, real_ab, logits, weights):
    np.savez(tmp_path / "in.npz", real_ab=real_ab, logits=logits, weights=weights)
    [environment] = environments("jax", 1)
    command = [sys.executable, "-c", ON_JAX, tmp_path / "in.npz", tmp_path / "out.npz"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    value, gradient = value_and_gradient(RebalancedCrossEntropy(weights), real_ab, logits)
    theirs = np.load(tmp_path / "out.npz")
    assert float(theirs["value"]) == pytest.approx(value, rel=1e-6)
    np.testing.assert_allclose(theirs["gradient"], gradient, atol=1e-7)


def test_is_saved_and_made_again(real_ab, logits, weights):
    loss = RebalancedCrossEntropy(weights)
    config = keras.saving.serialize_keras_object(loss)
    assert config["registered_name"] == "keras_colorize>RebalancedCrossEntropy"
    again = keras.saving.deserialize_keras_object(config)
    assert isinstance(again, RebalancedCrossEntropy)
    assert float(again(real_ab, logits)) == float(loss(real_ab, logits))


def test_refuses_weights_of_other_bins():
    with pytest.raises(ValueError, match="313 bins need as many weights, not 312"):
        RebalancedCrossEntropy([1.0] * 312)


def test_a_few_steps_learn_the_colours_of_eight_crops(make_picture):
    rgb = np.stack([np.asarray(make_picture(k, 32, 32)) for k in range(8)])
    lab = rgb_to_lab(rgb)
    lightness, ab = scale_lightness(lab[..., :1]), lab[:, 2::4, 2::4, 1:]
    keras.utils.set_random_seed(0)
    network = build_zhang2016(0.125)
    weights = rebalancing_weights(measure_prior([ab]))
    network.compile(keras.optimizers.Adam(3e-3), loss=RebalancedCrossEntropy(weights))
    fit = network.fit(lightness, scale_ab(ab), batch_size=8, epochs=25, verbose=0)
    losses = fit.history["loss"]
    assert losses[0] == pytest.approx(np.log(313), rel=0.2)
    assert losses[-1] < 0.7 * losses[0]
    # With the statistics of the batch: the running ones still lag behind.
    colours = 110 * np.array(with_annealed_mean(network)(lightness, training=True))
    assert np.abs(colours - ab).mean() < 0.6 * np.abs(ab).mean()
