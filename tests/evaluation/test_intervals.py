"""Bootstrap intervals, against the t-interval of normal data and cases by hand."""

import math
import tracemalloc

import numpy as np
import pytest

from keras_colorize.evaluation import intervals
from keras_colorize.evaluation.intervals import mean_interval, ratio_interval

# Student's t with 99 degrees of freedom: the ends of the middle, by its share.
T_99 = {0.95: 1.98422, 0.5: 0.67698}


def normal(seed, count=100):
    return np.random.default_rng(seed).normal(20, 3, count)


class TestMeanInterval:
    def test_is_the_t_interval_of_normal_data(self):
        for seed in range(5):
            values = normal(seed)
            half = T_99[0.95] * values.std(ddof=1) / math.sqrt(100)
            low, high = mean_interval(values, resamples=20_000)
            assert low == pytest.approx(values.mean() - half, abs=0.1 * half)
            assert high == pytest.approx(values.mean() + half, abs=0.1 * half)

    @pytest.mark.parametrize("level", T_99)
    def test_holds_the_true_mean_as_often_as_the_t_interval(self, level):
        held, held_by_t = 0, 0
        for seed in range(1000):
            values = normal(seed)
            low, high = mean_interval(values, level=level, resamples=400)
            held += low <= 20 <= high
            half = T_99[level] * values.std(ddof=1) / math.sqrt(100)
            held_by_t += abs(values.mean() - 20) <= half
        assert held_by_t / 1000 == pytest.approx(level, abs=0.03)
        assert held / 1000 == pytest.approx(held_by_t / 1000, abs=0.02)

    def test_of_two_images_by_hand(self):
        # Drawn twice out of {0, 1}: means 0, 1/2 and 1, in a quarter, a half and a quarter.
        assert mean_interval([0, 1]) == (0, 1)
        assert mean_interval([0, 1], level=0.4) == (0.5, 0.5)

    def test_of_one_image_or_of_a_constant_is_no_wider_than_that(self):
        assert mean_interval([23.5]) == (23.5, 23.5)
        assert mean_interval(np.full(50, 23.5)) == (23.5, 23.5)

    def test_narrows_with_the_root_of_the_number(self):
        widths = [np.ptp(mean_interval(normal(1, count))) for count in (100, 10_000)]
        assert widths[0] / widths[1] == pytest.approx(10, rel=0.2)

    def test_moves_and_grows_with_the_values(self):
        values = normal(3)
        low, high = mean_interval(values)
        assert mean_interval(10 * values - 5) == pytest.approx((10 * low - 5, 10 * high - 5))

    def test_of_paired_differences_sees_what_those_of_the_two_do_not(self):
        grey, gain = normal(4), np.random.default_rng(5).normal(0.2, 0.3, 100)
        low, high = mean_interval(grey + gain - grey)
        assert 0 < low < high
        assert mean_interval(grey + gain)[0] < mean_interval(grey)[1]

    def test_is_the_same_again_and_other_with_another_seed(self):
        values = normal(6)
        assert mean_interval(values) == mean_interval(values.copy())
        assert mean_interval(values) != mean_interval(values, seed=1)

    def test_memory_does_not_grow_with_the_resamples(self, monkeypatch):
        monkeypatch.setattr(intervals, "_DRAWN_AT_ONCE", 20_000)
        values = normal(7, 10_000)
        tracemalloc.start()
        mean_interval(values, resamples=300)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert most < 8 * 20_000 * 4  # all at once would take 24 MB

    @pytest.mark.parametrize(
        ("values", "options", "reason"),
        [
            ([], {}, "a value for each image"),
            ([[1.0, 2.0]], {}, "a value for each image"),
            ([1.0], {"level": 1}, "between 0 and 1, not 1"),
            ([1.0], {"resamples": 0}, "1 resample at least"),
        ],
    )
    def test_refuses_what_makes_no_interval(self, values, options, reason):
        with pytest.raises(ValueError, match=reason):
            mean_interval(values, **options)


class TestRatioInterval:
    def test_over_ones_is_the_interval_of_the_mean(self):
        values = normal(8)
        expected = mean_interval(values, seed=4)
        assert ratio_interval(values, np.ones(100), seed=4) == pytest.approx(expected)

    def test_draws_both_together(self):
        real = np.random.default_rng(9).uniform(1, 90, 100)
        low, high = ratio_interval(0.4 * real, real)
        assert (low, high) == (pytest.approx(0.4), pytest.approx(0.4))
        low, high = ratio_interval(0.4 * real, real[::-1])
        assert high - low > 0.05

    def test_holds_the_ratio_of_the_means_not_the_mean_of_ratios(self):
        # Half of the images are nearly grey with a ratio of 3, the others colourful with 0.3.
        real = np.tile([1.0, 99.0], 200)
        ours = real * np.tile([3.0, 0.3], 200)
        low, high = ratio_interval(ours, real)
        assert low < ours.sum() / real.sum() < high < 0.5

    def test_where_nothing_has_colour_there_is_none(self):
        assert np.isnan(ratio_interval([0, 0], [0, 0])).all()
        assert np.isnan(ratio_interval([1, 1], [1, 0])).all()  # a quarter of the draws has none
        assert ratio_interval([1], [2]) == (0.5, 0.5)

    def test_refuses_values_of_other_images(self):
        with pytest.raises(ValueError, match="a value for each image"):
            ratio_interval([1.0, 2.0], [1.0])
