"""The steps of a pretrained encoder."""

import keras
import numpy as np

from keras_colorize.training.optimizers import EncoderAdam

STEPS = 12


def layers():
    """One in the encoder, whose last filter is a hundredth of the others, and one that is not."""
    made = []
    for name in ("encoder_1_stage_2_1_expand", "encoder_1_lateral"):
        layer = keras.layers.Conv2D(3, 1, name=name)
        layer.build((None, None, None, 2))
        kernel = np.linspace(-1, 1, 6).reshape(1, 1, 2, 3) * [1.0, 1.0, 0.01]
        layer.set_weights([kernel, np.linspace(-1, 1, 3)])
        made.append(layer)
    return made


def sizes(kernel):
    """Root mean square of each filter."""
    return np.sqrt(np.mean(kernel**2, axis=(0, 1, 2)))


def in_shares(places):
    """Where Adam's steps lead if each is multiplied by the sizes of the filters that it moves."""
    found = [places[0]]
    for before, after in zip(places, places[1:], strict=False):
        found.append(found[-1] + (after - before) * sizes(found[-1]))
    return found


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


def test_the_encoder_moves_by_shares_and_the_rest_as_under_adam():
    inside, outside = (layer.kernel for layer in layers())
    ours = moved(EncoderAdam(1e-2, 0.25, beta_1=0.7), [inside, outside])
    inside, outside = (layer.kernel for layer in layers())
    whole = moved(keras.optimizers.Adam(1e-2, beta_1=0.7), [inside, outside])
    quarter = moved(keras.optimizers.Adam(2.5e-3, beta_1=0.7), [layers()[0].kernel])
    expected = in_shares([place for (place,) in quarter])
    for step in range(STEPS + 1):
        np.testing.assert_allclose(ours[step][0], expected[step], atol=1e-6)
        np.testing.assert_array_equal(ours[step][1], whole[step][1])


def test_filters_of_different_size_move_by_the_same_share():
    kernel = layers()[0].kernel
    (before,), (after,) = moved(EncoderAdam(1e-2, 2.0), [kernel], 1)
    assert sizes(before)[2] < sizes(before)[0] / 50
    np.testing.assert_allclose(sizes(after - before) / sizes(before), 2e-2, rtol=1e-3)


def test_the_biases_of_the_encoder_rest():
    inside, outside = layers()
    places = moved(EncoderAdam(1e-2, 2.0), [inside.kernel, inside.bias, outside.bias])
    np.testing.assert_array_equal(places[-1][1], places[0][1])
    assert (places[-1][2] != places[0][2]).all() and (places[-1][0] != places[0][0]).any()


def test_an_encoder_that_rested_begins_as_adam_begins():
    """Its first steps are no longer than the later ones, however late they come."""
    rest = 2000
    variables = [layer.kernel for layer in layers()]
    optimizer = EncoderAdam(1e-2, 0.25, rest)
    optimizer.build(variables)
    optimizer.iterations.assign(rest)
    places = [place[0] for place in moved(optimizer, variables)]
    fresh = moved(keras.optimizers.Adam(2.5e-3), [layers()[0].kernel])
    expected = in_shares([place for (place,) in fresh])
    np.testing.assert_allclose(places, expected, atol=1e-6)
    unaware = EncoderAdam(1e-2, 0.25)
    variables = [layer.kernel for layer in layers()]
    unaware.build(variables)
    unaware.iterations.assign(rest)
    first, second = (place[0] for place in moved(unaware, variables, 1))
    shares = sizes(second - first) / sizes(first)
    assert (shares > 2 * 2.5e-3).all()  # so that is what `encoder_start` is for


def test_an_encoder_that_rests_stays_to_the_bit():
    variables = [layer.kernel for layer in layers()]
    places = moved(EncoderAdam(1e-2, 0.25, 5), variables, rests=5)
    for step in range(6):
        np.testing.assert_array_equal(places[step][0], places[0][0])
    assert not np.array_equal(places[6][0], places[5][0])
    assert not np.array_equal(places[1][1], places[0][1])


def test_configuration_reads_back():
    schedule = keras.optimizers.schedules.CosineDecay(1e-3, 100)
    optimizer = EncoderAdam(schedule, 0.3, 40, beta_1=0.6, gradient_accumulation_steps=2)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(optimizer))
    assert type(again) is EncoderAdam
    assert again.get_config() == optimizer.get_config()
    assert (again.encoder_rate_ratio, again.encoder_start, again.beta_1) == (0.3, 40, 0.6)
    scaled = keras.optimizers.LossScaleOptimizer(optimizer)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(scaled))
    assert again.inner_optimizer.get_config() == optimizer.get_config()
