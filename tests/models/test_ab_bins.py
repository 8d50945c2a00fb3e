"""The colour bins: which they are, and the encoding, prior and weights written out in NumPy."""

from itertools import product

import numpy as np
import pytest

from keras_colorize.imaging.color import rgb_to_lab
from keras_colorize.models.ab_bins import (
    ab_bins,
    measure_prior,
    rebalancing_weights,
    smooth_prior,
    soft_encode,
)

# The bins published with the paper's network: lowest and highest b of each a.
PUBLISHED = {
    -90: (50, 90), -80: (20, 90), -70: (0, 90), -60: (-20, 90), -50: (-30, 100),
    -40: (-40, 100), -30: (-50, 100), -20: (-50, 100), -10: (-60, 100), 0: (-70, 100),
    10: (-80, 90), 20: (-80, 90), 30: (-90, 90), 40: (-100, 90), 50: (-100, 80),
    60: (-110, 80), 70: (-110, 80), 80: (-110, 70), 90: (-110, 70), 100: (-90, 0),
}  # fmt: skip


@pytest.fixture(scope="module")
def gamut():
    """The ab of every third level of 8-bit sRGB, (636056, 2)."""
    levels = np.arange(0, 256, 3, dtype=np.uint8)
    rgb = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(-1, 3)
    return rgb_to_lab(rgb)[:, 1:].astype(np.float64)


@pytest.fixture(scope="module")
def mixtures():
    """The ab of means of two pure colours each, in all shares."""
    colours = [c for c in product(range(0, 256, 5), repeat=3) if min(c) == 0 and max(c) == 255]
    ab = rgb_to_lab(np.array(colours, np.uint8))[:, 1:].astype(np.float64)
    share = np.linspace(0, 0.5, 33)[:, None, None, None]
    return (share * ab + (1 - share) * ab[:, None]).reshape(-1, 2)


def cell_corners(ab):
    """The grid points around each colour, as pairs of tens."""
    low = np.floor(ab / 10).astype(int) + 50
    cells = np.unique(100 * low[:, 0] + low[:, 1])
    corners = np.concatenate([cells + step for step in (0, 1, 100, 101)])
    return {(n // 100 - 50, n % 100 - 50) for n in corners.tolist()}


def distances(ab):
    return np.hypot(*(np.asarray(ab)[:, None] - ab_bins().astype(np.float64)).T).T


def encoded(ab):
    bins, shares = map(np.array, soft_encode(np.asarray(ab, np.float32)))
    return bins, shares, (shares[..., None] * ab_bins()[bins]).sum(axis=-2)


def test_bins_are_the_papers():
    expected = [(a, b) for a, (low, high) in PUBLISHED.items() for b in range(low, high + 1, 10)]
    assert len(expected) == 313
    np.testing.assert_array_equal(ab_bins(), expected)
    assert ab_bins().dtype == np.float32
    assert ab_bins() is ab_bins()
    with pytest.raises(ValueError, match="read-only"):
        ab_bins()[0] = 0


def test_bins_are_the_corners_of_the_cells_that_colours_and_mixtures_fall_into(gamut, mixtures):
    bins = {(a // 10, b // 10) for a, b in ab_bins().astype(int).tolist()}
    assert cell_corners(gamut) < bins  # 309: colours alone do not reach all
    assert cell_corners(gamut) | cell_corners(mixtures) == bins


def test_every_colour_has_its_bin_nearby(gamut):
    nearest = {tuple(point) for point in np.unique(10 * np.rint(gamut / 10), axis=0)}
    assert nearest < {tuple(point) for point in ab_bins().astype(np.float64)}
    assert np.hypot(*(10 * np.rint(gamut / 10) - gamut).T).max() < np.hypot(5, 5)


@pytest.mark.parametrize("source", ["gamut", "square"])
def test_a_colour_is_shared_between_the_five_nearest_of_all_bins(source, gamut):
    random = np.random.default_rng(0)
    ab = random.uniform(-115, 115, (4000, 2))  # also what no camera gives
    if source == "gamut":
        ab = gamut[random.integers(len(gamut), size=4000)]
        ab += random.uniform(-0.01, 0.01, ab.shape)  # greys have four bins at one distance
    bins, shares, _ = encoded(ab.reshape(40, 100, 2))
    assert (bins.dtype, shares.dtype) == (np.int32, np.float32)
    away = distances(ab)
    expected = np.argsort(away, axis=1)[:, :5]
    np.testing.assert_array_equal(bins.reshape(-1, 5), expected)
    weights = np.exp(-(np.take_along_axis(away, expected, axis=1) ** 2) / (2 * 5.0**2))
    weights /= weights.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(shares.reshape(-1, 5), weights, atol=2e-5)


def test_shares_sum_to_one_and_their_mean_is_close_to_the_colour(gamut):
    _, shares, mean = encoded(gamut)
    np.testing.assert_allclose(shares.sum(axis=-1), 1, atol=1e-6)
    assert np.hypot(*(mean - gamut).T).max() < 0.8


def test_a_bins_own_colour_is_mostly_its_own():
    bins, shares, mean = encoded(ab_bins())
    np.testing.assert_array_equal(bins[:, 0], np.arange(313))
    assert shares[:, 0].min() > 0.6
    grey = ab_bins().tolist().index([0, 0])
    around = {tuple(point) for point in ab_bins()[bins[grey, 1:]].tolist()}
    assert around == {(0, 10), (0, -10), (10, 0), (-10, 0)}
    np.testing.assert_allclose(mean[grey], 0, atol=1e-5)


def test_prior_counts_nearest_bins(gamut):
    random = np.random.default_rng(1)
    batches = [gamut[random.integers(len(gamut), size=(2, 8, 16))] for _ in range(3)]
    nearest = distances(np.concatenate(batches).reshape(-1, 2)).argmin(axis=1)
    prior = measure_prior(iter(batches))
    np.testing.assert_allclose(prior, np.bincount(nearest, minlength=313) / 768, rtol=1e-12)
    assert prior.sum() == pytest.approx(1)


def test_a_prior_needs_pixels():
    with pytest.raises(ValueError, match="needs pixels"):
        measure_prior([np.zeros((0, 8, 8, 2), np.float32)])


def test_smoothing_spreads_a_bin_by_distance_and_loses_nothing():
    prior = np.zeros(313)
    places = {tuple(point): n for n, point in enumerate(ab_bins().astype(int).tolist())}
    prior[places[0, 0]] = 1
    smoothed = smooth_prior(prior)
    middle = smoothed[places[0, 0]]
    for (a, b), n in places.items():
        assert smoothed[n] / middle == pytest.approx(np.exp(-(a * a + b * b) / 50), rel=1e-9)
    random = np.random.default_rng(2).dirichlet(np.ones(313))
    assert smooth_prior(random).sum() == pytest.approx(1)


def test_rare_colours_weigh_more():
    prior = np.random.default_rng(3).dirichlet(np.full(313, 0.2))
    weights, smoothed = rebalancing_weights(prior), smooth_prior(prior)
    assert smoothed @ weights == pytest.approx(1)
    rarest_first = np.argsort(smoothed)
    assert (np.diff(weights[rarest_first]) < 0).all()
    # (1/2 p + 1/626)^-1 of two bins, whatever the factor before them
    low, high = smoothed[rarest_first[[0, -1]]]
    ratio = (high / 2 + 1 / 626) / (low / 2 + 1 / 626)
    assert weights[rarest_first[0]] / weights[rarest_first[-1]] == pytest.approx(ratio)
