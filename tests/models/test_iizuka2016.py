"""The network of Iizuka et al.: the paper's layers, its size, and how it fuses."""

import keras
import numpy as np
import pytest

from keras_colorize.models.baselines.iizuka2016 import build_iizuka2016

# The paper's table 1: kernel, stride, channels in and out. Dense layers are convolutions as large
# as their map; the fusion's 512 channels come as 256 from each place and 256 from the whole.
TABLE = {
    "low_1": (3, 2, 1, 64),
    "low_2": (3, 1, 64, 128),
    "low_3": (3, 2, 128, 128),
    "low_4": (3, 1, 128, 256),
    "low_5": (3, 2, 256, 256),
    "low_6": (3, 1, 256, 512),
    "global_1": (3, 2, 512, 512),
    "global_2": (3, 1, 512, 512),
    "global_3": (3, 2, 512, 512),
    "global_4": (3, 1, 512, 512),
    "global_dense_1": (7, 1, 512, 1024),
    "global_vector_1": (1, 1, 1024, 512),
    "global_vector_2": (1, 1, 512, 256),
    "mid_1": (3, 1, 512, 512),
    "mid_2": (3, 1, 512, 256),
    "fusion_mid": (1, 1, 256, 256),
    "fusion_global": (1, 1, 256, 256),
    "color_8_1": (3, 1, 256, 128),
    "color_4_1": (3, 1, 128, 64),
    "color_4_2": (3, 1, 64, 64),
    "color_2_1": (3, 1, 64, 32),
    "color_2_sigmoid": (3, 1, 32, 2),
}


@pytest.fixture(scope="module")
def paper():
    return build_iizuka2016()


@pytest.fixture(scope="module")
def small(randomize):
    return randomize(build_iizuka2016(width=0.125, global_size=64))


def outputs_of(model, x, *names):
    parts = keras.Model(model.input, {name: model.get_layer(name).output for name in names})
    found = parts(x, training=False)
    return [np.array(found[name]) for name in names]


def test_the_papers_layers(paper):
    convolutions = [layer for layer in paper.layers if isinstance(layer, keras.layers.Conv2D)]
    found = {c.name: (c.kernel_size[0], c.strides[0], *c.kernel.shape[2:]) for c in convolutions}
    assert found == TABLE
    followed = {layer.name for layer in paper.layers if layer.name.endswith(("_bn", "_relu"))}
    parted = {"fusion_mid", "fusion_global", "color_2_sigmoid"}
    blocks = {"fusion", *TABLE.keys() - parted}
    assert followed == {f"{name}_{end}" for name in blocks for end in ("bn", "relu")}
    assert paper.get_layer("color_2_sigmoid").activation.__name__ == "sigmoid"


def test_the_papers_size(paper):
    kernels = sum(size**2 * n * m for size, _, n, m in TABLE.values())
    normalized = sum(m for _, _, _, m in TABLE.values()) - 2 - 256  # two parts, one batch norm
    trained = kernels + 2 + 2 * normalized
    assert sum(int(np.prod(v.shape)) for v in paper.trainable_variables) == trained == 42_176_322
    assert paper.count_params() == trained + 2 * normalized == 42_189_314
    assert trained == pytest.approx(42.2e6, rel=0.01)


def test_a_quarter_of_the_width():
    model = build_iizuka2016(width=0.25)
    assert model.get_layer("global_dense_1").kernel.shape == (7, 7, 128, 256)
    assert model.get_layer("ab_scaled").output.shape[-1] == 2
    assert model.count_params() == 2_641_922


def test_low_level_features_are_shared(paper):
    for layer in paper.layers:
        times = 2 if layer.name.startswith("low_") else 1
        assert len(layer._inbound_nodes) == times, layer.name


@pytest.mark.parametrize("size", [(8, 8), (64, 64), (96, 40)])
def test_takes_any_multiple_of_8(size, small, lightness_scaled):
    ab = np.array(small(lightness_scaled(2, *size)))
    assert ab.shape == (2, size[0] // 2, size[1] // 2, 2)
    assert 0 < np.abs(ab).max() < 1


def test_ab_may_have_either_sign(small, lightness_scaled):
    ab = np.array(small(lightness_scaled(2, 64, 64)))
    assert ab.min() < -0.1 and ab.max() > 0.1


@pytest.mark.parametrize(("global_size", "side"), [(32, 1), (96, 3), (100, 4), (224, 7)])
def test_the_copy_may_have_another_size(global_size, side, lightness_scaled):
    model = build_iizuka2016(width=0.125, global_size=global_size)
    assert model.get_layer("global_dense_1").kernel_size == (side, side)
    assert model.get_layer("global_dense_1").output.shape == (None, 1, 1, 128)
    assert model(lightness_scaled(1, 48, 40)).shape == (1, 24, 20, 2)


def test_the_first_global_convolution_is_a_dense_layer(small, lightness_scaled):
    x = lightness_scaled(2, 72, 48)
    maps, dense = outputs_of(small, x, "global_4_relu", "global_dense_1")
    (kernel,) = small.get_layer("global_dense_1").get_weights()
    expected = maps.reshape(2, -1) @ kernel.reshape(-1, kernel.shape[-1])
    np.testing.assert_allclose(dense[:, 0, 0], expected, atol=1e-4)


def test_the_fusion_is_a_convolution_of_both(small, lightness_scaled):
    x = lightness_scaled(2, 72, 48)
    places, vector, fused = outputs_of(small, x, "mid_2_relu", "global_vector_2_relu", "fusion")
    both = np.concatenate([places, np.broadcast_to(vector, places.shape)], axis=-1)
    kernels = [small.get_layer(f"fusion_{name}").get_weights()[0] for name in ("mid", "global")]
    np.testing.assert_allclose(fused, both @ np.concatenate(kernels, axis=2)[0, 0], atol=1e-4)


def test_each_place_knows_of_the_whole_picture(small, lightness_scaled):
    x = lightness_scaled(1, 256, 256)
    changed = x.copy()
    changed[:, :64, :64] = 1.0
    far = np.abs(np.array(small(changed)) - np.array(small(x)))[:, 100:, 100:]
    assert far.mean() > 1e-4


def test_a_picture_of_the_copys_size_is_its_own_copy(small, lightness_scaled):
    x = lightness_scaled(1, 64, 64)
    (copy,) = outputs_of(small, x, "global_copy")
    np.testing.assert_allclose(copy, x, atol=1e-6)
