"""Parity: equal passes, different is refused with the figure."""

import numpy as np
import pytest

from keras_colorize.exporting.parity import (
    ParityError,
    assert_parity,
    probe_lightness,
    tolerance_for,
)


def test_measures_in_scaled_units():
    parent = np.zeros((4, 4, 2), np.float32)
    exported = parent.copy()
    exported[0, 0, 0] = 110 * 4e-5
    found = assert_parity(exported, parent)
    assert found["max"] == pytest.approx(4e-5)
    assert found["rms"] == pytest.approx(4e-5 / np.sqrt(32))


@pytest.mark.parametrize("wrong", [110 * 2e-5, np.nan])
def test_refuses_what_differs(wrong):
    parent = np.zeros((4, 4, 2), np.float32)
    with pytest.raises(ParityError, match="differs from its parent"):
        assert_parity(parent + np.float32(wrong), parent)


class Slope:
    """A network whose ab, in scaled units, are L times a factor."""

    sizes = None
    size_multiple = 1
    chroma_stride = 1

    def __init__(self, factor):
        self.factor = factor

    def predict(self, lightness):
        return np.stack([lightness * np.float32(110 * self.factor)] * 2, axis=-1)


def test_no_more_is_asked_than_the_last_bit_of_lightness_allows():
    lightness = probe_lightness()
    assert tolerance_for(Slope(0.01), lightness, 1e-6) == 1e-6
    wild = tolerance_for(Slope(10), lightness, 1e-6)
    last_bit = np.spacing(lightness).astype(np.float64)
    assert wild == pytest.approx(2 * 10 * np.sqrt(np.mean(last_bit**2)), rel=0.1)
    assert_parity(Slope(10).predict(lightness + last_bit), Slope(10).predict(lightness), wild)
    with pytest.raises(ParityError):
        assert_parity(Slope(10).predict(lightness), Slope(10.1).predict(lightness), wild)
