"""What every baseline must be: a Keras model that any backend loads, runs and trains."""

import json
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_colorize.models.baselines.iizuka2016 import build_iizuka2016
from keras_colorize.models.baselines.pix2pix import build_pix2pix

BUILDERS = {
    "pix2pix": lambda **options: build_pix2pix(0.125, 4, **options),
    "iizuka2016": lambda **options: build_iizuka2016(0.125, 32, **options),
}
BASELINES = list(BUILDERS)
FRESH = """
import json, sys
from pathlib import Path
import keras, numpy as np

keras.utils.set_random_seed(3)
folder = Path(sys.argv[1])
lightness = np.load(folder / "lightness.npy")
facts = {}
for name in sys.argv[2:]:
    network = keras.saving.load_model(folder / f"{name}.keras")
    ab = network.predict(lightness, verbose=0)
    np.save(folder / f"{name}.{keras.backend.backend()}.npy", ab)
    if keras.backend.backend() == "jax":
        import jax

        def loss(weights, others):
            ab, others = network.stateless_call(weights, others, lightness, training=True)
            return abs(ab - 0.3).mean(), others

        @jax.jit
        def step(weights, others):
            (value, after), gradient = jax.value_and_grad(loss, has_aux=True)(weights, others)
            return value, after, [w - 0.001 * g for w, g in zip(weights, gradient)]

        weights = [v.value for v in network.trainable_variables]
        others = [v.value for v in network.non_trainable_variables]
        before, after, moved = step(weights, others)
        facts[name] = {
            "before": before, "other noise": step(weights, after)[0],
            "after a step": step(moved, others)[0],
            "statistics": {
                v.path: np.array(a).tolist()
                for v, a in zip(network.non_trainable_variables, after) if "moving" in v.name
            },
        }
assert "keras_colorize" not in sys.modules
print(json.dumps(facts, default=float))
"""


@pytest.fixture(scope="module")
def networks(randomize):
    keras.utils.set_random_seed(3)
    return {name: randomize(build()) for name, build in BUILDERS.items()}


@pytest.fixture(scope="module")
def x():
    """So many that batch norm of one vector a picture has statistics."""
    return np.random.default_rng(1).uniform(-1, 1, (16, 32, 48, 1)).astype(np.float32)


@pytest.fixture(scope="module")
def fresh(networks, x, tmp_path_factory, environments):
    """The ab of each on each backend, in a process that knows Keras alone; JAX trains too."""
    folder = tmp_path_factory.mktemp("baselines")
    np.save(folder / "lightness.npy", x)
    for name, network in networks.items():
        network.save(folder / f"{name}.keras")
    facts = {}
    for backend in ("tensorflow", "jax"):
        result = subprocess.run(
            [sys.executable, "-c", FRESH, str(folder), *BASELINES],
            capture_output=True,
            text=True,
            env=environments(backend, 1)[0],
        )
        assert result.returncode == 0, result.stderr
        facts = json.loads(result.stdout.splitlines()[-1])
    return folder, facts


def loss_of(network, weights, others, x):
    ab, others = network.stateless_call(weights, others, x, training=True)
    return tf.reduce_mean(tf.abs(ab - 0.3)), others


@pytest.mark.parametrize("name", BASELINES)
@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_a_file_needs_nothing_but_keras(name, backend, networks, x, fresh):
    expected = np.array(networks[name](x, training=False))
    assert expected.std() > 0.01  # neither dead nor saturated
    assert np.abs(expected).max() < 0.99
    np.testing.assert_allclose(np.load(fresh[0] / f"{name}.{backend}.npy"), expected, atol=1e-5)


@pytest.mark.parametrize("name", BASELINES)
def test_a_step_on_jax_lowers_the_loss(name, fresh):
    facts = fresh[1][name]
    assert facts["after a step"] < facts["before"]
    noise = abs(facts["other noise"] - facts["before"])
    assert noise > 1e-5 if name == "pix2pix" else noise == 0


@pytest.mark.parametrize("name", BASELINES)
def test_a_step_on_tensorflow_lowers_the_loss(name, networks, x):
    network = networks[name]
    weights = [tf.convert_to_tensor(v) for v in network.trainable_variables]
    others = [tf.convert_to_tensor(v) for v in network.non_trainable_variables]
    with tf.GradientTape() as tape:
        tape.watch(weights)
        before, _ = loss_of(network, weights, others, x)
    step = tape.gradient(before, weights)
    assert all(float(tf.norm(g)) > 0 for g in step)
    moved = [w - 0.001 * g for w, g in zip(weights, step, strict=True)]
    after, _ = loss_of(network, moved, others, x)
    assert float(after) < float(before)


def test_batch_norm_that_is_used_twice_learns_the_same_on_both_backends(networks, x, fresh):
    network = networks["iizuka2016"]
    weights, others = network.trainable_variables, network.non_trainable_variables
    _, after = loss_of(network, weights, others, x)
    theirs = fresh[1]["iizuka2016"]["statistics"]
    assert {v.path for v in others} == theirs.keys()
    for variable, value in zip(others, after, strict=True):
        np.testing.assert_allclose(theirs[variable.path], value, atol=1e-4)


@pytest.mark.parametrize("name", BASELINES)
@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_output_is_named_bounded_and_float32(name, policy, x):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        model = BUILDERS[name]()
    finally:
        keras.config.set_dtype_policy(before)
    ab = model(x)
    kinds = {layer.compute_dtype for layer in model.layers if "bn" in layer.name}
    assert kinds == {policy.removeprefix("mixed_")}
    assert ab.dtype == "float32"
    assert float(keras.ops.max(abs(ab))) <= 1.0
    names = [model.name, model.input.name, model.layers[-1].name]
    assert names == [name, "lightness_scaled", "ab_scaled"]


@pytest.mark.parametrize("name", BASELINES)
def test_a_clone_computes_the_same(name, networks, x):
    network = networks[name]
    clone = keras.models.clone_model(network)
    clone.set_weights(network.get_weights())
    np.testing.assert_array_equal(clone(x, training=False), network(x, training=False))
    assert [layer.name for layer in clone.layers] == [layer.name for layer in network.layers]
