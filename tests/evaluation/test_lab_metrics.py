"""Metrics in Lab against scikit-image, a published table, or a case worked out by hand."""

import numpy as np
import pytest
from scipy import ndimage
from skimage import color

from keras_colorize.evaluation import lab_metrics as metrics

# Sharma, Wu and Dalal (2005), table 1: L1, a1, b1, L2, a2, b2, dE00. The pairs 1 to 6 try the
# rotation near blue, 7 and 8 a neutral colour, 9 to 16 hues at and around 180 degrees apart.
SHARMA = """
50 2.6772 -79.7751 50 0 -82.7485 2.0425
50 3.1571 -77.2803 50 0 -82.7485 2.8615
50 2.8361 -74.0200 50 0 -82.7485 3.4412
50 -1.3802 -84.2814 50 0 -82.7485 1.0000
50 -1.1848 -84.8006 50 0 -82.7485 1.0000
50 -0.9009 -85.5211 50 0 -82.7485 1.0000
50 0 0 50 -1 2 2.3669
50 -1 2 50 0 0 2.3669
50 2.49 -0.0010 50 -2.49 0.0009 7.1792
50 2.49 -0.0010 50 -2.49 0.0010 7.1792
50 2.49 -0.0010 50 -2.49 0.0011 7.2195
50 2.49 -0.0010 50 -2.49 0.0012 7.2195
50 -0.0010 2.49 50 0.0009 -2.49 4.8045
50 -0.0010 2.49 50 0.0010 -2.49 4.8045
50 -0.0010 2.49 50 0.0011 -2.49 4.7461
50 2.5 0 50 0 -2.5 4.3065
50 2.5 0 73 25 -18 27.1492
50 2.5 0 61 -5 29 22.8977
50 2.5 0 56 -27 -3 31.9030
50 2.5 0 58 24 15 19.4535
50 2.5 0 50 3.1736 0.5854 1.0000
50 2.5 0 50 3.2972 0 1.0000
50 2.5 0 50 1.8634 0.5757 1.0000
50 2.5 0 50 3.2592 0.3350 1.0000
60.2574 -34.0099 36.2677 60.4626 -34.1751 39.4387 1.2644
63.0109 -31.0961 -5.8663 62.8187 -29.7946 -4.0864 1.2630
61.2901 3.7196 -5.3901 61.4292 2.2480 -4.9620 1.8731
35.0831 -44.1164 3.7933 35.0232 -40.0716 1.5901 1.8645
22.7233 20.0904 -46.6940 23.0331 14.9730 -42.5619 2.0373
36.4612 47.8580 18.3852 36.2715 50.5065 21.2231 1.4146
90.8027 -2.0831 1.4410 91.1528 -1.6435 0.0447 1.4441
90.9257 -0.5406 -0.9208 88.6381 -0.8985 -0.7239 1.5381
6.7747 -0.2908 -2.4247 5.8714 -0.0985 -2.2286 0.6377
2.0776 0.0795 -1.1350 0.9033 -0.0636 -0.5514 0.9082
"""
PAIRS = np.array(SHARMA.split(), float).reshape(34, 7)


class TestAccuracy:
    @pytest.mark.parametrize(("e", "near"), [(1, 2), (2, 4), (5, 11)])
    def test_tolerance_of_each_channel(self, e, near):
        real = np.zeros((1, 7, 3))
        generated = np.zeros((1, 7, 3))
        generated[0, 1:] = [
            [e, 0, 0],
            [e + 1, 0, 0],
            [0, -near, 0],
            [0, near + 1, 0],
            [0, 0, near],
            [0, 0, -near - 1],
        ]
        assert metrics.accuracy(real, generated, e) == pytest.approx(4 / 7)

    def test_rounds_before_comparing(self):
        real = np.array([[[50.4, 0, 0], [50.6, 0, 0]]], np.float32)
        generated = np.array([[[51.6, 0, 0], [51.4, 0, 0]]], np.float32)
        # 50 and 52, although 1.2 apart; 51 and 51.
        assert metrics.accuracy(real, generated, 1) == 0.5

    @pytest.mark.parametrize("e", [1, 2, 5])
    def test_equals_a_count_pixel_by_pixel(self, pair, e):
        real, generated = (color.rgb2lab(image) for image in pair)
        within = 0
        for one, other in zip(real.reshape(-1, 3), generated.reshape(-1, 3), strict=True):
            l1, a1, b1 = map(round, one.tolist())
            l2, a2, b2 = map(round, other.tolist())
            within += abs(l1 - l2) <= e and abs(a1 - a2) <= 2.2 * e and abs(b1 - b2) <= 2.2 * e
        assert 0 < within < 48 * 64
        assert metrics.accuracy(real, generated, e) == within / (48 * 64)

    def test_grows_with_the_tolerance(self, pair):
        real, generated = (color.rgb2lab(image) for image in pair)
        shares = [metrics.accuracy(real, generated, e) for e in (1, 2, 5, 200)]
        assert shares == sorted(shares)
        assert 0 < shares[2] < shares[3] == 1


