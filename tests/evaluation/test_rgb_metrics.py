"""Metrics of 8-bit pictures against scikit-image, or a case worked out by hand."""

import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from keras_colorize.evaluation import rgb_metrics as metrics


def flat(*rgb, size=16):
    return np.full((size, size, 3), rgb, np.uint8)


def noise(seed, shape=(48, 64, 3)):
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


class TestPsnr:
    def test_equals_scikit_image(self, pair):
        assert metrics.psnr(*pair) == pytest.approx(peak_signal_noise_ratio(*pair), abs=1e-9)

    def test_by_hand(self):
        # One channel of three is off by 30: the mean squared error is 300.
        expected = 10 * np.log10(255**2 / 300)
        assert metrics.psnr(flat(10, 20, 30), flat(40, 20, 30)) == pytest.approx(expected)

    def test_largest_error_of_a_large_image_does_not_overflow(self):
        assert metrics.psnr(flat(0, 0, 0, size=512), flat(255, 255, 255, size=512)) == 0

    def test_is_capped(self):
        real = flat(10, 20, 30, size=1024)
        nearly = real.copy()
        nearly[0, 0, 0] += 1  # 113 dB
        assert metrics.psnr(real, real) == metrics.psnr(real, nearly) == 60

    def test_is_symmetric(self, pair):
        assert metrics.psnr(*pair) == metrics.psnr(*pair[::-1])

    @pytest.mark.parametrize(
        "other", [np.zeros((8, 8, 3), np.uint8), np.zeros((16, 16, 3), np.float32)]
    )
    def test_refuses_another_shape_or_type(self, other):
        with pytest.raises(ValueError, match=r"differ in shape|Not uint8 RGB"):
            metrics.psnr(flat(0, 0, 0), other)


class TestEdgePsnr:
    def test_counts_the_edge_pixels_alone(self):
        real, generated = flat(10, 20, 30), flat(10, 20, 30)
        generated[:, :8] = 0
        edges = np.zeros((16, 16), bool)
        edges[:, 8:] = True
        assert metrics.edge_psnr(real, generated, edges) == 60
        expected = metrics.psnr(real[:, :8], generated[:, :8])
        assert metrics.edge_psnr(real, generated, ~edges) == pytest.approx(expected, abs=1e-9)

    def test_equals_scikit_image_on_the_edge_pixels(self, pair):
        edges = np.random.default_rng(8).random(pair[0].shape[:2]) < 0.1
        expected = peak_signal_noise_ratio(*(image[edges] for image in pair))
        assert metrics.edge_psnr(*pair, edges) == pytest.approx(expected, abs=1e-9)
        assert abs(metrics.psnr(*pair) - expected) > 1e-3

    def test_of_all_pixels_is_psnr(self, pair):
        everywhere = np.ones(pair[0].shape[:2], bool)
        expected = metrics.psnr(*pair)
        assert metrics.edge_psnr(*pair, everywhere) == pytest.approx(expected, abs=1e-9)

    def test_refuses_no_edge(self):
        with pytest.raises(ValueError, match="at least one pixel"):
            metrics.edge_psnr(flat(0, 0, 0), flat(0, 0, 0), np.zeros((16, 16), bool))


class TestAccuracyRgb:
    def test_allows_a_difference_of_five(self):
        real = flat(100, 100, 100, size=2)
        generated = real.copy()
        generated[0, 0] = [105, 95, 100]
        generated[0, 1] = [106, 100, 100]
        generated[1, 0] = [100, 100, 94]
        assert metrics.accuracy_rgb(real, generated) == 0.5
        assert metrics.accuracy_rgb(real, generated, tolerance=0.01) == 0.25

    def test_equals_a_count_pixel_by_pixel(self, pair):
        within = 0
        for one, other in zip(*(image.reshape(-1, 3).tolist() for image in pair), strict=True):
            within += all(abs(x - y) <= 0.02 * 255 for x, y in zip(one, other, strict=True))
        assert 0 < within < 48 * 64
        assert metrics.accuracy_rgb(*pair) == within / (48 * 64)


class TestSsim:
    @staticmethod
    def reference(real, generated):
        return structural_similarity(
            real,
            generated,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
            data_range=255,
            channel_axis=-1,
        )

    def test_equals_scikit_image(self, pair):
        assert metrics.ssim(*pair) == pytest.approx(self.reference(*pair), abs=1e-5)

    @pytest.mark.parametrize(
        ("real", "generated"),
        [
            (noise(2), noise(3)),
            (noise(2), 255 - noise(2)),
            (flat(255, 0, 3), flat(250, 0, 3)),
            (flat(255, 255, 255), flat(0, 0, 0)),
            (noise(4, (11, 11, 3)), noise(5, (11, 11, 3))),
        ],
    )
    def test_equals_scikit_image_at_the_extremes(self, real, generated):
        assert metrics.ssim(real, generated) == pytest.approx(
            self.reference(real, generated), abs=1e-5
        )

    def test_of_equal_images_is_one(self, pair):
        assert metrics.ssim(pair[0], pair[0]) == pytest.approx(1, abs=1e-6)

    def test_refuses_less_than_a_window(self):
        with pytest.raises(ValueError, match="at least 11 x 11"):
            metrics.ssim(flat(0, 0, 0, size=10), flat(0, 0, 0, size=10))


class TestColorfulness:
    def test_of_grey_is_zero(self):
        grey = np.repeat(noise(7)[..., :1], 3, axis=-1)
        assert metrics.colorfulness(grey) == 0

    def test_of_one_colour_is_the_length_of_its_mean(self):
        # rg = 0 - 100, yb = 50 - 200; a square that is signed keeps no deviation.
        expected = 0.3 * np.hypot(-100, -150)
        assert metrics.colorfulness(flat(0, 100, 200)) == pytest.approx(expected, rel=1e-6)

    def test_of_red_and_green_counts_the_sign(self):
        image = flat(200, 0, 0)
        image[:, 8:] = [0, 200, 0]
        # rg is +-200 with mean 0, yb is 100 everywhere: unsigned rg would have no deviation.
        assert metrics.colorfulness(image) == pytest.approx(200 + 0.3 * 100, rel=1e-6)

    def test_by_its_formula(self, pair):
        red, green, blue = np.moveaxis(pair[0].astype(float), -1, 0)
        rg, yb = red - green, (red + green) / 2 - blue
        expected = np.hypot(rg.std(), yb.std()) + 0.3 * np.hypot(rg.mean(), yb.mean())
        assert metrics.colorfulness(pair[0]) == pytest.approx(expected, rel=1e-5)

    def test_falls_with_the_saturation(self, pair):
        assert 0 < metrics.colorfulness(pair[1]) < metrics.colorfulness(pair[0])
