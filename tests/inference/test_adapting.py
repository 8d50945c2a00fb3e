"""What the network sees of old photographs: no borders, no fading; and what is written of them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from keras_colorize.imaging.color import gray_to_lightness, lab_to_rgb, rgb_to_lightness
from keras_colorize.imaging.framing import Area
from keras_colorize.imaging.upsampling import guided_upsample, render
from keras_colorize.inference.colorizer import Colorizer
from keras_colorize.inference.fitting import predict_fitted

TOP, BOTTOM, LEFT, RIGHT = WIDTHS = (14, 9, 20, 11)
INSIDE = Area(TOP, TOP + 120, LEFT, LEFT + 180)


class Context:
    """A network whose ab depends on all that it sees, as that of real ones does."""

    name = "context"
    size_multiple = 32
    sizes = ((256, 256), (256, 384), (384, 256))
    chroma_stride = 2

    def predict(self, lightness: np.ndarray) -> np.ndarray:
        height, width = (side // 2 for side in lightness.shape)
        low = cv2.resize(lightness, (width, height), interpolation=cv2.INTER_AREA)
        return np.stack([low / 10 - 3, low * 0 + lightness.mean() - 40], axis=-1)


@pytest.fixture
def framed(scene: np.ndarray) -> Callable[[float], np.ndarray]:
    """Puts the scene into a border of a tone."""

    def make(tone: float) -> np.ndarray:
        return cv2.copyMakeBorder(scene, *WIDTHS, cv2.BORDER_CONSTANT, value=tone)

    return make


def fade(gray: np.ndarray, black: float = 55, white: float = 195) -> np.ndarray:
    return (black + (white - black) * (gray / 255)).astype(np.uint8)


@pytest.mark.parametrize("tone", [255, 0, 222])
def test_inside_of_a_border_the_colours_are_those_of_the_picture_alone(
    scene: np.ndarray, framed: Callable[[float], np.ndarray], tone: float
) -> None:
    colorizer = Colorizer(Context())
    alone = colorizer.predict_ab(gray_to_lightness(scene))
    ab = colorizer.predict_ab(gray_to_lightness(framed(tone)))
    assert np.array_equal(ab[INSIDE.slices], alone)
    assert all((ab[border.slices] == 0).all() for border in INSIDE.around(ab.shape[:2]))
    unadapted = Colorizer(Context(), adapt=False).predict_ab(gray_to_lightness(framed(tone)))
    assert np.abs(unadapted[INSIDE.slices] - alone).mean() > 1


@pytest.mark.parametrize("tone", [255, 0, 222])
def test_the_border_is_written_as_it_is(
    scene: np.ndarray, framed: Callable[[float], np.ndarray], tone: float
) -> None:
    colorizer = Colorizer(Context())
    rgb = np.asarray(colorizer.colorize(framed(tone)))
    assert rgb.shape == (143, 211, 3)
    for border in INSIDE.around(rgb.shape[:2]):
        assert (rgb[border.slices] == tone).all()
    assert np.array_equal(rgb[INSIDE.slices], np.asarray(colorizer.colorize(scene)))
    assert np.ptp(rgb[INSIDE.slices].astype(int), axis=-1).min() > 5  # up to the edge


def test_what_is_painted_is_what_is_predicted(framed: Callable[[float], np.ndarray]) -> None:
    colorizer = Colorizer(Context())
    gray = framed(222)
    lightness = gray_to_lightness(gray)
    painted = np.asarray(colorizer.colorize(gray)).astype(int)
    expected = lab_to_rgb(lightness, colorizer.predict_ab(lightness)).astype(int)
    assert np.abs(painted - expected).max() <= 1


def test_a_blurred_border_stays_out_of_view_and_inside_the_sizes_agree(
    fake_runtime: Callable[..., Any], framed: Callable[[float], np.ndarray]
) -> None:
    blurred = cv2.GaussianBlur(framed(255), (0, 0), 0.8)
    runtime = fake_runtime()
    ab = Colorizer(runtime).predict_ab(gray_to_lightness(blurred))
    assert ab.shape == (143, 211, 2)
    (seen,) = runtime.seen
    assert seen.max() < 98 < gray_to_lightness(blurred).max()


def test_lightness_is_kept_in_faded_and_framed_photographs(
    fake_runtime: Callable[..., Any], scene: np.ndarray, framed: Callable[[float], np.ndarray]
) -> None:
    for gray in (fade(scene), fade(framed(255)), framed(0)):
        rgb = np.asarray(Colorizer(fake_runtime()).colorize(gray))
        # Half a step in each of R, G and B moves L by less than 0.35 where L is above 10.
        error = np.abs(rgb_to_lightness(rgb) - gray_to_lightness(gray))
        assert error.max() < 0.35


def test_the_network_sees_a_faded_photograph_with_its_range(
    fake_runtime: Callable[..., Any], scene: np.ndarray
) -> None:
    lightness = gray_to_lightness(scene)
    good = (100 * (lightness - lightness.min()) / np.ptp(lightness)).astype(np.float32)
    faded = (20 + 0.6 * good).astype(np.float32)
    seen = []
    for picture, adapt in ((good, True), (faded, True), (faded, False)):
        runtime = fake_runtime()
        Colorizer(runtime, adapt=adapt).predict_ab(picture)
        seen += runtime.seen
    better, worse = (np.abs(one - seen[0]).mean() for one in seen[1:])
    assert better < 0.5 * worse


def test_the_black_and_white_points_are_those_of_the_picture_and_not_of_its_border(
    fake_runtime: Callable[..., Any], scene: np.ndarray
) -> None:
    faded = gray_to_lightness(fade(scene))
    scan = cv2.copyMakeBorder(faded, *WIDTHS, cv2.BORDER_CONSTANT, value=100.0)
    runtime = fake_runtime()
    colorizer = Colorizer(runtime)
    colorizer.predict_ab(faded)
    colorizer.predict_ab(scan.astype(np.float32))
    assert np.array_equal(*runtime.seen)
    assert np.ptp(runtime.seen[0]) > np.ptp(faded) + 5


@pytest.mark.parametrize("kind", ["plain", "white border", "black border", "faded", "white", "dot"])
def test_switched_off_all_is_as_it_was(
    fake_runtime: Callable[..., Any],
    scene: np.ndarray,
    framed: Callable[[float], np.ndarray],
    kind: str,
) -> None:
    gray = {
        "plain": scene,
        "white border": framed(255),
        "black border": framed(0),
        "faded": fade(scene),
        "white": np.full((90, 70), 255, np.uint8),
        "dot": np.full((1, 1), 128, np.uint8),
    }[kind]
    runtime = fake_runtime()
    colorizer = Colorizer(runtime, adapt=False)
    lightness = gray_to_lightness(gray)
    low = predict_fitted(lightness, runtime, 256)
    height, width = (min(pair) for pair in zip(low.shape, lightness.shape, strict=False))
    if (height, width) != low.shape[:2]:
        low = cv2.resize(low, (width, height), interpolation=cv2.INTER_AREA)
    assert np.array_equal(colorizer.predict_ab(lightness), guided_upsample(low, lightness))
    assert np.array_equal(np.asarray(colorizer.colorize(gray)), render(lightness, low))


def test_a_photograph_of_full_range_without_border_is_the_same_either_way(
    fake_runtime: Callable[..., Any],
) -> None:
    lightness = np.linspace(0, 100, 200 * 300, dtype=np.float32).reshape(200, 300)
    on, off = (Colorizer(fake_runtime(), adapt=adapt) for adapt in (True, False))
    assert np.array_equal(on.predict_ab(lightness), off.predict_ab(lightness))


@pytest.mark.parametrize("tone", [0, 128, 255])
@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (64, 64), (300, 40)])
def test_pictures_of_one_tone(
    fake_runtime: Callable[..., Any], shape: tuple[int, int], tone: int
) -> None:
    gray = np.full(shape, tone, np.uint8)
    on, off = (
        np.asarray(Colorizer(fake_runtime(), adapt=adapt).colorize(gray)) for adapt in (True, False)
    )
    assert np.array_equal(on, off)


def test_a_panorama_within_black_bars(fake_runtime: Callable[..., Any]) -> None:
    picture = np.random.default_rng(0).uniform(30, 100, (100, 700)).astype(np.float32)
    scan = cv2.copyMakeBorder(picture, 40, 40, 0, 0, cv2.BORDER_CONSTANT, value=0.0)
    ab = Colorizer(fake_runtime()).predict_ab(scan.astype(np.float32))
    assert (ab[:40] == 0).all() and (ab[-40:] == 0).all()
    assert np.array_equal(ab[40:-40], Colorizer(fake_runtime()).predict_ab(picture))


def test_transparency_and_saturation_go_with_borders(framed: Callable[[float], np.ndarray]) -> None:
    gray = framed(255)
    alpha = np.tile(np.arange(211, dtype=np.uint8), (143, 1))
    image = Colorizer(Context()).colorize(np.dstack([gray, gray, gray, alpha]))
    assert np.array_equal(np.asarray(image)[..., 3], alpha)
    grey = np.asarray(Colorizer(Context(), saturation=0).colorize(gray))
    assert np.array_equal(grey, np.repeat(gray[..., None], 3, axis=2))


def test_the_packaged_network_leaves_paper_neutral_and_knows_the_picture(
    packaged: Path, repository: Path
) -> None:
    with Image.open(repository / "examples/photographs/egret.jpg") as photograph:
        gray = np.asarray(photograph.convert("L"))
    paper = np.random.default_rng(0).normal(222, 3, (320, 330)).astype(np.uint8)
    paper[15 : 15 + 288, 20 : 20 + 288] = gray
    inside = np.s_[15 : 15 + 288, 20 : 20 + 288]
    differences = []
    for adapt in (True, False):
        colorizer = Colorizer(packaged, adapt=adapt, threads=1)
        alone = colorizer.predict_ab(gray_to_lightness(gray))
        ab = colorizer.predict_ab(gray_to_lightness(paper))
        differences.append(np.abs(ab[inside] - alone).mean())
        assert (np.abs(ab[:10]).max() == 0) == adapt
    assert differences[0] < 0.5 * differences[1]
