"""The discriminator: table 1 of the paper."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_colorize.config import PRESETS, DiscriminatorConfig
from keras_colorize.models.discriminator import build_discriminator


@pytest.fixture(scope="module")
def paper():
    return build_discriminator()


def seen_by_one_logit(config):
    """Side of the square of inputs with a gradient from a logit in the middle, statistics fixed."""
    model = build_discriminator(config)
    size = 160
    lightness = tf.random.stateless_normal((1, size, size, 1), (1, 2))
    ab = tf.random.stateless_normal((1, size, size, 2), (3, 4))
    with tf.GradientTape() as tape:
        tape.watch(ab)
        logits = model([lightness, ab], training=False)
        middle = logits[0, logits.shape[1] // 2, logits.shape[2] // 2, 0]
    touched = np.any(np.array(tape.gradient(middle, ab))[0] != 0, axis=-1)
    rows, columns = np.flatnonzero(touched.any(1)), np.flatnonzero(touched.any(0))
    assert 0 < rows[0] and rows[-1] < size - 1  # the border does not cut it
    sides = rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1
    assert sides[0] == sides[1]
    return sides[0]


def test_the_papers_size(paper):
    assert paper.count_params() == 2_767_617
    assert tuple(paper.compute_output_shape([(1, 256, 256, 1), (1, 256, 256, 2)])) == (1, 16, 16, 1)


def test_the_papers_layers(paper):
    convolutions = [layer for layer in paper.layers if isinstance(layer, keras.layers.Conv2D)]
    table = [(c.filters, c.kernel_size[0], c.strides[0], c.padding) for c in convolutions]
    assert table == [
        (64, 4, 2, "same"),
        (128, 4, 2, "same"),
        (256, 4, 2, "same"),
        (512, 4, 2, "same"),
        (1, 4, 1, "same"),
    ]
    kinds = [type(layer).__name__ for layer in paper.layers[3:]]
    assert kinds == ["Conv2D", "BatchNormalization", "LeakyReLU"] * 4 + ["Conv2D"]
    slopes = [float(a.negative_slope) for a in paper.layers if "LeakyReLU" in str(type(a))]
    assert slopes == pytest.approx([0.2] * 4)
    assert convolutions[-1].activation.__name__ == "linear"  # logits, no sigmoid
    assert [tensor.name for tensor in paper.inputs] == ["lightness_scaled", "ab_scaled"]


@pytest.mark.parametrize(("last_kernel", "side"), [(4, 94), (1, 46)])
def test_the_papers_receptive_field(last_kernel, side):
    config = DiscriminatorConfig(last_kernel=last_kernel)
    assert config.receptive_field == side
    narrow = DiscriminatorConfig((4, 4, 4, 4), last_kernel=last_kernel)
    assert seen_by_one_logit(narrow) == side


@pytest.mark.parametrize("preset", ["mobile", "tiny"])
def test_receptive_field_of_the_presets_is_a_patch(preset):
    config = PRESETS[preset].discriminator
    narrow = DiscriminatorConfig((4,) * len(config.strides), config.strides)
    assert seen_by_one_logit(narrow) == config.receptive_field < 40


def test_pix2pix_has_one_of_70_pixels():
    """C64-C128-C256-C512, the last of stride 1, no batch norm after the first (Isola et al.)."""
    config = DiscriminatorConfig(strides=(2, 2, 2, 1), first_batch_norm=False)
    model = build_discriminator(config)
    convolutions = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    assert [c.filters for c in convolutions] == [64, 128, 256, 512, 1]
    assert [c.use_bias for c in convolutions] == [True, False, False, False, True]
    kinds = [type(layer).__name__ for layer in model.layers[3:]]
    assert kinds[:2] == ["Conv2D", "LeakyReLU"]
    assert kinds[2:] == ["Conv2D", "BatchNormalization", "LeakyReLU"] * 3 + ["Conv2D"]
    narrow = DiscriminatorConfig((4, 4, 4, 4), config.strides, first_batch_norm=False)
    assert seen_by_one_logit(narrow) == config.receptive_field == 70
    # Its kernels, biases of the first and last layer, and batch norm.
    kernels = 16 * (3 * 64 + 64 * 128 + 128 * 256 + 256 * 512 + 512)
    assert model.count_params() == kernels + 64 + 1 + 4 * (128 + 256 + 512)


def test_takes_both_lightness_and_ab():
    model = build_discriminator(DiscriminatorConfig((4, 4), (2, 2)))
    random = np.random.default_rng(0)
    lightness = random.uniform(-1, 1, (2, 32, 32, 1)).astype(np.float32)
    ab = random.uniform(-1, 1, (2, 32, 32, 2)).astype(np.float32)
    logits = np.array(model([lightness, ab]))
    assert logits.shape == (2, 8, 8, 1)
    for other in ([-lightness, ab], [lightness, ab[..., ::-1]]):
        assert not np.allclose(np.array(model(other)), logits)


def test_widths_and_strides_go_together():
    with pytest.raises(ValueError, match="2 widths need as many strides"):
        DiscriminatorConfig((4, 4), (2, 2, 1))
