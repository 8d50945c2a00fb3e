"""Batch norm's statistics, measured anew."""

import keras
import numpy as np
import pytest

from keras_colorize.training.batch_statistics import adopt_statistics, reestimate_statistics


@pytest.fixture
def network():
    inputs = keras.Input((None, None, 3))
    x = keras.layers.BatchNormalization(name="first")(inputs)
    x = keras.layers.Conv2D(2, 1, name="conv")(x)
    return keras.Model(inputs, keras.layers.BatchNormalization(momentum=0.5, name="last")(x))


@pytest.fixture
def batches():
    random = np.random.default_rng(0)
    return [random.normal(k, 1 + k, (4, 6, 5, 3)).astype(np.float32) for k in range(3)]


def test_statistics_are_the_plain_means_over_the_batches(network, batches):
    reestimate_statistics(network, iter(batches))
    first = network.get_layer("first")
    means = [x.mean(axis=(0, 1, 2)) for x in batches]
    variances = [x.var(axis=(0, 1, 2)) for x in batches]
    np.testing.assert_allclose(first.moving_mean, np.mean(means, axis=0), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(first.moving_variance, np.mean(variances, axis=0), rtol=1e-5)


def test_one_batch_leaves_no_difference_between_training_and_use(network, batches):
    inputs = batches[1]
    reestimate_statistics(network, [inputs])
    used, trained = (np.array(network(inputs, training=mode)) for mode in (False, True))
    np.testing.assert_allclose(used, trained, atol=1e-4)


def test_a_layer_that_sees_each_batch_twice_weighs_the_batches_alike(batches):
    inputs = keras.Input((None, None, 3))
    shared = keras.layers.BatchNormalization()
    mirrored = keras.ops.flip(inputs, axis=2)  # of the same mean and variance
    network = keras.Model(inputs, shared(inputs) + shared(mirrored))
    reestimate_statistics(network, batches)
    means = np.mean([x.mean(axis=(0, 1, 2)) for x in batches], axis=0)
    variances = np.mean([x.var(axis=(0, 1, 2)) for x in batches], axis=0)
    np.testing.assert_allclose(shared.moving_mean, means, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(shared.moving_variance, variances, rtol=1e-5)


def test_nothing_else_changes(network, batches):
    statistics = [v for v in network.variables if "moving" in v.path]
    others = [v for v in network.variables if "moving" not in v.path]
    assert len(statistics) == 4
    before = [v.numpy() for v in others]
    reestimate_statistics(network, batches)
    assert all(np.array_equal(a, b.numpy()) for a, b in zip(before, others, strict=True))
    assert network.trainable
    assert [network.get_layer(name).momentum for name in ("first", "last")] == [0.99, 0.5]


def test_works_on_an_average_that_is_not_trained(network, batches):
    network.trainable = False
    reestimate_statistics(network, batches)
    assert float(network.get_layer("first").moving_mean.numpy().min()) > 0.5
    assert not network.trainable
    assert not network.get_layer("first").trainable


def test_no_batch_changes_nothing(network):
    reestimate_statistics(network, [])
    assert np.array_equal(network.get_layer("first").moving_mean, np.zeros(3))


def used(network):
    """The network with statistics and scales that a training might have left."""
    random = np.random.default_rng(1)
    network.set_weights([random.uniform(0.5, 2, w.shape) for w in network.get_weights()])
    return network


def test_adopted_statistics_are_those_of_all_photographs(network, batches):
    adopt_statistics(used(network), iter(batches))
    first = network.get_layer("first")
    everything = np.concatenate(batches)
    np.testing.assert_allclose(first.moving_mean, everything.mean(axis=(0, 1, 2)), rtol=1e-5)
    np.testing.assert_allclose(first.moving_variance, everything.var(axis=(0, 1, 2)), rtol=1e-5)


def test_adopting_statistics_keeps_the_function(network, batches):
    inputs = batches[1]
    before = np.array(used(network)(inputs, training=False))
    far_from_it = np.array(network(inputs, training=True))
    adopt_statistics(used(network), [inputs])
    np.testing.assert_allclose(network(inputs, training=False), before, rtol=1e-5, atol=1e-5)
    assert np.abs(far_from_it - before).max() > 1
    np.testing.assert_allclose(network(inputs, training=True), before, rtol=1e-4, atol=1e-4)
