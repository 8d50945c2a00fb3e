"""Muon's steps: equal singular values, kept norms, and Adam for what batch norm does not scale."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from keras_colorize.config import PRESETS
from keras_colorize.models.systems import build_networks
from keras_colorize.training.muon import KERNEL_RATE, Muon, equalized


@pytest.mark.parametrize("shape", [(3, 3, 8, 16), (1, 1, 4, 24), (4, 4, 16, 8)])
def test_singular_values_become_about_equal_and_vectors_stay(shape):
    random = np.random.default_rng(0)
    gradient = random.normal(size=shape) * np.geomspace(1, 30, shape[-1])
    found = np.asarray(equalized(ops.cast(gradient, "float32")), np.float64)
    matrix = found.reshape(-1, shape[-1])
    values = np.linalg.svd(matrix, compute_uv=False)
    before = np.linalg.svd(gradient.reshape(-1, shape[-1]), compute_uv=False)
    assert before[0] > 3 * before[-1]
    assert values[0] < 2 * values[-1]
    assert np.linalg.norm(found) == pytest.approx(1, rel=1e-5)
    u, s, v = np.linalg.svd(gradient.reshape(-1, shape[-1]), full_matrices=False)
    in_its_own_terms = u.T @ matrix @ v.T
    np.testing.assert_allclose(in_its_own_terms, np.diag(np.diag(in_its_own_terms)), atol=1e-5)
    assert np.diag(in_its_own_terms).min() > 0


def test_nothing_of_nothing():
    assert not np.asarray(equalized(ops.zeros((3, 3, 4, 4)))).any()


@pytest.fixture
def generator():
    keras.utils.set_random_seed(0)
    return build_networks(PRESETS["tiny"])[0]


def step(optimizer, network, rate=0.01):
    """Gradients of random numbers; what each variable was and is."""
    random = np.random.default_rng(1)
    variables = network.trainable_variables
    before = [v.numpy().copy() for v in variables]
    gradients = [tf.constant(random.normal(size=v.shape), tf.float32) for v in variables]
    optimizer.apply(gradients, variables)
    return list(zip(variables, before, [v.numpy() for v in variables], strict=True))


def test_kernels_before_batch_norm_turn_by_a_share_and_keep_their_norm(generator):
    kernels = 0
    for variable, before, after in step(Muon(0.004), generator):
        if len(variable.shape) == 4 and "ab_scaled" not in variable.path:
            kernels += 1
            length = np.linalg.norm(before)
            assert np.linalg.norm(after) == pytest.approx(length, rel=1e-5)
            moved = np.linalg.norm(after - before) / length
            assert 0.5 * KERNEL_RATE * 0.004 < moved < 1.05 * KERNEL_RATE * 0.004, variable.path
    assert kernels > 40


def test_all_else_moves_as_by_adam(generator):
    twin = keras.models.clone_model(generator)
    twin.set_weights(generator.get_weights())
    pairs = zip(
        step(Muon(0.004, beta_1=0.7), generator),
        step(keras.optimizers.Adam(0.004, beta_1=0.7), twin),
        strict=True,
    )
    others = 0
    for (variable, _, ours), (_, _, theirs) in pairs:
        if len(variable.shape) != 4 or "ab_scaled" in variable.path:
            others += 1
            np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-7)
    assert others > 80


def test_it_learns_faster_than_adam_where_directions_differ_in_size():
    """A linear layer behind batch norm, on inputs of which one is a hundred times the others."""
    losses = {}
    random = np.random.default_rng(2)
    x = random.normal(size=(256, 1, 1, 8)) @ random.normal(size=(8, 8)) * np.geomspace(1, 100, 8)
    y = random.normal(size=(8, 2))
    y = (x[:, 0, 0] / np.geomspace(1, 100, 8)) @ y
    y = ((y - y.mean(0)) / y.std(0))[:, None, None]
    for name, optimizer in (("muon", Muon(0.004)), ("adam", keras.optimizers.Adam(0.004))):
        keras.utils.set_random_seed(3)
        network = keras.Sequential(
            [
                keras.layers.Conv2D(2, 1, use_bias=False),
                keras.layers.BatchNormalization(),
            ]
        )
        network.compile(optimizer, "mse")
        losses[name] = network.fit(x, y, batch_size=64, epochs=20, verbose=0).history["loss"][-1]
    assert losses["muon"] < 0.7 * losses["adam"]


def test_it_is_saved_with_its_state(generator, tmp_path):
    optimizer = Muon(keras.optimizers.schedules.CosineDecay(0.004, 10), beta_1=0.8)
    optimizer.build(generator.trainable_variables)
    config = keras.saving.serialize_keras_object(optimizer)
    again = keras.saving.deserialize_keras_object(config)
    assert type(again) is Muon and again.beta_1 == 0.8
    twin = keras.models.clone_model(generator)
    twin.set_weights(generator.get_weights())
    again.build(twin.trainable_variables)
    step(optimizer, generator)
    twin.set_weights(generator.get_weights())
    for mine, other in zip(again.variables, optimizer.variables, strict=True):
        mine.assign(other.numpy())
    pairs = zip(step(optimizer, generator), step(again, twin), strict=True)
    for (_, _, ours), (_, _, theirs) in pairs:
        np.testing.assert_array_equal(ours, theirs)
