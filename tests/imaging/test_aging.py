"""Old photographs made of new ones: each ageing shows, and none leaves the range of L."""

import numpy as np
import pytest

from keras_colorize.imaging.aging import aged_lightness, film_lightness
from keras_colorize.imaging.color import rgb_to_lightness

FLAT = np.full((64, 64, 3), 128, np.uint8)


def aged(rgb, seeds=range(40)):
    return [aged_lightness(rgb, np.random.default_rng(seed)) for seed in seeds]


def test_what_comes_is_lightness(make_picture):
    rgb = np.asarray(make_picture(0, 40, 30))
    for lightness in aged(rgb):
        assert lightness.shape == (30, 40) and lightness.dtype == np.float32
        assert 0 <= lightness.min() and lightness.max() <= 100


def test_one_seed_gives_one_picture():
    first, second, other = aged(FLAT, (1, 1, 2))
    np.testing.assert_array_equal(first, second)
    assert np.abs(first - other).max() > 1


def test_film_sees_blue_lighter_and_red_darker_than_the_eye():
    """By as much as it is drawn: never by nothing, on average much."""
    patches = {name: np.full((64, 64, 3), shade, np.uint8) for name, shade in SHADES.items()}
    means = {name: np.mean([x.mean() for x in aged(rgb)]) for name, rgb in patches.items()}
    grey = np.mean([x.mean() for x in aged(FLAT)])
    for name, rgb in patches.items():
        assert abs(rgb_to_lightness(rgb).mean() - rgb_to_lightness(FLAT).mean()) < 3, name
    assert means["blue"] > grey + 5 > grey - 5 > means["red"]


# All about as light as FLAT, to the eye.
SHADES = {"blue": (70, 130, 225), "red": (230, 80, 80)}


def test_grain_is_in_about_half_of_the_pictures():
    grainy = [lightness.std() > 0.1 for lightness in aged(FLAT)]
    assert 10 < sum(grainy) < 30


def test_some_are_less_sharp_and_none_sharper():
    """A step from black to white: how much of the way its steepest pixel goes."""
    step = np.zeros((256, 256, 3), np.uint8)
    step[:, 128:] = 255
    steepest = []
    for lightness in aged(step):
        rows = lightness.mean(0)  # without grain
        steepest.append(np.diff(rows).max() / (rows[-40:].mean() - rows[:40].mean()))
    assert min(steepest) < 0.5 and max(steepest) < 1.01
    assert 5 < sum(share > 0.98 for share in steepest) < 35


def test_contrast_fades():
    ramp = np.repeat(np.uint8(np.arange(256))[None, :, None], 3, -1).repeat(64, 0)
    spans = [np.ptp(lightness.mean(0)) for lightness in aged(ramp)]
    assert 65 < min(spans) < 80 < max(spans) <= 101


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_a_share_of_the_stream_is_aged(share):
    own = rgb_to_lightness(FLAT)
    changed = [
        np.abs(film_lightness(FLAT, share, 5, position) - own).max() > 0 for position in range(200)
    ]
    assert abs(np.mean(changed) - share) < 0.1
