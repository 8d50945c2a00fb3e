"""Faded pictures get their range back, others are left alone."""

import numpy as np
import pytest

from keras_colorize.imaging.tone import restored_range


def ramp(black: float, white: float) -> np.ndarray:
    return np.linspace(black, white, 100 * 120, dtype=np.float32).reshape(100, 120)


def ends(lightness: np.ndarray) -> tuple[float, float]:
    low, high = np.percentile(lightness, [1, 99])
    return float(low), float(high)


@pytest.mark.parametrize("black, white", [(0, 100), (3, 96), (5, 93.5)])
def test_a_picture_of_full_range_is_not_touched(black: float, white: float) -> None:
    picture = ramp(black, white)
    assert restored_range(picture) is picture


@pytest.mark.parametrize("black, white", [(0, 40), (2, 70), (40, 100), (70, 98)])
def test_night_and_snow_are_not_faded(black: float, white: float) -> None:
    picture = ramp(black, white)
    assert restored_range(picture) is picture


@pytest.mark.parametrize("black", [15, 20, 25])
@pytest.mark.parametrize("white", [75, 80, 85])
def test_fading_is_undone(black: float, white: float) -> None:
    good = ramp(0, 100)
    faded = (black + (white - black) * good / 100).astype(np.float32)
    restored = restored_range(faded)
    assert restored.dtype == np.float32
    assert np.abs(restored - good).mean() < 0.6 * np.abs(faded - good).mean()
    low, high = ends(restored)
    assert low < ends(faded)[0] and high > ends(faded)[1]
    assert 0 <= restored.min() and restored.max() <= 100


def test_the_gain_is_bounded() -> None:
    fog = ramp(55, 65)
    restored = restored_range(fog)
    assert np.ptp(restored) == pytest.approx(1.5 * np.ptp(fog), rel=1e-4)
    assert 45 < restored.min() < restored.max() < 75


def test_a_little_fading_is_a_little_change() -> None:
    """There is no step between a picture that is left alone and one that is not."""
    faded = [ramp(end, 100 - end) for end in range(16)]
    steps = [float(np.abs(restored_range(picture) - picture).max()) for picture in faded]
    assert steps[0] == 0 < steps[-1]
    assert np.diff(steps).max() < 2.5


def test_one_end_moves_at_most_twice_as_far_as_the_other() -> None:
    picture = ramp(30, 88.5)  # hardly darkened
    low, high = ends(restored_range(picture))
    raised, lowered = high - ends(picture)[1], ends(picture)[0] - low
    assert 0 < raised
    assert lowered == pytest.approx(2 * raised, rel=1e-2)


def test_dust_and_scratches_do_not_hide_fading() -> None:
    faded = ramp(20, 80)
    dusty = faded.copy()
    dusty[3, :50], dusty[90, :50] = 0, 100  # 0.4 % of the pixels each
    restored = restored_range(dusty)
    assert restored[50].mean() == pytest.approx(restored_range(faded)[50].mean(), abs=1)
    assert (restored[3, 0], restored[90, 0]) == (0, 100)


@pytest.mark.parametrize("tone", [0, 50, 88, 100])
@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (40, 50)])
def test_one_tone(shape: tuple[int, int], tone: float) -> None:
    picture = np.full(shape, tone, np.float32)
    assert restored_range(picture) is picture


def test_the_order_of_tones_is_kept_and_the_picture_too() -> None:
    picture = ramp(18, 77)
    before = picture.copy()
    assert (np.diff(restored_range(picture).ravel()) >= 0).all()
    assert np.array_equal(picture, before)
