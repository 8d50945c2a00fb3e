"""Multiply-adds, against counts by hand."""

import keras
import pytest

from keras_colorize.config import PRESETS, DiscriminatorConfig
from keras_colorize.models.baselines.iizuka2016 import build_iizuka2016
from keras_colorize.models.baselines.pix2pix import build_pix2pix
from keras_colorize.models.cost import multiply_adds
from keras_colorize.models.discriminator import build_discriminator
from keras_colorize.models.generator import build_generator

layers = keras.layers


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (layers.Conv2D(5, 3, padding="same"), 8 * 12 * 9 * 4 * 5),
        (layers.Conv2D(5, 3), 6 * 10 * 9 * 4 * 5),
        (layers.Conv2D(5, 3, strides=2, padding="same"), 4 * 6 * 9 * 4 * 5),
        (layers.Conv2D(5, 3, dilation_rate=2, padding="same"), 8 * 12 * 9 * 4 * 5),
        (layers.Conv2D(6, 3, groups=2, padding="same"), 8 * 12 * 9 * 2 * 6),
        (layers.DepthwiseConv2D(3, padding="same"), 8 * 12 * 9 * 4),
        (layers.Conv2DTranspose(5, 4, strides=2, padding="same"), 8 * 12 * 16 * 4 * 5),
        (layers.Dense(7), 8 * 12 * 4 * 7),
        (layers.BatchNormalization(), 0),
    ],
)
def test_a_layer(layer, expected):
    inputs = keras.Input((None, None, 4))
    assert multiply_adds(keras.Model(inputs, layer(inputs)), (8, 12, 4)) == expected


def test_a_dense_layer_of_vectors():
    inputs = keras.Input((8, 8, 3))
    x = layers.Dense(10)(layers.Flatten()(inputs))
    model = keras.Model(inputs, layers.Dense(2)(x))
    assert multiply_adds(model, (8, 8, 3)) == 192 * 10 + 10 * 2


def test_a_shared_layer_counts_each_time():
    inputs = [keras.Input((None, None, 3)) for _ in range(2)]
    shared = layers.Conv2D(4, 1)
    model = keras.Model(inputs, [shared(x) for x in inputs])
    assert multiply_adds(model, (8, 8, 3), (2, 3, 3)) == (64 + 6) * 12
    assert len(shared._inbound_nodes) == 2  # the network itself is not called again


def test_the_discriminator():
    model = build_discriminator(DiscriminatorConfig((4, 8), (2, 1)))
    expected = 16 * (8 * 16 * (3 * 4) + 8 * 16 * (4 * 8) + 8 * 16 * 8)
    assert multiply_adds(model, (16, 32, 1), (16, 32, 2)) == expected


@pytest.mark.parametrize(
    ("build", "expected"),
    [
        pytest.param(build_generator, 157_819_076_608, id="paper"),
        # 18 10^9 where a transposed convolution's products with zeros between its inputs count.
        pytest.param(build_pix2pix, 5_981_077_504, id="pix2pix"),
        pytest.param(
            lambda: build_generator(PRESETS["mobile"].generator),
            3_410_967_552,
            id="mobile",
            marks=pytest.mark.slow,
        ),
        pytest.param(build_iizuka2016, 14_487_732_224, id="iizuka2016", marks=pytest.mark.slow),
    ],
)
def test_the_networks_compared(build, expected):
    assert multiply_adds(build(), (256, 256, 1)) == expected


def test_a_shared_part_of_a_baseline_counts_at_both_sizes():
    """Twice the width and height is four times the work of all but the global branch."""
    model = build_iizuka2016(width=0.125, global_size=64)
    small, large = (multiply_adds(model, (size, size, 1)) for size in (64, 128))
    by_place = (large - small) // 3
    low_level = 32**2 * 9 * (8 + 8 * 16) + 16**2 * 9 * (16 * 16 + 16 * 32) + 8**2 * 9 * 3 * 32 * 32
    vector = 2**2 * 64 * 128 + 128 * 64 + 64 * 32 + 32 * 32
    deep = (4**2 * 2 + 2**2 * 2) * 9 * 64 * 64
    assert small - by_place == low_level + deep + vector
