"""TensorFlow's fused batch norm computes what Keras's layer does, in training and out of it."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_colorize.training.fused_batch_norm import fuse_batch_norm


def network(policy="float32"):
    x = inputs = keras.Input((None, None, 3))
    x = keras.layers.BatchNormalization(momentum=0.9, name="norm", dtype=policy)(x)
    return keras.Model(inputs, x)


@pytest.fixture
def pair():
    plain, fused = network(), network()
    random = np.random.default_rng(0)
    weights = [random.uniform(0.5, 2, w.shape) for w in plain.get_weights()]
    for one in (plain, fused):
        one.set_weights(weights)
    fuse_batch_norm(fused)
    return plain, fused


@pytest.fixture
def x():
    return tf.random.stateless_normal((2, 4, 6, 3), (1, 2), 1.5, 2.0)


@pytest.mark.parametrize("training", [True, False])
def test_outputs_statistics_and_gradients_are_the_same(pair, x, training):
    results = []
    for one in pair:
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = one(x, training=training)
            loss = tf.reduce_sum(y**3)
        variables = [v.value for v in one.trainable_variables]
        results.append([y, *tape.gradient(loss, [x, *variables]), *one.get_weights()])
    for ours, theirs in zip(*results, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)


def test_stateless_passes_change_nothing(pair, x):
    results = []
    for one in pair:
        before = one.get_weights()
        results.append(
            one.stateless_call(
                one.trainable_variables, one.non_trainable_variables, x, training=True
            )
        )
        assert all(map(np.array_equal, before, one.get_weights()))
    (y, statistics), (expected, others) = results[::-1]
    np.testing.assert_allclose(y, expected, atol=1e-5)
    for ours, theirs in zip(statistics, others, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_frozen_layers_stay_keras_own(pair, x):
    plain, fused = pair
    for one in pair:
        one.get_layer("norm").trainable = False
    before = fused.get_weights()
    for training in (False, True):
        expected = plain(x, training=training)
        np.testing.assert_array_equal(fused(x, training=training), expected)
    assert all(map(np.array_equal, before, fused.get_weights()))


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_less_precise_inputs_have_float32_statistics(policy):
    one = network(policy)
    fuse_batch_norm(one)
    x = tf.fill((1, 2, 2, 3), 1000.0) + tf.reshape(tf.constant([0.0, 4.0, 8.0, 12.0]), (1, 2, 2, 1))
    y = one(x, training=True)
    assert y.dtype == policy.removeprefix("mixed_")
    norm = one.get_layer("norm")
    np.testing.assert_allclose(norm.moving_mean, [100.6] * 3, rtol=1e-3)
    np.testing.assert_allclose(norm.moving_variance, [0.9 + 0.1 * 20] * 3, rtol=0.05)


def test_files_and_copies_know_nothing_of_it(pair, x, tmp_path):
    _, fused = pair
    fused.save(tmp_path / "network.keras")
    loaded = keras.saving.load_model(tmp_path / "network.keras")
    for other in (loaded, keras.models.clone_model(fused)):
        assert type(other.get_layer("norm")) is keras.layers.BatchNormalization
        assert "call" not in vars(other.get_layer("norm"))
    np.testing.assert_allclose(loaded(x), fused(x), atol=1e-6)
