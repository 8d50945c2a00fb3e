"""A GAN that was saved and loaded goes on as if it had never stopped, to the last bit."""

import keras
import numpy as np
import pytest
import tensorflow as tf


def state(gan):
    parts = {
        "generator": gan.generator,
        "discriminator": gan.discriminator,
        "average": gan.ema_generator,
        "generator_optimizer": gan.generator_optimizer,
        "discriminator_optimizer": gan.discriminator_optimizer,
    }
    return {
        f"{name} {k}: {v.path.partition('/')[2]}": v.numpy().copy()  # without "adam_3/"
        for name, part in parts.items()
        for k, v in enumerate(part.variables)
    }


def assert_equal(ours, theirs):
    assert ours.keys() == theirs.keys()
    different = [name for name in ours if not np.array_equal(ours[name], theirs[name])]
    assert different == []


def steps(gan, batch, count):
    dataset = tf.data.Dataset.from_tensors(batch).repeat(count)
    gan.fit(dataset, epochs=1, verbose=0, shuffle=False)


@pytest.fixture
def make_compiled(make_gan):
    def make():
        gan = make_gan(ema=0.9)
        schedule = keras.optimizers.schedules.CosineDecay(5e-3, 8)
        gan.compile(
            keras.optimizers.Adam(schedule, 0.5),
            keras.optimizers.Adam(1e-3, 0.5),
            l1_weight=40.0,
            label_smoothing=0.1,
        )
        return gan

    return make


def test_goes_on_from_weights_or_from_a_whole_file(make_compiled, batch, tmp_path):
    unbroken = make_compiled()
    initial = state(unbroken)
    steps(unbroken, batch, 3)
    stopped = state(unbroken)
    unbroken.save_weights(tmp_path / "gan.weights.h5")
    unbroken.save(tmp_path / "gan.keras")
    steps(unbroken, batch, 3)
    final = state(unbroken)
    assert int(unbroken.generator_optimizer.iterations) == 6
    moved = [name for name in initial if not np.array_equal(initial[name], stopped[name])]
    assert sum(name.startswith("discriminator_optimizer") for name in moved) > 10
    # Were the optimizers' moments lost, the last three steps would have ended elsewhere.
    assert not all(np.array_equal(stopped[name], final[name]) for name in final)

    weights = make_compiled()
    weights.load_weights(tmp_path / "gan.weights.h5")
    assert_equal(state(weights), stopped)
    steps(weights, batch, 3)
    assert_equal(state(weights), final)

    whole = keras.saving.load_model(tmp_path / "gan.keras")
    assert (whole.l1_weight, whole.label_smoothing, whole.ema) == (40.0, 0.1, 0.9)
    restored = state(whole)
    assert [*restored.values()][0].shape == [*stopped.values()][0].shape
    steps(whole, batch, 3)
    for ours, theirs in zip(state(whole).values(), final.values(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
