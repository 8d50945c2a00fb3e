from pathlib import Path

import numpy as np
import pytest
from skimage.color import rgb2lab

from keras_colorize.imaging.color import lab_to_rgb, rgb_to_lab, rgb_to_lightness
from keras_colorize.imaging.upsampling import EPSILON, RADIUS, guided_upsample, render

GOLDEN = Path(__file__).parents[1] / "data" / "golden_colour.npz"


@pytest.fixture(scope="module")
def golden() -> dict[str, np.ndarray]:
    with np.load(GOLDEN) as arrays:
        return dict(arrays)


def test_small_enough_to_be_checked_in():
    assert GOLDEN.stat().st_size < 200_000


def test_lab(golden):
    np.testing.assert_allclose(golden["lab"], rgb2lab(golden["rgb"]), atol=1e-6)
    np.testing.assert_allclose(rgb_to_lab(golden["rgb"]), golden["lab"], atol=1e-3)
    np.testing.assert_allclose(rgb_to_lightness(golden["rgb"]), golden["lab"][:, 0], atol=5e-3)


def test_back_to_rgb(golden):
    lab = golden["lab"].astype(np.float32)[None]
    assert np.array_equal(lab_to_rgb(lab[..., 0], lab[..., 1:])[0], golden["rgb"])


def test_guided_upsampling(golden):
    assert (golden["radius"], golden["epsilon"]) == (RADIUS, EPSILON)
    upsampled = guided_upsample(golden["ab"], golden["lightness"])
    np.testing.assert_allclose(upsampled, golden["upsampled_ab"], atol=1e-3)


def test_render(golden):
    rendered = render(golden["lightness"], golden["ab"]).astype(int)
    assert np.abs(rendered - golden["rendered_rgb"]).max() <= 1
    assert len(np.unique(golden["rendered_rgb"].reshape(-1, 3), axis=0)) > 1000
