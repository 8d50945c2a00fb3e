import numpy as np
import pytest
from skimage import color as reference

from keras_colorize.imaging import color


def every_color() -> np.ndarray:
    code = np.arange(2**24, dtype=np.uint32)
    return np.stack([code >> 16, code >> 8, code], axis=-1).astype(np.uint8).reshape(4096, 4096, 3)


def some_colors() -> np.ndarray:
    """All of the darkest colours, where Lab is steepest, and a lattice with both ends."""
    dark, lattice = np.arange(16), np.append(np.arange(0, 255, 9), 255)
    cubes = [np.stack(np.meshgrid(x, x, x), axis=-1).reshape(-1, 3) for x in (dark, lattice)]
    return np.concatenate(cubes).astype(np.uint8)


def test_lab_is_scikit_images():
    rgb = some_colors()
    lab = color.rgb_to_lab(rgb)
    assert lab.dtype == np.float32
    np.testing.assert_allclose(lab, reference.rgb2lab(rgb), atol=0.001)


def test_lab_of_published_colors():
    # The primaries, white and black, as Lindbloom's calculator prints them.
    rgb = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255], [0, 0, 0]], np.uint8)
    lab = [
        [53.24, 80.09, 67.20],
        [87.73, -86.18, 83.18],
        [32.30, 79.19, -107.86],
        [100, 0, 0],
        [0, 0, 0],
    ]
    np.testing.assert_allclose(color.rgb_to_lab(rgb), lab, atol=0.02)


@pytest.mark.parametrize("kind", [np.uint16, np.float32, np.float64])
def test_lab_of_finer_colors(kind):
    exact = np.random.default_rng(3).random((50, 70, 3)) ** 2
    rgb = np.rint(exact * 65535).astype(np.uint16) if kind == np.uint16 else exact.astype(kind)
    expected = reference.rgb2lab(exact)
    np.testing.assert_allclose(color.rgb_to_lab(rgb), expected, atol=0.01)
    np.testing.assert_allclose(color.rgb_to_lightness(rgb), expected[..., 0], atol=0.01)


def test_lightness_alone_is_scikit_images():
    rgb = some_colors()
    np.testing.assert_allclose(
        color.rgb_to_lightness(rgb), reference.rgb2lab(rgb)[..., 0], atol=0.005
    )


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32])
def test_lightness_of_gray_is_that_of_its_rgb(kind):
    steps = {np.uint8: 255, np.uint16: 65535, np.float32: 1}[kind]
    gray = (np.linspace(0, 1, 60).reshape(6, 10) * steps).astype(kind)
    lightness = color.gray_to_lightness(gray)
    assert lightness.shape == gray.shape
    rgb = np.stack([gray] * 3, axis=-1)
    np.testing.assert_allclose(lightness, color.rgb_to_lab(rgb)[..., 0], atol=0.002)


def test_every_8_bit_color_survives_lab():
    rgb = every_color()
    lab = color.rgb_to_lab(rgb)
    back = color.lab_to_rgb(lab[..., 0], lab[..., 1:])
    assert back.dtype == np.uint8
    assert np.array_equal(back, rgb)


def test_every_8_bit_gray_survives():
    gray = np.arange(256, dtype=np.uint8).reshape(16, 16)
    rgb = color.lab_to_rgb(color.gray_to_lightness(gray), np.zeros((16, 16, 2), np.float32))
    assert np.array_equal(rgb, np.stack([gray] * 3, axis=-1))


def random_lab(reach: float) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(5)
    lightness = generator.uniform(0, 100, (300, 300)).astype(np.float32)
    return lightness, generator.uniform(-reach, reach, (300, 300, 2)).astype(np.float32)


def test_rgb_is_scikit_images_in_gamut():
    lightness, ab = random_lab(30)
    lab = np.dstack([lightness, ab]).astype(np.float64)
    exact = reference.xyz2rgb(reference.lab2xyz(lab[lightness > 20])) * 255
    rgb = color.lab_to_rgb(lightness, ab)[lightness > 20]
    inside = ((exact > 0) & (exact < 255)).all(axis=-1)
    assert inside.mean() > 0.5
    assert np.abs(rgb - exact)[inside].max() < 0.53  # rounding, and a little more


@pytest.mark.parametrize("reach", [20, 60, 128])
def test_lightness_is_kept_in_gamut(reach):
    lightness, ab = random_lab(reach)
    rgb = color.lab_to_rgb(lightness, ab)
    inside = ((rgb > 0) & (rgb < 255)).all(axis=-1)
    assert inside.any()
    # Half an 8-bit step in each channel is worth at most half the L between neighbouring greys.
    step = np.diff(color.gray_to_lightness(np.arange(256, dtype=np.uint8))).max()
    error = np.abs(color.rgb_to_lightness(rgb) - lightness)[inside]
    assert error.max() < step / 2 + 0.01


def test_out_of_gamut_is_clipped_a_channel():
    lightness = np.full((1, 2), 33.8, np.float32)
    ab = np.array([[[53.6, -107.3], [-90, 90]]], np.float32)
    rgb = color.lab_to_rgb(lightness, ab)
    assert rgb[0, 0].tolist() == [0, 61, 255]
    assert rgb[0, 1, 0] == rgb[0, 1, 2] == 0


def test_scaling():
    lightness = np.array([0.0, 50.0, 100.0])
    assert color.scale_lightness(lightness).tolist() == [-1, 0, 1]
    assert color.unscale_lightness(color.scale_lightness(lightness)).tolist() == [0, 50, 100]
    assert color.scale_ab(np.array([-110.0, 55.0])).tolist() == [-1, 0.5]
    assert color.unscale_ab(np.array([-1.0, 0.5])).tolist() == [-110, 55]


def test_any_leading_shape():
    rgb = some_colors()[:24]
    shaped = rgb.reshape(2, 3, 4, 3)
    assert np.array_equal(color.rgb_to_lab(shaped).reshape(-1, 3), color.rgb_to_lab(rgb))
    assert color.rgb_to_lightness(shaped).shape == (2, 3, 4)
    assert color.rgb_to_lightness(rgb[0]).shape == ()


def test_other_types_are_refused():
    with pytest.raises(TypeError, match="int64"):
        color.rgb_to_lab(np.zeros((2, 2, 3), np.int64))
