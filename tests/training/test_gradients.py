"""The gradient's norm at each scale: of which variables, and what it is under loss scaling."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_colorize.config import AGGREGATIONS, GeneratorConfig
from keras_colorize.models.generator import build_generator
from keras_colorize.training.gradients import variables_by_scale

NORMS = [f"gradient_norm_{scale}" for scale in range(5)]


@pytest.mark.parametrize("aggregation", AGGREGATIONS)
def test_every_variable_belongs_to_the_scale_of_its_width(aggregation):
    """Each scale has a width of its own, and a layer's last axis is that width."""
    widths = (3, 4, 5, 6, 7)
    generator = build_generator(GeneratorConfig(widths, 2, aggregation))
    groups = variables_by_scale(generator)
    assert list(groups) == NORMS
    assert sorted(sum(groups.values(), [])) == list(range(len(generator.trainable_variables)))
    for name, width in zip(NORMS, widths, strict=True):
        for k in groups[name]:
            variable = generator.trainable_variables[k]
            if "ab_scaled" in variable.path:
                assert name == "gradient_norm_0"
            else:
                transposed = "_up/" in variable.path and "kernel" in variable.path
                assert variable.shape[-2 if transposed else -1] == width, variable.path


def test_a_network_of_other_makers_has_no_scales(make_gan):
    lightness = keras.Input((None, None, 1))
    x = keras.layers.Conv2D(4, 3, padding="same", name="encoder_0_conv")(lightness)
    x = keras.layers.Conv2D(2, 1, name="output")(x)
    network = keras.Model(lightness, x)
    assert variables_by_scale(network) == {}
    assert len(make_gan(generator=lambda: network).trackers) == 4


def l1_norms(make_gan, batch, optimizer, steps=1):
    gan = make_gan()
    gan.compile(optimizer, keras.optimizers.SGD(0.0), gradient_norms=True)
    gan.adversarial = False
    for _ in range(steps):
        logs = gan.train_step(tuple(map(tf.constant, batch)))
    return gan, [float(logs[name]) for name in NORMS[:2]]


def test_the_scale_of_the_loss_is_not_in_them(make_gan, batch):
    _, plain = l1_norms(make_gan, batch, keras.optimizers.SGD(0.01))
    scaling = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.01), initial_scale=512)
    _, scaled = l1_norms(make_gan, batch, scaling)
    _, constant = l1_norms(make_gan, batch, keras.optimizers.SGD(0.01, loss_scale_factor=64))
    assert scaled == pytest.approx(plain, rel=1e-5)
    assert constant == pytest.approx(plain, rel=1e-5)


def test_steps_that_overflow_are_not_counted(make_gan, batch):
    scaling = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.01), initial_scale=1e38)
    gan, norms = l1_norms(make_gan, batch, scaling)
    assert norms == [0, 0]
    assert gan.running_means()["gradient_norm_0"] == [0, 0]
    scaling.dynamic_scale.assign(512.0)
    logs = gan.train_step(tuple(map(tf.constant, batch)))
    _, expected = l1_norms(make_gan, batch, keras.optimizers.SGD(0.01))
    assert [float(logs[name]) for name in NORMS[:2]] == pytest.approx(expected, rel=1e-4)


def test_they_are_means_that_go_on_where_they_were(make_gan, batch):
    _, first = l1_norms(make_gan, batch, keras.optimizers.SGD(0.01))
    gan, both = l1_norms(make_gan, batch, keras.optimizers.SGD(0.01), steps=2)
    means = gan.running_means()
    assert means["gradient_norm_1"] == pytest.approx([2 * both[1], 2])
    assert not np.isclose(both, first, rtol=1e-3).all()
    gan.reset_metrics()
    gan.set_running_means(means)
    assert gan.running_means() == means
    gan.reset_metrics()
    gan.set_running_means({"l1_loss": [0.5, 2.0]})  # a checkpoint from before there were norms
    assert gan.running_means()["gradient_norm_1"] == [0, 0]
