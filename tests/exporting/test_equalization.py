"""Equalization: the same function, with channels whose activations fit into 8 bits."""

import keras
import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from keras_colorize.exporting import tflite
from keras_colorize.exporting.equalization import (
    LIMIT,
    channel_scales,
    equalize,
    measure,
    rescale,
)
from keras_colorize.imaging.color import scale_ab, scale_lightness
from keras_colorize.models.folding import fold_batch_norm, unfold_batch_norm

SIZE = (64, 64)


def random_scales(folded):
    """For each ReLU layer: factors between 1/10 and 10, as many as it has channels."""
    random = np.random.default_rng(0)
    relus = [layer for layer in folded.layers if isinstance(layer, keras.layers.ReLU)]
    return {relu.name: 10 ** random.uniform(-1, 1, relu.output.shape[-1]) for relu in relus}


@pytest.fixture(scope="module")
def folded(joining_generator):
    return fold_batch_norm(joining_generator)


@pytest.fixture(scope="module")
def unequal(folded):
    return rescale(folded, random_scales(folded))


@pytest.fixture(scope="module")
def lightness_scaled(samples):
    return scale_lightness(tflite.cover(samples, SIZE))


@pytest.fixture(scope="module")
def expected(folded, lightness_scaled):
    return outputs(folded, lightness_scaled)


def outputs(model, lightness_scaled):
    return np.asarray(model(lightness_scaled, training=False))


def test_rescaled_channels_change_nothing(folded, unequal, lightness_scaled, expected):
    assert expected.std() > 0.1
    np.testing.assert_allclose(outputs(unequal, lightness_scaled), expected, atol=1e-5)
    for one, other in zip(folded.layers, unequal.layers, strict=True):
        for before, after in zip(one.get_weights()[:1], other.get_weights()[:1], strict=True):
            assert not np.allclose(before, after, rtol=0.1)


def test_long_connections_are_rescaled_too(generator, lightness_scaled):
    folded = fold_batch_norm(generator)
    rescaled = rescale(folded, random_scales(folded))
    expected = outputs(folded, lightness_scaled)
    np.testing.assert_allclose(outputs(rescaled, lightness_scaled), expected, atol=1e-5)


def test_activations_are_divided_by_the_scales(folded, unequal, lightness_scaled):
    relu = "node_1_2_up_relu"
    values, divided = (
        outputs(keras.Model(model.input, model.get_layer(relu).output), lightness_scaled)
        for model in (folded, unequal)
    )
    expected = values / random_scales(folded)[relu]
    np.testing.assert_allclose(divided, expected, rtol=1e-3, atol=1e-3 * expected.std())
    found = dict(measure(folded, lightness_scaled))
    assert len(found) == 3 * 15 + 4 + 10
    np.testing.assert_allclose(found[relu], values.max((1, 2)), rtol=1e-4, atol=1e-6)


def test_equalized_channels_end_at_the_limit(unequal, lightness_scaled, expected):
    equalized = equalize(unequal, lightness_scaled)
    spreads = []
    for (_, before), (_, after) in zip(
        measure(unequal, lightness_scaled), measure(equalized, lightness_scaled), strict=True
    ):
        before, after = before.max(axis=0), after.max(axis=0)  # of each channel
        assert 0.8 * LIMIT < after.max() <= LIMIT
        awake = before > 0.02 * before.max()
        spreads.append([np.log(values[awake]).std() for values in (before, after)])
    assert np.mean(spreads, axis=0)[0] > 0.8
    assert np.mean(spreads, axis=0)[1] < 0.6 * np.mean(spreads, axis=0)[0]
    error = outputs(equalized, lightness_scaled) - expected
    assert 0 < error.std() < 0.1 * expected.std()  # little is cut off


def test_scales_are_between_a_channels_range_and_its_tensors():
    peaks = np.repeat([[8.0, 2.0, 0.5]], 20, axis=0)
    np.testing.assert_allclose(channel_scales(peaks), np.array([8, 4, 2]) / LIMIT)


def test_a_rare_photograph_makes_no_range():
    peaks = np.random.default_rng(0).uniform(0.9, 1, (40, 3))
    blown_up = peaks.copy()
    blown_up[[7, 23]] = 500
    assert channel_scales(blown_up) == pytest.approx(channel_scales(peaks), rel=0.05)


def test_channels_and_layers_that_are_silent_get_a_scale():
    peaks = np.array([[3.0, 0.0]] * 4)
    assert channel_scales(peaks) == pytest.approx(np.array([3, 0.3]) / LIMIT)
    assert (channel_scales(np.zeros((4, 2))) > 0).all()


def test_int8_of_unequal_channels_loses_much_less_with_it(
    unequal, samples, lightness_scaled, expected, monkeypatch
):
    generator = unfold_batch_norm(unequal)

    def error():
        model = tflite.convert(generator, kind="int8", sizes=[SIZE], representative=samples)
        runner = Interpreter(model_content=model).get_signature_runner("colorize")
        ab = [runner(lightness=50 * (x[None] + 1))["ab"][0] for x in lightness_scaled]
        return (scale_ab(np.array(ab)) - expected).std()

    with_it = error()
    monkeypatch.setattr(tflite, "rescale", lambda folded, scales, limit: folded)
    assert with_it < 0.1 * expected.std()
    assert with_it < 0.3 * error()
