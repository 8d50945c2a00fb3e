"""The first convolution of the folded picture: the same function, and the way back."""

import numpy as np
import pytest
import tensorflow as tf

from keras_colorize.config import GeneratorConfig
from keras_colorize.models.first_layer import FIRST_LAYER, fold_kernel, fold_picture, unfold_kernel
from keras_colorize.models.generator import build_generator


@pytest.mark.parametrize("stride", [1, 2, 4])
def test_the_function_stays_the_same(stride):
    config = GeneratorConfig((4, 4, 4, 4, 4), stride, "unet")
    folded = build_generator(config, batch_norm=False)
    random = np.random.default_rng(0)
    folded.set_weights([random.normal(0, 0.3, w.shape) for w in folded.get_weights()])
    picture = random.uniform(-1, 1, (2, 64, 128, 1)).astype(np.float32)
    network = fold_picture(folded)
    assert network.get_layer(FIRST_LAYER).kernel.shape == (3, 3, stride**2, 4)
    small = tf.nn.space_to_depth(picture, stride) if stride > 1 else picture
    expected = folded.predict(picture, verbose=0)
    assert expected.std() > 0.1
    np.testing.assert_allclose(network.predict(small, verbose=0), expected, atol=1e-4)


@pytest.mark.parametrize("c", [1, 2, 4])
def test_kernels_go_there_and_back(c):
    kernel = np.random.default_rng(0).normal(size=(3 * c, 3 * c, 1, 5)).astype(np.float32)
    np.testing.assert_array_equal(unfold_kernel(fold_kernel(kernel)), kernel)
