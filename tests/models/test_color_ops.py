"""sRGB and Lab in a graph, against the golden vectors and the pictures of `imaging.color`."""

from pathlib import Path

import numpy as np
import pytest

from keras_colorize.imaging.color import lab_to_rgb as picture_of
from keras_colorize.models.color_ops import lab_to_rgb, rgb_to_lab


@pytest.fixture(scope="module")
def golden():
    with np.load(Path(__file__).parents[1] / "data" / "golden_colour.npz") as arrays:
        return dict(arrays)


def planes(x):
    return [np.ascontiguousarray(x[..., k], np.float32) for k in range(3)]


def test_lab(golden):
    lab = np.stack(rgb_to_lab(planes(golden["rgb"])), axis=-1)
    np.testing.assert_allclose(lab, golden["lab"], atol=1e-3)


def test_back_to_rgb(golden):
    rgb = np.stack(lab_to_rgb(*planes(golden["lab"])), axis=-1)
    assert np.array_equal(rgb, golden["rgb"])


def test_out_of_gamut_it_is_the_picture_that_the_package_makes():
    random = np.random.default_rng(0)
    lab = random.uniform((0, -110, -110), (100, 110, 110), (200, 200, 3)).astype(np.float32)
    rgb = np.stack(lab_to_rgb(*planes(lab)), axis=-1)
    difference = np.abs(rgb - picture_of(lab[..., 0].copy(), lab[..., 1:].copy()))
    assert difference.max() <= 1
    assert (difference > 0).mean() < 1e-3
