"""Parity: equal passes, different is refused with the figure."""

import numpy as np
import pytest

from keras_colorize.exporting.parity import ParityError, assert_parity, probe_lightness


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


def test_the_probe_is_scaled_alike_whoever_does_it():
    lightness = probe_lightness()
    assert lightness.min() >= 0 and lightness.max() <= 100
    assert len(np.unique(lightness)) > 1000
    exact = lightness.astype(np.float64) / 50
    np.testing.assert_array_equal(lightness / np.float32(50), exact)
    np.testing.assert_array_equal(lightness * np.float32(1 / 50), exact)
