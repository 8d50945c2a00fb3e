"""Hints: against a dense solution, on edges, in gamut, and refused."""

import numpy as np
import pytest

from keras_colorize.imaging.color import lab_to_rgb, rgb_to_lab
from keras_colorize.imaging.framing import Area
from keras_colorize.imaging.hints import (
    Hint,
    HintError,
    hints_within,
    in_gamut,
    smoothest,
    with_hints,
)

RED = (200, 40, 40)


def dense(lightness, wanted, weight):
    """The same minimum by normal equations over all pairs, written out pair by pair."""
    height, width = lightness.shape
    number = np.arange(height * width).reshape(height, width)
    matrix = np.diag(1e-3 + weight.ravel()).astype(np.float64)
    for r in range(height):
        for c in range(width):
            for dr in (-1, 0, 1):
                for dc in (-1, 0, 1):
                    if (dr or dc) and 0 <= r + dr < height and 0 <= c + dc < width:
                        step = float(lightness[r, c]) - float(lightness[r + dr, c + dc])
                        w = np.exp(-(step**2) / 32) + 1e-3
                        matrix[number[r, c], number[r, c]] += w
                        matrix[number[r, c], number[r + dr, c + dc]] -= w
    right = (weight[..., None] * wanted).reshape(height * width, -1)
    return np.linalg.solve(matrix, right).reshape(wanted.shape)


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (7, 1), (6, 9), (9, 6), (12, 12)])
def test_the_solution_is_that_of_the_dense_equations(shape):
    rng = np.random.default_rng(sum(shape))
    lightness = rng.uniform(0, 100, shape).astype(np.float32)
    lightness[..., : shape[1] // 2] = 50
    wanted = rng.normal(0, 20, (*shape, 2))
    weight = np.where(rng.random(shape) < 0.3, 100.0, 0.0)
    np.testing.assert_allclose(
        smoothest(lightness, wanted, weight), dense(lightness, wanted, weight), atol=1e-8
    )


def test_a_hint_fills_its_side_of_an_edge_and_not_the_other():
    lightness = np.full((64, 96), 40, np.float32)
    lightness[:, 48:] = 80
    ab = np.zeros((64, 96, 2), np.float32)
    result = with_hints(ab, lightness, [Hint(0.2, 0.5, RED)])
    asked = rgb_to_lab(np.array([[RED]], np.uint8))[0, 0, 1:]
    assert np.abs(result[32, 19] - asked).max() < 2
    inside, outside = (
        np.linalg.norm(result[:, part], axis=-1) for part in (np.s_[:47], np.s_[49:])
    )
    assert inside.min() > 0.4 * np.linalg.norm(asked)
    assert outside.max() < 0.1 * np.linalg.norm(asked)
    np.testing.assert_array_equal(result, with_hints(ab, lightness, [Hint(0.2, 0.5, RED)]))


def test_without_hints_nothing_changes():
    ab = np.ones((4, 4, 2), np.float32)
    assert with_hints(ab, np.zeros((4, 4), np.float32), []) is ab


def test_a_hint_that_keeps_holds_another_back():
    lightness = np.full((32, 32), 50, np.float32)
    ab = np.full((32, 32, 2), 5, np.float32)
    red, kept = Hint(0.1, 0.5, RED), Hint(0.9, 0.5, None, radius=0.1)
    alone = with_hints(ab, lightness, [red])
    both = with_hints(ab, lightness, [red, kept])
    assert np.abs(both[16, 28] - 5).max() < 0.5 < np.abs(alone[16, 28] - 5).max()


def test_grey_is_a_colour_and_the_last_hint_wins():
    lightness = np.full((16, 16), 50, np.float32)
    ab = np.full((16, 16, 2), 30, np.float32)
    grey = Hint(0.5, 0.5, (128, 128, 128), radius=0.5)
    assert np.abs(with_hints(ab, lightness, [Hint(0.5, 0.5, RED), grey])[8, 8]).max() < 1


@pytest.mark.parametrize("color", [(0, 0, 255), (255, 255, 0), (255, 0, 255), (90, 80, 70)])
def test_a_colour_keeps_its_hue_and_as_much_chroma_as_can_be_shown(color):
    lightness = np.linspace(1, 99, 25, dtype=np.float32)
    ab = rgb_to_lab(np.array([[color]], np.uint8))[0, 0, 1:]
    got = in_gamut(lightness, ab)
    factor = got @ ab / (ab @ ab)
    np.testing.assert_allclose(got, factor[:, None] * ab, atol=1e-4)
    assert ((factor >= 0) & (factor <= 1)).all()
    shown = rgb_to_lab(lab_to_rgb(lightness[None], got[None]))[0]
    assert np.abs(shown[:, 1:] - got).max() < 1.6
    own = rgb_to_lab(np.array([[color]], np.uint8))[0, 0, :1]
    np.testing.assert_allclose(in_gamut(own, ab)[0], ab, atol=0.5)


@pytest.mark.parametrize(
    "given, message",
    [
        ({"x": 1.2}, "x of a hint must be from 0 to 1, not 1.2"),
        ({"y": float("nan")}, "y of a hint must be from 0 to 1, not nan"),
        ({"radius": -1}, "radius of a hint must be from 0 to 0.5, not -1"),
        ({"strength": "much"}, "strength of a hint must be a number, not 'much'"),
        ({"x": True}, "x of a hint must be a number, not True"),
        ({"color": (1, 2)}, "three whole numbers"),
        ({"color": (1, 2, 300)}, "three whole numbers"),
        ({"color": (1.5, 2, 3)}, "three whole numbers"),
    ],
)
def test_what_says_nothing_is_refused(given, message):
    with pytest.raises(HintError, match=message):
        Hint(**{"x": 0.5, "y": 0.5, "color": RED, **given})


def test_any_place_of_the_smallest_picture_is_in_it():
    ab, lightness = np.zeros((1, 2, 2), np.float32), np.full((1, 2), 50, np.float32)
    for x in (0.0, 1.0):
        assert np.abs(with_hints(ab, lightness, [Hint(x, 1.0, RED, radius=0)])).max() > 10


def test_hints_within_a_part_have_the_same_places_and_radii_in_pixels():
    area = Area(10, 90, 50, 150)
    inside, edge, outside = Hint(0.5, 0.5, RED, 0.1), Hint(0.25, 0.1, RED), Hint(0.1, 0.5, RED)
    got = hints_within([inside, outside, edge], area, (100, 200))
    assert [(round(hint.x, 9), round(hint.y, 9)) for hint in got] == [(0.5, 0.5), (0, 0)]
    assert got[0].radius == pytest.approx(0.1 * 100 / 80)
