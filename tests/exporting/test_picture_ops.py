"""The graph's way of a photograph through a network, against the package's own."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import tensorflow as tf

from keras_colorize.exporting import picture_ops
from keras_colorize.imaging.upsampling import guided_upsample
from keras_colorize.inference.colorizer import Colorizer
from keras_colorize.inference.fitting import DEFAULT_SIZE, fit

STRIDE, MULTIPLE = 4, 64
SIZES = [(288, 288), (450, 656), (100, 700), (50, 900), (30, 2400), (900, 50), (7, 3), (1, 60)]


class Network:
    """A network without weights, that looks at whatever stands in its frame."""

    sizes = None
    name = "network"

    def __init__(self, size_multiple=MULTIPLE, chroma_stride=STRIDE):
        self.size_multiple = size_multiple
        self.chroma_stride = chroma_stride

    @staticmethod
    def graph(lightness):
        low = tf.nn.avg_pool2d(lightness, STRIDE, STRIDE, "VALID")
        mean = tf.reduce_mean(lightness, axis=(1, 2), keepdims=True)
        return tf.concat([low / 2 - mean / 3, 4 - low / 3], axis=-1)

    def predict(self, lightness):
        return self.graph(tf.constant(lightness)[None, ..., None]).numpy()[0]


def lightness(size, seed=0):
    random = np.random.default_rng(seed)
    coarse = random.uniform(0, 100, [-(-side // 16) for side in size]).astype(np.float32)
    return cv2.resize(coarse, size[::-1], interpolation=cv2.INTER_LINEAR).reshape(size)


@pytest.fixture(scope="module")
def predict_fitted():
    any_size = tf.TensorSpec((None, None, None, 1))
    return tf.function(
        lambda x: picture_ops.predict_fitted(x, Network.graph, MULTIPLE, STRIDE),
        input_signature=[any_size],
    )


@pytest.fixture(scope="module")
def upsample():
    low, full = tf.TensorSpec((None, None, None, 2)), tf.TensorSpec((None, None, None, 1))
    return tf.function(picture_ops.guided_upsample, input_signature=[low, full])


def test_upsampling_gives_the_golden_ab(upsample):
    with np.load(Path(__file__).parents[1] / "data" / "golden_colour.npz") as golden:
        ab = upsample(golden["ab"][None], golden["lightness"][None, ..., None])[0]
        np.testing.assert_allclose(ab, golden["upsampled_ab"], atol=1e-3)


@pytest.mark.parametrize(("low", "full"), [((5, 7), (23, 29)), ((6, 6), (6, 40)), ((1, 1), (9, 1))])
def test_upsampling_takes_any_sizes_and_batches(low, full, upsample):
    ab = np.random.default_rng(1).normal(0, 30, (2, *low, 2)).astype(np.float32)
    guides = np.stack([lightness(full, seed) for seed in (0, 1)])
    made = upsample(ab, guides[..., None]).numpy()
    for k in range(2):
        np.testing.assert_allclose(made[k], guided_upsample(ab[k], guides[k]), atol=1e-3)


@pytest.mark.parametrize(("multiple", "stride"), [(16, 1), (32, 2), (64, 4)])
def test_frame_and_content_are_the_packages(multiple, stride):
    chosen = tf.function(picture_ops.fit)
    random = np.random.default_rng(stride)
    sizes = [*SIZES, *np.exp(random.uniform(0, 8, (40, 2))).astype(int)]
    for size in sizes:
        frame, content = chosen(tf.constant(size, tf.int32), multiple, stride)
        expected = fit(tuple(map(int, size)), Network(multiple, stride), DEFAULT_SIZE)
        found = tuple(frame.numpy()), tuple(content.numpy())
        assert found == (expected.frame, expected.content), size


@pytest.mark.parametrize("size", SIZES)
def test_fitted_ab_is_the_packages(size, predict_fitted):
    picture = lightness(size)
    ab = predict_fitted(picture[None, ..., None])[0]
    upsampled = guided_upsample(ab.numpy(), picture)
    np.testing.assert_allclose(
        upsampled, Colorizer(Network(), adapt=False).predict_ab(picture), atol=2e-2
    )


def test_pictures_of_a_batch_do_not_see_each_other(predict_fitted):
    pictures = np.stack([lightness((100, 700), seed) for seed in (0, 1)])[..., None]
    together = predict_fitted(pictures).numpy()
    for k in range(2):
        np.testing.assert_allclose(together[k : k + 1], predict_fitted(pictures[k : k + 1]))


@pytest.mark.parametrize("size", [(3, 40), (64, 64), (70, 5)])
def test_reflections_are_those_of_opencv(size):
    frame = tuple(-(-side // MULTIPLE) * MULTIPLE for side in size)
    picture = lightness(size)
    filled, (top, left) = picture_ops.reflect_into(
        tf.constant(picture)[None, ..., None], tf.constant(frame), STRIDE
    )
    bottom, right = frame[0] - size[0] - top, frame[1] - size[1] - left
    expected = cv2.copyMakeBorder(
        picture, int(top), int(bottom), int(left), int(right), cv2.BORDER_REFLECT
    )
    assert np.array_equal(filled.numpy()[0, ..., 0], expected)
    assert top % STRIDE == left % STRIDE == 0
