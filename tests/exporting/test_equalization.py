"""Equalization: the same function, with channels whose activations fit into 8 bits."""

import keras
import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from keras_colorize.config import AGGREGATIONS, PRESETS, GeneratorConfig
from keras_colorize.exporting import tflite
from keras_colorize.exporting.equalization import (
    LIMIT,
    channel_scales,
    equalize,
    measure,
    rescale,
)
from keras_colorize.imaging.color import scale_lightness
from keras_colorize.models.folding import fold_batch_norm, unfold_batch_norm
from keras_colorize.models.generator import build_generator

SIZE = (64, 64)


@pytest.fixture
def lightness_scaled(samples):
    return scale_lightness(np.concatenate([tflite._cover(sample, SIZE) for sample in samples]))


def random_scales(folded, seed=0):
    """For each ReLU layer: factors between 1/30 and 30, as many as it has channels."""
    random = np.random.default_rng(seed)
    relus = [layer for layer in folded.layers if isinstance(layer, keras.layers.ReLU)]
    return {relu.name: 30 ** random.uniform(-1, 1, relu.output.shape[-1]) for relu in relus}


def outputs(model, lightness_scaled):
    return np.asarray(model(lightness_scaled, training=False))


def ranges(folded, lightness_scaled):
    """Greatest activation of each channel, by layer."""
    return [peaks.max(axis=0) for _, peaks in measure(folded, lightness_scaled)]


@pytest.mark.parametrize("aggregation", AGGREGATIONS)
def test_rescaled_channels_change_nothing(aggregation, lightness_scaled):
    keras.utils.set_random_seed(0)
    config = GeneratorConfig((4, 8, 8, 8, 8), 2, aggregation)
    folded = fold_batch_norm(build_generator(config))
    rescaled = rescale(folded, random_scales(folded))
    expected = outputs(folded, lightness_scaled)
    assert expected.std() > 0.05
    np.testing.assert_allclose(outputs(rescaled, lightness_scaled), expected, atol=1e-5)
    for one, other in zip(folded.layers, rescaled.layers, strict=True):
        for before, after in zip(one.get_weights()[:1], other.get_weights()[:1], strict=True):
            assert not np.allclose(before, after, rtol=0.1)


def test_activations_are_divided_by_the_scales(generator, lightness_scaled):
    folded = fold_batch_norm(generator)
    scales = random_scales(folded)
    found = dict(measure(rescale(folded, scales), lightness_scaled))
    for name, peaks in measure(folded, lightness_scaled):
        np.testing.assert_allclose(found[name], peaks / scales[name], rtol=1e-3, atol=1e-4)


def test_what_is_measured_is_the_greatest_of_each_photograph(generator, lightness_scaled):
    folded = fold_batch_norm(generator)
    relu = folded.get_layer("node_1_2_up_relu")
    found = dict(measure(folded, lightness_scaled))
    values = outputs(keras.Model(folded.input, relu.output), lightness_scaled)
    np.testing.assert_allclose(found[relu.name], values.max((1, 2)), rtol=1e-4, atol=1e-5)
    assert len(found) == 3 * 15 + 4 + 10


def test_unequal_channels_become_more_equal_and_end_at_the_limit(generator, lightness_scaled):
    folded = fold_batch_norm(generator)
    unequal = rescale(folded, random_scales(folded))
    before, after = (
        ranges(model, lightness_scaled) for model in (unequal, equalize(unequal, lightness_scaled))
    )
    spreads = [[np.log(r[r > 0]).std() for r in each] for each in (before, after)]
    assert np.mean(spreads[0]) > 1.5
    assert np.mean(spreads[1]) < 0.6 * np.mean(spreads[0])
    assert [layer.max() for layer in after] == pytest.approx([LIMIT] * len(after), rel=0.2)
    assert max(layer.max() for layer in after) == LIMIT


def test_little_is_cut_off(generator, lightness_scaled):
    folded = fold_batch_norm(generator)
    expected = outputs(folded, lightness_scaled)
    error = outputs(equalize(folded, lightness_scaled), lightness_scaled) - expected
    assert 0 < error.std() < 0.1 * expected.std()


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


def test_int8_of_unequal_channels_loses_much_less_with_it(samples, monkeypatch):
    keras.utils.set_random_seed(0)
    folded = fold_batch_norm(build_generator(PRESETS["tiny"].generator))
    unequal = unfold_batch_norm(rescale(folded, random_scales(folded)))
    x = tflite._cover(samples[1], SIZE)
    expected = 110 * outputs(folded, scale_lightness(x))

    def error():
        model = tflite.convert(unequal, kind="int8", sizes=[SIZE], representative=samples)
        ab = Interpreter(model_content=model).get_signature_runner("colorize")(lightness=x)["ab"]
        return np.sqrt(np.mean((ab - expected) ** 2))

    with_it = error()
    monkeypatch.setattr(tflite, "equalize", lambda folded, lightness_scaled: folded)
    assert with_it < 0.3 * error()
    assert with_it < 0.2 * expected.std()
