"""Crops with the lightness of old photographs: as many as asked for, with the colours they had."""

import numpy as np
import pytest

from keras_colorize.data import arrays, tfdata
from keras_colorize.data.folders import scan_folder


@pytest.fixture(params=[tfdata, arrays], ids=["tensorflow", "jax"])
def batches(request, photographs):
    files = scan_folder(photographs).files

    def batches(**options):
        made = request.param.training_batches(files, size=32, batch_size=8, **options)
        return [tuple(np.asarray(part) for part in batch) for batch in made]

    return batches


def test_colours_stay_and_a_share_of_the_lightness_changes(batches):
    pairs = list(zip(batches(steps=10, aging=0.4), batches(steps=10), strict=True))
    changed = []
    for (aged, aged_ab), (lightness, ab) in pairs:
        assert aged.shape == lightness.shape and aged.dtype == lightness.dtype
        np.testing.assert_allclose(aged_ab, ab, atol=1e-6)
        changed += list(np.abs(aged - lightness).max((1, 2, 3)) > 0.01)
    assert 0.2 < np.mean(changed) < 0.6


def test_a_later_start_sees_what_the_unbroken_stream_does(batches):
    whole, later = batches(steps=4, aging=1), batches(steps=2, first_step=2, aging=1)
    for mine, theirs in zip(later, whole[2:], strict=True):
        for one, other in zip(mine, theirs, strict=True):
            np.testing.assert_array_equal(one, other)
