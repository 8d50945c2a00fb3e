"""Activations that are computed twice: the same results in less memory."""

import inspect
import json
import os
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_colorize.config import GeneratorConfig
from keras_colorize.models.generator import build_generator
from keras_colorize.training.rematerialization import rematerialized


def pass_and_gradient(call, generator, lightness):
    weights = [tf.convert_to_tensor(v.value) for v in generator.trainable_variables]
    others = [tf.convert_to_tensor(v.value) for v in generator.non_trainable_variables]
    with tf.GradientTape() as tape:
        tape.watch(weights)
        ab, new = call(weights, others, lightness)
        loss = tf.reduce_sum(ab * ab)
    return [ab, *new], tape.gradient(loss, weights)


@pytest.mark.parametrize(
    ("aggregation", "training"), [("improved_dla", True), ("improved_dla", False), ("unet", True)]
)
def test_ab_statistics_and_gradients_are_the_same(aggregation, training):
    keras.utils.set_random_seed(1)
    generator = build_generator(GeneratorConfig((2, 3, 4, 5, 6), 2, aggregation))
    lightness = tf.random.stateless_uniform((2, 64, 32, 1), (1, 2), -1, 1)
    before = generator.get_weights()

    def plain(weights, others, x):
        return generator.stateless_call(weights, others, x, training=training)

    expected = pass_and_gradient(plain, generator, lightness)
    call = rematerialized(generator, training=training)
    results = pass_and_gradient(call, generator, lightness)
    for ours, theirs in zip(results, expected, strict=True):
        assert len(ours) == len(theirs) > 40
        for a, b in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)
    assert all(map(np.array_equal, generator.get_weights(), before))


def test_a_whole_step_is_the_same_and_statistics_move_once(make_gan, batch):
    gans = []
    for rematerialize in (False, True):
        gan = make_gan(ema=0.5)
        optimizers = [keras.optimizers.SGD(0.01), keras.optimizers.SGD(0.1)]
        gan.compile(*optimizers, rematerialize=rematerialize)
        before = gan.generator.get_weights()
        logs = gan.train_on_batch(*batch, return_dict=True)
        gans.append((gan, logs))
    (plain, expected), (saving, logs) = gans
    assert saving.get_compile_config()["rematerialize"] is True
    assert logs == pytest.approx(expected, rel=1e-5)
    for a, b in zip(saving.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)
    assert not any(map(np.array_equal, before, saving.generator.get_weights()))


def small():
    """Three blocks and the last layer."""
    import keras

    from keras_colorize.models.blocks import conv_block

    lightness = x = keras.Input((None, None, 1), name="lightness_scaled")
    for k in range(3):
        x = conv_block(x, 4, batch_norm=True, name=f"encoder_{k}")
    return keras.Model(lightness, keras.layers.Conv2D(2, 1, name="ab_scaled")(x))


def test_tensorflow_computes_each_block_twice():
    generator = small()
    counts = []
    for call in (
        lambda *values: generator.stateless_call(*values, training=True),
        rematerialized(generator),
    ):
        graph = tf.function(
            lambda x, call=call: pass_and_gradient(call, generator, x)
        ).get_concrete_function(tf.TensorSpec((1, 32, 32, 1)))
        counts.append(sum(node.op == "Conv2D" for node in graph.graph.as_graph_def().node))
    assert counts == [10, 20]


JAX = (
    """
import os, sys
sys.modules["tensorflow"] = None
import json
import jax, keras, numpy as np
from keras_colorize.training.gan_jax import recompute
from keras_colorize.training.rematerialization import rematerialized
"""
    + inspect.getsource(small)
    + """
keras.utils.set_random_seed(0)
generator = small()
lightness = np.random.default_rng(0).uniform(-1, 1, (2, 64, 64, 1)).astype("float32")

def plain(weights, others, x):
    return generator.stateless_call(weights, others, x, training=True)

def loss(weights, others, call):
    ab, others = call(weights, others, lightness)
    return (ab ** 2).mean(), others

values = [v.value for v in generator.trainable_variables]
others = [v.value for v in generator.non_trainable_variables]
needed, results = [], []
for call in (plain, rematerialized(generator, recompute)):
    step = jax.jit(jax.value_and_grad(loss, has_aux=True), static_argnums=2)
    compiled = step.lower(values, others, call).compile()
    needed.append(compiled.memory_analysis().temp_size_in_bytes)
    results.append(jax.tree.leaves(compiled(values, others)))
differences = [float(abs(a - b).max()) for a, b in zip(*results, strict=True)]
print(json.dumps({"bytes": needed, "differences": differences}))
"""
)


def test_jax_needs_less_memory_for_the_same():
    environment = {
        **os.environ,
        "KERAS_BACKEND": "jax",
        "JAX_PLATFORMS": "cpu",
        "XLA_FLAGS": "--xla_backend_optimization_level=0",  # compiling is what takes the time
    }
    result = subprocess.run(
        [sys.executable, "-c", JAX], capture_output=True, text=True, env=environment
    )
    assert result.returncode == 0, result.stderr
    facts = json.loads(result.stdout.splitlines()[-1])
    assert len(facts["differences"]) == 1 + 18 + 29  # loss, statistics, gradients
    assert max(facts["differences"]) < 1e-5
    plain, saving = facts["bytes"]
    assert saving < 0.75 * plain
