from pathlib import Path

import cv2
import numpy as np
import pytest

from keras_colorize.evaluation.lab_metrics import chroma_edges
from keras_colorize.evaluation.rgb_metrics import edge_psnr
from keras_colorize.evaluation.scoring import read_truth
from keras_colorize.imaging import strips
from keras_colorize.imaging.color import lab_to_rgb, rgb_to_lab
from keras_colorize.imaging.upsampling import GuidedUpsampler, guided_upsample, render


def two_colors(size: int = 128, shift: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """A slanted edge in lightness and colour, off the grid of any smaller picture."""
    y, x = np.mgrid[0:size, 0:size].astype(np.float32)
    side = np.clip(x + 0.3 * y - size * 0.6 - shift + 0.5, 0, 1)  # one pixel of antialiasing
    lightness = 35 + 30 * side
    ab = np.stack([50 - 80 * side, -30 + 70 * side], axis=-1)
    return lightness.astype(np.float32), ab.astype(np.float32)


def smaller(ab: np.ndarray, factor: int) -> np.ndarray:
    size = (ab.shape[1] // factor, ab.shape[0] // factor)
    return cv2.resize(ab, size, interpolation=cv2.INTER_AREA)


def bilinear(ab: np.ndarray, lightness: np.ndarray) -> np.ndarray:
    return cv2.resize(ab, lightness.shape[::-1], interpolation=cv2.INTER_LINEAR)


def error(ab: np.ndarray, truth: np.ndarray) -> float:
    return float(np.sqrt(np.mean((ab - truth) ** 2)))


@pytest.mark.parametrize("factor", [4, 8, 16])
@pytest.mark.parametrize("shift", [0, 3, 5])
def test_beats_bilinear_on_an_edge_between_two_colors(factor, shift):
    lightness, ab = two_colors(shift=shift)
    low = smaller(ab, factor)
    guided = guided_upsample(low, lightness)
    assert guided.shape == ab.shape
    assert guided.dtype == np.float32
    assert error(guided, ab) < 0.6 * error(bilinear(low, lightness), ab)


def test_beats_bilinear_where_color_has_no_lightness_edge():
    generator = np.random.default_rng(2)
    ab = cv2.GaussianBlur(generator.normal(0, 300, (96, 128, 2)).astype(np.float32), (0, 0), 6)
    lightness = np.full((96, 128), 60, np.float32)
    low = smaller(ab, 8)
    assert error(guided_upsample(low, lightness), ab) < error(bilinear(low, lightness), ab)


@pytest.mark.parametrize(
    "name", ["dome", "egret", "fireside", "greenhouse", "phone-box", "surfers"]
)
def test_beats_bilinear_on_photographs(name):
    photograph = Path(__file__).parents[2] / "examples" / "photographs" / f"{name}.jpg"
    truth = read_truth(photograph)
    lightness, *ab = cv2.split(rgb_to_lab(truth))
    ab = np.dstack(ab)
    scores = [
        edge_psnr(truth, lab_to_rgb(lightness, upsampled), chroma_edges(ab))
        for upsampled in (
            bilinear(smaller(ab, 8), lightness),
            guided_upsample(smaller(ab, 8), lightness),
        )
    ]
    assert scores[1] > scores[0] + 0.5


def test_texture_without_color_stays_without():
    lightness = np.random.default_rng(1).uniform(20, 80, (64, 96)).astype(np.float32)
    ab = np.broadcast_to(np.float32([12, -7]), (8, 12, 2)).copy()
    np.testing.assert_allclose(
        guided_upsample(ab, lightness), np.broadcast_to([12, -7], (64, 96, 2)), atol=1e-4
    )


def test_same_size_stays_as_it_is():
    lightness, ab = two_colors(64)
    np.testing.assert_allclose(guided_upsample(ab, lightness), ab, atol=1e-3)


def by_loops(ab: np.ndarray, lightness: np.ndarray, radius: int, epsilon: float) -> np.ndarray:
    """The definition in float64, pixel by pixel; it shares no code with the package."""
    h, w = ab.shape[:2]
    height, width = lightness.shape
    fy, fx = height // h, width // w
    guide = lightness.astype(np.float64).reshape(h, fy, w, fx).mean(axis=(1, 3))

    def window(x, i, j):
        return x[max(0, i - radius) : i + radius + 1, max(0, j - radius) : j + radius + 1]

    def smooth(x, axis, factor):
        k = (1 - 1 / factor**2) / 8
        x = np.moveaxis(x, axis, 0)
        left, right = np.concatenate([x[:1], x[:-1]]), np.concatenate([x[1:], x[-1:]])
        return np.moveaxis(k * left + (1 - 2 * k) * x + k * right, 0, axis)

    def sharpen(x):
        return 2 * x - smooth(smooth(x, 0, fy), 1, fx)

    out = np.zeros((height, width, 2))
    for channel in range(2):
        p = ab[..., channel].astype(np.float64)
        raw, slope = np.zeros((h, w)), np.zeros((h, w))
        for i in range(h):
            for j in range(w):
                g, q = window(guide, i, j), window(p, i, j)
                raw[i, j] = np.mean((g - g.mean()) * (q - q.mean())) / (g.var() + epsilon)
        for i in range(h):
            for j in range(w):
                slope[i, j] = window(raw, i, j).mean()
        offset = sharpen(p) - slope * sharpen(guide)
        for y in range(height):
            for x in range(width):
                v = min(max((y + 0.5) * h / height - 0.5, 0), h - 1)
                u = min(max((x + 0.5) * w / width - 0.5, 0), w - 1)
                i, j = int(v), int(u)
                i2, j2, t, s = min(i + 1, h - 1), min(j + 1, w - 1), v - i, u - j
                slope_here, offset_here = (
                    (1 - t) * ((1 - s) * m[i, j] + s * m[i, j2])
                    + t * ((1 - s) * m[i2, j] + s * m[i2, j2])
                    for m in (slope, offset)
                )
                out[y, x, channel] = slope_here * lightness[y, x] + offset_here
    return out


@pytest.mark.parametrize(("radius", "epsilon"), [(1, 100.0), (2, 4.0), (5, 30.0)])
@pytest.mark.parametrize("size", [(20, 45), (4, 9)])
def test_is_its_definition(radius, epsilon, size):
    generator = np.random.default_rng(0)
    lightness = generator.uniform(0, 100, size).astype(np.float32)
    ab = generator.uniform(-60, 60, (4, 9, 2)).astype(np.float32)
    expected = by_loops(ab, lightness, radius, epsilon)
    np.testing.assert_allclose(guided_upsample(ab, lightness, radius, epsilon), expected, atol=2e-3)


@pytest.mark.parametrize("cores", [1, 2, 3])
def test_strips_leave_no_trace(monkeypatch, cores):
    lightness, ab = two_colors(96)
    low = smaller(ab, 8)
    whole = guided_upsample(low, lightness)
    monkeypatch.setattr(strips, "STRIP_PIXELS", 700)
    monkeypatch.setattr(strips, "available_cores", lambda: cores)
    assert np.array_equal(guided_upsample(low, lightness), whole)
    a, b = GuidedUpsampler(low, lightness).rows(lightness[31:50], 31)
    assert np.array_equal(np.stack([a, b], axis=-1), whole[31:50])


@pytest.mark.parametrize("size", [(1, 1), (1, 50), (50, 1), (33, 47), (700, 90)])
@pytest.mark.parametrize("low", [(1, 1), (8, 8), (64, 40)])
def test_any_sizes(size, low):
    generator = np.random.default_rng(4)
    lightness = generator.uniform(0, 100, size).astype(np.float32)
    ab = np.full((*low, 2), 10, np.float32)
    np.testing.assert_allclose(guided_upsample(ab, lightness), 10, atol=1e-3)
    assert render(lightness, ab).shape == (*size, 3)


def test_render_is_upsampling_and_color():
    lightness, ab = two_colors(200)
    low = smaller(ab, 8)
    expected = lab_to_rgb(lightness, guided_upsample(low, lightness))
    assert np.array_equal(render(lightness, low), expected)
    gray = render(lightness, 0 * low)
    assert (gray == gray[..., :1]).all()


def test_error_of_a_strip_is_raised():
    def fail(start: int, stop: int) -> None:
        if start:
            raise RuntimeError("strip")

    with pytest.raises(RuntimeError, match="strip"):
        strips.for_strips(3 * strips.STRIP_PIXELS, 1, fail)