class TestCiede2000:
    @pytest.mark.parametrize("row", PAIRS, ids=lambda row: f"dE{row[-1]}")
    def test_published_pairs(self, row):
        real, generated = row[None, :3], row[None, 3:6]
        assert metrics.ciede2000(real, generated) == pytest.approx(row[6], abs=5e-5)
        assert metrics.ciede2000(generated, real) == pytest.approx(row[6], abs=5e-5)

    @pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-9), (np.float32, 1e-4)])
    def test_equals_scikit_image(self, pair, dtype, tolerance):
        real, generated = (color.rgb2lab(image) for image in pair)
        expected = color.deltaE_ciede2000(real, generated).mean()
        ours = metrics.ciede2000(real.astype(dtype), generated.astype(dtype))
        assert ours == pytest.approx(expected, abs=tolerance)

    def test_over_the_whole_of_lab(self):
        random = np.random.default_rng(6)
        real, generated = random.uniform((0, -110, -110), (100, 110, 110), (2, 100, 100, 3))
        expected = color.deltaE_ciede2000(real, generated).mean()
        assert metrics.ciede2000(real, generated) == pytest.approx(expected, abs=1e-9)

    def test_of_grey_and_of_equal_images(self, pair):
        lab = color.rgb2lab(pair[0]).astype(np.float32)
        grey = lab * np.array([1, 0, 0], np.float32)
        assert metrics.ciede2000(lab, lab) == metrics.ciede2000(grey, grey) == 0
        assert metrics.ciede2000(lab, grey) == pytest.approx(
            color.deltaE_ciede2000(lab, grey).mean(), abs=1e-3
        )


class TestAuc:
    @pytest.mark.parametrize(
        ("error", "passed"),
        [((0, 0), 151), ((3, -4), 146), ((0.5, 0), 150), ((0, 150), 1), ((-151, 0), 0)],
    )
    def test_thresholds_that_one_error_passes(self, error, passed):
        real = np.zeros((2, 2, 2), np.float32)
        assert metrics.auc(real, real + np.float32(error)) == pytest.approx(passed / 151)

    def test_equals_the_mean_over_thresholds(self, pair):
        real, generated = (color.rgb2lab(image)[..., 1:] for image in pair)
        error = np.linalg.norm(real - generated, axis=-1)
        expected = np.mean([(error <= t).mean() for t in range(151)])
        assert metrics.auc(real, generated) == pytest.approx(expected, abs=1e-9)


class TestChromaEdges:
    def test_are_where_the_colour_changes(self):
        ab = np.zeros((20, 100, 2), np.float32)
        ab[:, 50:, 0] = 40
        columns = np.flatnonzero(metrics.chroma_edges(ab).all(axis=0))
        # The gradient is there in columns 49 and 50; only 2 % of the pixels have any, so the
        # weakest of the strongest 10 % is 0 and every pixel ties with it.
        assert columns.tolist() == list(range(100))

        ab[:, :] += np.linspace(0, 9, 100)[:, None] ** 2 / 100
        columns = np.flatnonzero(metrics.chroma_edges(ab).all(axis=0))
        # Now the ramp breaks the ties: 2 columns of the step, 8 of the steep end (its last
        # gradient one-sided), each with 2 neighbours.
        assert columns.tolist() == [*range(47, 53), *range(90, 100)]

    def test_by_their_definition(self, pair):
        ab = color.rgb2lab(pair[0])[..., 1:]
        strength = 0
        for channel in (ab[..., 0], ab[..., 1]):
            rows, columns = np.gradient(channel)
            strength = strength + np.hypot(rows, columns)
        weakest = np.sort(strength.ravel())[::-1][round(strength.size / 10) - 1]
        expected = ndimage.binary_dilation(strength >= weakest, np.ones((5, 5)))
        np.testing.assert_array_equal(metrics.chroma_edges(ab), expected)
        assert 0.1 < expected.mean() < 0.9
