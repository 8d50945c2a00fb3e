"""Gradients of several batches that move the weights once, as those of one larger batch do."""

from dataclasses import replace

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_colorize.config import PRESETS, TrainingConfig
from keras_colorize.training.building import build_gan
from keras_colorize.training.gradients import variables_by_scale


def sgd(rate, batches):
    return keras.optimizers.SGD(rate, gradient_accumulation_steps=batches if batches > 1 else None)


def frozen(gan):
    """With the statistics of batch norm frozen, the mean over a batch is that over its parts."""
    for network in (gan.generator, gan.discriminator):
        for layer in network.layers:
            if isinstance(layer, keras.layers.BatchNormalization):
                layer.trainable = False
    gan.scales = variables_by_scale(gan.generator)
    return gan


def take_steps(gan, batch, batches):
    """Twice the whole batch, in so many parts each time."""
    lightness, ab = (np.split(x, batches) for x in batch)
    parts = [tuple(map(tf.constant, part)) for part in zip(lightness, ab, strict=True)]
    return [gan.train_step(part) for part in 2 * parts]


def weights(network):
    return [v.numpy().copy() for v in network.trainable_variables]


# The generator is judged by the discriminator as it is: the same one only while that rests.
@pytest.mark.parametrize(
    ("adversarial", "rate", "compared"),
    [(False, 0.1, "generator"), (True, 0.0, "generator"), (True, 10.0, "discriminator")],
)
def test_parts_equal_the_whole_batch(make_gan, batch, adversarial, rate, compared):
    results, averages = [], []
    for batches in (1, 2):
        gan = frozen(make_gan(ema=0.5))
        gan.compile(sgd(0.01, batches), sgd(rate, batches), l1_weight=30.0)
        gan.adversarial = adversarial
        before = weights(getattr(gan, compared))
        if compared == "discriminator":
            gan.optimizer.learning_rate = 0.0
        take_steps(gan, batch, batches)
        results.append(weights(getattr(gan, compared)))
        averages.append(weights(gan.ema_generator) if compared == "generator" else [])
    for first, whole, parts in zip(before, *results, strict=True):
        assert np.abs(whole - first).max() > 1e-3
        np.testing.assert_allclose(parts, whole, atol=1e-5)
    for whole, parts in zip(*averages, strict=True):
        np.testing.assert_allclose(parts, whole, atol=1e-5)


def test_weights_and_average_wait_for_the_last_batch_and_norms_do_not(make_gan, batch):
    gan, plain = make_gan(ema=0.5), make_gan()
    gan.compile(sgd(0.01, 2), sgd(0.1, 2), gradient_norms=True)
    plain.compile(sgd(0.01, 1), sgd(0.0, 1), gradient_norms=True)
    pair = tuple(map(tf.constant, batch))
    networks = gan.generator, gan.discriminator, gan.ema_generator
    before = [weights(network) for network in networks]
    logs = gan.train_step(pair)
    for network, values in zip(networks, before, strict=True):
        for now, then in zip(weights(network), values, strict=True):
            np.testing.assert_array_equal(now, then)
    expected = plain.train_step(pair)
    for name in ("l1_loss", "discriminator_loss", "gradient_norm_0", "gradient_norm_1"):
        assert float(logs[name]) == pytest.approx(float(expected[name]), rel=1e-5)
    gan.train_step(pair)
    for network, values in zip(networks, before, strict=True):
        assert not any(map(np.array_equal, weights(network), values))
    assert float(gan.iterations()) == 1


def test_a_batch_that_overflows_is_left_out(make_gan, batch):
    """The scale of the loss may change in between: what is summed up is without it."""
    scaling = keras.optimizers.LossScaleOptimizer(sgd(0.01, 2), initial_scale=512)
    gan, plain = make_gan(), make_gan()
    gan.compile(scaling, sgd(0.0, 2))
    plain.compile(sgd(0.01, 2), sgd(0.0, 2))
    for one in (gan, plain):
        one.adversarial = False
    pair = tuple(map(tf.constant, batch))
    gan.train_step(pair)
    scaling.dynamic_scale.assign(1e38)
    gan.train_step(pair)
    scaling.dynamic_scale.assign(64.0)
    gan.train_step(pair)
    for _ in range(2):
        plain.train_step(pair)
    assert float(gan.iterations()) == 1
    for ours, theirs in zip(weights(gan.generator), weights(plain.generator), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_goes_on_from_within(make_gan, batch, tmp_path):
    def compiled():
        gan = make_gan(ema=0.5)
        adams = [keras.optimizers.Adam(1e-2, gradient_accumulation_steps=3) for _ in range(2)]
        gan.compile(*adams)
        return gan

    unbroken, resumed = compiled(), compiled()
    pair = tuple(map(tf.constant, batch))
    unbroken.train_step(pair)
    unbroken.train_step(pair)
    unbroken.save_weights(tmp_path / "within.weights.h5")
    resumed.load_weights(tmp_path / "within.weights.h5")
    before = weights(resumed.generator)
    for gan in (unbroken, resumed):
        gan.train_step(pair)
    assert not any(map(np.array_equal, before, weights(resumed.generator)))
    for ours, theirs in zip(resumed.variables, unbroken.variables, strict=True):
        np.testing.assert_array_equal(ours.numpy(), theirs.numpy(), err_msg=ours.path)


def test_the_recipes_rates_end_with_the_run(monkeypatch):
    """The schedule counts batches, as `steps` do."""
    recipe = TrainingConfig(
        batch_size=2, accumulation=3, epochs=2, steps_per_epoch=6, schedule="linear"
    )
    assert recipe.images_per_update == 6
    preset = PRESETS["tiny"]
    monkeypatch.setattr(
        "keras_colorize.models.networks.build_generator",
        lambda _: keras.Sequential(
            [keras.Input((None, None, 1)), keras.layers.Conv2D(2, 1, name="ab_scaled")]
        ),
    )
    gan = build_gan(replace(preset, training=recipe), 6)
    for optimizer in (gan.generator_optimizer, gan.discriminator_optimizer):
        assert optimizer.gradient_accumulation_steps == 3
        zeros = [np.zeros(v.shape, np.float32) for v in optimizer._trainable_variables]
        for k in range(12):
            assert float(optimizer.learning_rate) == pytest.approx(3e-4 * (1 - k / 12), rel=1e-5)
            optimizer.apply(zeros)
        assert float(optimizer.learning_rate) == 0
        assert int(optimizer.iterations) == 4


def test_an_epoch_holds_whole_accumulations():
    with pytest.raises(ValueError, match=r"steps_per_epoch must be a multiple of accumulation, 4"):
        TrainingConfig(accumulation=4, steps_per_epoch=6)
    assert TrainingConfig(accumulation=3, steps_per_epoch=6).accumulation == 3
