"""The blocks: a folded first convolution, an upsampling without a checkerboard, widths."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_colorize.models.blocks import conv_block, scaled, upsample


@pytest.mark.parametrize("c", [2, 4])
def test_fold_is_a_3x3_convolution_after_space_to_depth(c):
    """A kernel of 3c x 3c with stride c, weight for weight."""
    random = np.random.default_rng(c)
    inputs = keras.Input((None, None, 1))
    block = conv_block(inputs, 5, batch_norm=False, name="block", fold=c)
    model = keras.Model(inputs, block)
    layer = model.get_layer("block_conv_1")
    kernel = random.normal(size=(3 * c, 3 * c, 1, 5)).astype(np.float32)
    layer.set_weights([kernel, random.normal(size=5).astype(np.float32)])
    x = random.normal(size=(2, 8 * c, 6 * c, 1)).astype(np.float32)

    # (3, dy, 3, dx, 1, n) -> (3, 3, dy * dx, n), the order of space_to_depth's channels
    rearranged = kernel.reshape(3, c, 3, c, 1, 5).transpose(0, 2, 1, 3, 4, 5)
    rearranged = rearranged.reshape(3, 3, c * c, 5)
    folded = tf.nn.space_to_depth(x, c)
    expected = tf.nn.conv2d(folded, rearranged, 1, "SAME") + layer.bias
    np.testing.assert_allclose(layer(x), expected, atol=2e-5)
    assert tuple(model(x).shape) == (2, 8, 6, 5)


def test_upsampling_weighs_all_pixels_equally():
    inputs = keras.Input((None, None, 3))
    up = keras.Model(inputs, upsample(inputs, 2, batch_norm=False, name="up"))
    up.get_layer("up").set_weights([np.ones((4, 4, 2, 3), np.float32), np.zeros(2, np.float32)])
    out = np.array(up(np.ones((1, 6, 6, 3), np.float32)))
    assert out.shape == (1, 12, 12, 2)
    np.testing.assert_array_equal(out[:, 1:-1, 1:-1], 12.0)  # 2 x 2 products of 3 channels


@pytest.mark.parametrize(
    ("filters", "width", "expected"),
    [(64, 1.0, 64), (512, 0.25, 128), (64, 0.3, 16), (128, 0.3, 40), (64, 0.01, 8), (64, 2.0, 128)],
)
def test_scaled_filters_are_multiples_of_8(filters, width, expected):
    assert scaled(filters, width) == expected
