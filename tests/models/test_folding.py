"""Batch norm folded away changes nothing but rounding."""

import numpy as np
import pytest

from keras_colorize.config import AGGREGATIONS, GeneratorConfig
from keras_colorize.models.folding import fold_batch_norm, unfold_batch_norm
from keras_colorize.models.generator import build_generator, config_of

SMALL = (4, 6, 8, 6, 5)
CASES = [("improved_dla", 1), ("improved_dla", 2), ("improved_dla", 4)]
CASES += [(aggregation, 2) for aggregation in AGGREGATIONS[1:]]


@pytest.mark.parametrize(("aggregation", "stride"), CASES)
def test_folded_equals_unfolded(aggregation, stride, randomize, lightness_scaled):
    generator = randomize(build_generator(GeneratorConfig(SMALL, stride, aggregation)))
    before = generator.get_weights()
    folded = fold_batch_norm(generator)
    x = lightness_scaled(2, 32 * stride, 16 * stride)
    expected = np.array(generator(x, training=False))
    assert expected.std() > 0.01  # neither dead nor saturated
    assert np.abs(expected).mean() < 0.95
    np.testing.assert_allclose(folded(x), expected, atol=1e-5)
    kinds = {type(layer).__name__ for layer in folded.layers}
    assert "BatchNormalization" not in kinds
    assert "Conv2DTranspose" in kinds
    assert config_of(folded) == config_of(generator)
    for ours, theirs in zip(generator.get_weights(), before, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_unfolded_again_computes_the_same(randomize, lightness_scaled):
    folded = fold_batch_norm(randomize(build_generator(GeneratorConfig(SMALL, 2))))
    generator = unfold_batch_norm(folded)
    x = lightness_scaled(2, 64, 32)
    np.testing.assert_allclose(generator(x, training=False), folded(x), atol=1e-5)
    assert config_of(generator) == config_of(folded)
    assert generator.get_layer("node_0_1_up_bn").trainable


def test_unfolded_kernels_are_as_long_as_random_ones(randomize):
    folded = fold_batch_norm(randomize(build_generator(GeneratorConfig(SMALL, 2))))
    kernel, bias = folded.get_layer("encoder_1_conv_1").get_weights()
    kernel[..., 1] = 0.0
    folded.get_layer("encoder_1_conv_1").set_weights([kernel, bias])
    generator = unfold_batch_norm(folded)
    (kernel,) = generator.get_layer("encoder_1_conv_1").get_weights()
    lengths = np.linalg.norm(kernel.reshape(-1, kernel.shape[-1]), axis=0)
    np.testing.assert_allclose(np.delete(lengths, 1), 2**0.5, rtol=1e-5)
    assert lengths[1] == 0.0
    (kernel,) = generator.get_layer("node_0_1_up").get_weights()
    lengths = np.linalg.norm(np.moveaxis(kernel, 2, 0).reshape(kernel.shape[2], -1), axis=1)
    np.testing.assert_allclose(lengths, 2**0.5, rtol=1e-5)


def test_a_generator_without_batch_norm_is_returned_as_it_is(randomize):
    folded = fold_batch_norm(randomize(build_generator(GeneratorConfig(SMALL, 2))))
    assert fold_batch_norm(folded) is folded
