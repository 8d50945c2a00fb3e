"""The learning rate of a pretrained encoder, under Adam and under Muon."""

import keras
import numpy as np
import pytest

from keras_colorize.training.muon import Muon
from keras_colorize.training.optimizers import EncoderAdam, EncoderMuon

STEPS = 12


def layers(use_bias=True):
    """One in the encoder, one that is not, with the same weights."""
    made = []
    for name in ("encoder_1_stage_2_1_expand", "encoder_1_lateral"):
        layer = keras.layers.Conv2D(3, 1, use_bias=use_bias, name=name)
        layer.build((None, None, None, 2))
        values = layer.get_weights()
        layer.set_weights([np.linspace(-1, 1, w.size).reshape(w.shape) for w in values])
        made.append(layer)
    return made


def gradients(step, shape):
    """Of about the same size in each step, and never zero."""
    random = np.random.default_rng(step)
    return keras.ops.convert_to_tensor(random.uniform(0.5, 1.5, shape).astype(np.float32))


def moved(optimizer, variables, steps=STEPS, rests=0):
    """Where each step takes variables; the first of them rests in the first `rests` steps."""
    places = [[v.numpy().copy() for v in variables]]
    if not optimizer.built:
        optimizer.build(variables)
    for step in range(steps):
        given = [gradients(step, v.shape) for v in variables]
        if step < rests:
            given[0] = keras.ops.zeros_like(given[0])
        optimizer.apply(given, variables)
        places.append([v.numpy().copy() for v in variables])
    return places


def test_the_encoder_moves_by_its_share_and_the_rest_as_under_adam():
    inside, outside = (layer.kernel for layer in layers())
    ours = moved(EncoderAdam(1e-2, 0.25, beta_1=0.7), [inside, outside])
    inside, outside = (layer.kernel for layer in layers())
    whole = moved(keras.optimizers.Adam(1e-2, beta_1=0.7), [inside, outside])
    quarter = moved(keras.optimizers.Adam(2.5e-3, beta_1=0.7), [layers()[0].kernel])
    for step in range(STEPS + 1):
        np.testing.assert_allclose(ours[step][0], quarter[step][0], atol=1e-6)
        np.testing.assert_array_equal(ours[step][1], whole[step][1])
    assert np.abs(ours[1][0] - ours[0][0]).mean() == pytest.approx(2.5e-3, rel=1e-3)


def test_an_encoder_that_rested_begins_as_adam_begins():
    """Its first steps are no longer than the later ones, however late they come."""
    rest = 2000
    variables = [layer.kernel for layer in layers()]
    optimizer = EncoderAdam(1e-2, 0.25, rest)
    optimizer.build(variables)
    optimizer.iterations.assign(rest)
    before = variables[0].numpy().copy()
    places = [before] + [place[0] for place in moved(optimizer, variables)[1:]]
    fresh = moved(keras.optimizers.Adam(2.5e-3), [layers()[0].kernel])
    for ours, (theirs,) in zip(places, fresh, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)
    unaware = EncoderAdam(1e-2, 0.25)
    variables = [layer.kernel for layer in layers()]
    unaware.build(variables)
    unaware.iterations.assign(rest)
    first, second = (place[0] for place in moved(unaware, variables, 1))
    assert np.abs(second - first).mean() > 2 * 2.5e-3  # so that is what it is for


def test_an_encoder_that_rests_stays_to_the_bit():
    variables = [layer.kernel for layer in layers()]
    places = moved(EncoderAdam(1e-2, 0.25, 5), variables, rests=5)
    for step in range(6):
        np.testing.assert_array_equal(places[step][0], places[0][0])
    assert not np.array_equal(places[6][0], places[5][0])
    assert not np.array_equal(places[1][1], places[0][1])


def test_under_muon_the_encoder_moves_as_under_adam():
    """Its kernels have biases; one that batch norm follows has none, and moves as under Muon."""
    inside, outside = layers()[0], layers(use_bias=False)[1]
    ours = moved(EncoderMuon(1e-3, 0.25), [inside.kernel, inside.bias, outside.kernel])
    inside, outside = layers()[0], layers(use_bias=False)[1]
    muon = moved(Muon(1e-3), [inside.kernel, inside.bias, outside.kernel])
    quarter = moved(keras.optimizers.Adam(2.5e-4), [layers()[0].kernel])
    for step in range(STEPS + 1):
        np.testing.assert_allclose(ours[step][0], quarter[step][0], atol=1e-6)
        np.testing.assert_array_equal(ours[step][2], muon[step][2])


@pytest.mark.parametrize("kind", [EncoderAdam, EncoderMuon])
def test_configuration_reads_back(kind):
    schedule = keras.optimizers.schedules.CosineDecay(1e-3, 100)
    optimizer = kind(schedule, 0.3, 40, beta_1=0.6, gradient_accumulation_steps=2)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(optimizer))
    assert type(again) is kind
    assert again.get_config() == optimizer.get_config()
    assert (again.encoder_rate_ratio, again.encoder_start, again.beta_1) == (0.3, 40, 0.6)
    scaled = keras.optimizers.LossScaleOptimizer(optimizer)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(scaled))
    assert again.inner_optimizer.get_config() == optimizer.get_config()
