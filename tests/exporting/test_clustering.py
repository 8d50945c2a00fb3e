"""Networks whose kernels have few values: tf_keras computes the same, and they learn so."""

import numpy as np
import pytest
import tensorflow as tf

from keras_colorize.exporting.clustering import ClusteredNetwork, to_tf_keras
from keras_colorize.exporting.equalization import LIMIT, equalize, rescale
from keras_colorize.exporting.tflite import cover
from keras_colorize.imaging.color import scale_lightness
from keras_colorize.models.first_layer import fold_picture
from keras_colorize.models.folding import fold_batch_norm

STEPS = 8


@pytest.fixture(scope="module")
def lightness_scaled(samples):
    return scale_lightness(cover(samples, (64, 64)))


@pytest.fixture(scope="module")
def folded(small_generator):
    return fold_batch_norm(small_generator)


@pytest.fixture(scope="module")
def make(folded, lightness_scaled):
    equalized = equalize(folded, lightness_scaled)
    return lambda clusters: ClusteredNetwork(
        equalized, folded, clusters=clusters, learning_rate=1e-3, steps=STEPS
    )


def learn(network, folded, lightness_scaled):
    """Learns the parent's own colours, and returns the losses of each step.

    Step by step, without a graph: that takes longer to make than these steps. The command's tests
    have it.
    """
    full = np.repeat(np.repeat(folded.predict(lightness_scaled, verbose=0), 2, 1), 2, 2)
    found = []
    tf.config.run_functions_eagerly(True)
    try:
        for _ in range(STEPS):
            network.reset_means()
            found.append(network.step(tf.constant(lightness_scaled), tf.constant(full)))
    finally:
        tf.config.run_functions_eagerly(False)
    return found


def same(network, other):
    pairs = zip(network.get_weights(), other.get_weights(), strict=True)
    return all(np.array_equal(a, b) for a, b in pairs)


def test_tf_keras_computes_the_same(joining_generator, lightness_scaled):
    limited = rescale(fold_batch_norm(joining_generator), {}, limit=LIMIT)
    picture = tf.nn.space_to_depth(lightness_scaled, 2)
    expected = limited.predict(lightness_scaled, verbose=0)
    assert expected.std() > 0.1
    network = to_tf_keras(fold_picture(limited))
    assert type(network).__module__.startswith("tf_keras")
    np.testing.assert_allclose(network(picture), expected, atol=1e-5)


@pytest.mark.slow  # the default suite has it in test_compress.py
def test_a_clustered_network_has_few_values(make, folded, lightness_scaled):
    network = make(4)
    expected = folded.predict(lightness_scaled, verbose=0)
    before = np.asarray(network(lightness_scaled)) - expected
    assert 0 < before.std() < 1.5 * expected.std()
    losses = learn(network, folded, lightness_scaled)
    assert losses[-1]["parent_loss"] < losses[0]["parent_loss"]
    result = network.result()
    *kernels, last = [layer.get_weights()[0] for layer in result.layers if layer.weights]
    assert max(len(np.unique(kernel)) for kernel in kernels) == 4
    assert len(np.unique(last)) == 16
    ab = result.predict(lightness_scaled, verbose=0)
    np.testing.assert_allclose(network(lightness_scaled), ab, atol=1e-5)


@pytest.mark.slow
def test_what_is_saved_is_all_that_there_is(make, folded, lightness_scaled, tmp_path):
    x = tf.constant(lightness_scaled)
    ab = tf.repeat(tf.repeat(folded(x), 2, 1), 2, 2)
    first, second = make(8), make(8)
    for _ in range(3):
        first.step(x, ab)
    first.save_weights(tmp_path / "state.h5")
    second.load_weights(tmp_path / "state.h5")
    for each in (first, second):
        for _ in range(3):
            each.step(x, ab)
    assert first.learning_rate() == second.learning_rate() < 1e-3
    assert same(first.result(), second.result())
    assert not same(first.result(), make(8).result())
