"""pix2pix: the paper's layers, its size, its dropout, and what fewer levels leave."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_colorize.models.baselines.pix2pix import build_pix2pix

# Of the paper's section 6.1.1: C64-C128-C256-C512-C512-C512-C512-C512, and the decoder
# CD512-CD512-CD512-C512-C256-C128-C64, with its channels after the skip connections.
ENCODER = [(1, 64), (64, 128), (128, 256), (256, 512)] + [(512, 512)] * 4
DECODER = [(512, 512)] + [(1024, 512)] * 3 + [(1024, 256), (512, 128), (256, 64)]
LAST = (128, 2)


def of_kind(model, kind):
    return [layer for layer in model.layers if type(layer) is kind]


def parents(layer):
    return [tensor._keras_history.operation.name for tensor in layer.input]


@pytest.fixture(scope="module")
def paper():
    return build_pix2pix()


@pytest.fixture
def small():
    return build_pix2pix(width=0.125, depth=4)


def test_the_papers_size(paper):
    kernels = sum(16 * n * m for n, m in [*ENCODER, *DECODER, LAST])
    biases = 64 + 512 + 2  # where no batch norm follows
    normalized = sum(m for _, m in ENCODER[1:-1]) + sum(m for _, m in DECODER)
    trained = kernels + biases + 2 * normalized
    assert sum(int(np.prod(v.shape)) for v in paper.trainable_variables) == trained == 54_410_434
    assert paper.count_params() == trained + 2 * normalized == 54_420_290
    assert trained == pytest.approx(54.41e6, rel=0.001)  # published, of RGB to RGB


def test_a_quarter_of_the_width():
    model = build_pix2pix(width=0.25)
    assert [c.filters for c in of_kind(model, keras.layers.Conv2D)] == [16, 32, 64] + [128] * 5
    assert model.count_params() == 3_406_034


def test_the_papers_layers(paper):
    down = of_kind(paper, keras.layers.Conv2D)
    up = of_kind(paper, keras.layers.Conv2DTranspose)
    assert [c.kernel.shape[2:] for c in down] == ENCODER
    assert [c.kernel.shape[:1:-1] for c in up] == [*DECODER, LAST]
    for layer in (*down, *up):
        assert (layer.kernel_size, layer.strides, layer.padding) == ((4, 4), (2, 2), "same")
        assert np.std(layer.kernel) == pytest.approx(0.02, rel=0.1)
        assert abs(np.mean(layer.kernel)) < 0.003
    assert up[-1].activation.__name__ == "tanh"
    slopes = [layer.negative_slope for layer in of_kind(paper, keras.layers.LeakyReLU)]
    assert slopes == pytest.approx([0.2] * 8)
    assert len(of_kind(paper, keras.layers.ReLU)) == 7


def test_no_two_layers_start_alike(paper):
    one, other = (paper.get_layer(f"encoder_{i}_down").kernel for i in (5, 6))
    assert abs(np.corrcoef(np.ravel(one), np.ravel(other))[0, 1]) < 0.01


def test_batch_norm_and_dropout_are_where_the_paper_has_them(paper):
    found = {layer.name for layer in of_kind(paper, keras.layers.BatchNormalization)}
    encoder = {f"encoder_{i}_down_bn" for i in (2, 3, 4, 5, 6, 7)}
    assert found == encoder | {f"node_{8 - j}_{j}_up_bn" for j in (1, 2, 3, 4, 5, 6, 7)}
    dropouts = of_kind(paper, keras.layers.Dropout)
    assert [d.name for d in dropouts] == [
        "node_7_1_dropout",
        "node_6_2_dropout",
        "node_5_3_dropout",
    ]
    assert [d.rate for d in dropouts] == [0.5] * 3


def test_each_scale_of_the_encoder_skips_to_that_of_the_decoder(paper):
    for j in range(1, 8):
        concat = paper.get_layer(f"node_{8 - j}_{j}_concat")
        assert parents(concat) == [f"node_{8 - j}_{j}_up_relu", f"encoder_{8 - j}_down_relu"]


@pytest.mark.parametrize(("depth", "size"), [(4, (16, 48)), (5, (64, 32)), (8, (256, 512))])
def test_takes_any_multiple_of_its_scale(depth, size, lightness_scaled):
    model = build_pix2pix(width=0.125, depth=depth)
    assert len(of_kind(model, keras.layers.Conv2D)) == depth
    ab = np.array(model(lightness_scaled(1, *size)))
    assert ab.shape == (1, *size, 2)
    assert 0 < np.abs(ab).max() <= 1


@pytest.mark.parametrize("size", [(24, 16), (16, 8)])
def test_takes_no_other_size(size, small, lightness_scaled):
    with pytest.raises((ValueError, tf.errors.InvalidArgumentError), match="Concat"):
        small(lightness_scaled(1, *size))


@pytest.mark.parametrize("depth", [3, 9])
def test_refuses_other_depths(depth):
    with pytest.raises(ValueError, match=f"depth must be 4 to 8, got {depth}"):
        build_pix2pix(depth=depth)


def test_dropout_is_noise_in_training_alone(small, lightness_scaled):
    x = lightness_scaled(2, 32, 32)
    once, twice = (np.array(small(x, training=False)) for _ in range(2))
    np.testing.assert_array_equal(once, twice)
    once, twice = (np.array(small(x, training=True)) for _ in range(2))
    assert np.abs(once - twice).mean() > 0.1 * once.std()


def test_a_clone_has_noise_of_its_own(small, lightness_scaled):
    x = lightness_scaled(2, 32, 32)
    clone = keras.models.clone_model(small)
    clone.set_weights(small.get_weights())
    np.testing.assert_array_equal(clone(x, training=False), small(x, training=False))
    once, twice = np.array(clone(x, training=True)), np.array(clone(x, training=True))
    assert not np.allclose(once, twice)
