"""The two steps of colouring, one by one."""

import doctest

import numpy as np
import pytest

import keras_colorize.inference.painting as module
from keras_colorize.imaging.color import gray_to_lightness
from keras_colorize.imaging.framing import Area
from keras_colorize.inference.colorizer import Colorizer
from keras_colorize.inference.painting import paint


def test_the_docstrings_example_runs():
    results = doctest.testmod(module)
    assert (results.attempted, results.failed) == (2, 0)


def test_the_steps_together_are_colorize(fake_runtime, scene):
    colorizer = Colorizer(fake_runtime(), saturation=1.3)
    framed = np.pad(scene, 12, constant_values=255)
    for gray in (scene, framed, scene[:3, :5]):
        lightness = gray_to_lightness(gray)
        ab, area = colorizer.predict_low_ab(lightness)
        inside = lightness[area.slices].shape
        assert ab.ndim == 3 and ab.shape[0] <= inside[0] and ab.shape[1] <= inside[1]
        assert np.array_equal(paint(lightness, ab, area), np.asarray(colorizer.colorize(gray)))


def test_low_ab_is_of_the_networks_resolution_and_of_the_picture_without_its_border(
    fake_runtime, scene
):
    lightness = gray_to_lightness(np.pad(scene, 12, constant_values=255))
    ab, area = Colorizer(fake_runtime()).predict_low_ab(lightness)
    assert area == Area(12, 132, 12, 192)
    assert ab.shape == (120, 180, 2)  # of 128 x 192 there is no more in the picture
    large = np.repeat(np.repeat(lightness, 5, axis=0), 5, axis=1)
    ab, area = Colorizer(fake_runtime(), adapt=False).predict_low_ab(large)
    assert area == Area(0, *large.shape[:1], 0, *large.shape[1:])
    assert min(ab.shape[:2]) <= 128 and max(ab.shape[:2]) <= 192


def test_ab_can_come_from_elsewhere_and_the_rest_stays_grey():
    lightness = np.full((40, 50), 60, np.float32)
    rgb = paint(lightness, np.full((2, 2, 2), 30.0), Area(10, 30, 5, 45)).astype(int)
    coloured = np.ptp(rgb, axis=-1) > 20
    assert coloured[10:30, 5:45].all()
    assert coloured.sum() == 20 * 40


@pytest.mark.parametrize(
    ("lightness", "ab", "message"),
    [
        ((4, 4, 1), (2, 2, 2), r"not \(4, 4, 1\) and \(2, 2, 2\)\.$"),
        ((4, 4), (2, 2, 3), r"not \(4, 4\) and \(2, 2, 3\)\.$"),
        ((4, 4), (5, 2, 2), r"finer than the picture of \(4, 4\)\.$"),
        ((4, 4), (0, 2, 2), "is empty"),
    ],
)
def test_other_shapes_are_refused(lightness, ab, message):
    with pytest.raises(ValueError, match=message):
        paint(np.zeros(lightness), np.zeros(ab))
