"""Borders of scans: found to the pixel, and not where there are none."""

from itertools import pairwise

import cv2
import numpy as np
import pytest

from keras_colorize.imaging.framing import Area, Framing, find_framing

WIDTHS = (17, 30, 24, 9)  # top, bottom, left, right
TONES = {"white": 100.0, "black": 2.0, "paper": 88.0, "yellowed paper": 78.0}


def photograph(height: int = 240, width: int = 300, seed: int = 0) -> np.ndarray:
    """Lightness with objects of all sizes, in 20..80."""
    random = np.random.default_rng(seed)
    made = np.zeros((height, width), np.float32)
    for cells in (4, 9, 20, 45):
        coarse = random.standard_normal((cells, cells), np.float32)
        made += cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC) / cells**0.5
    low, high = made.min(), made.max()
    return (20 + 60 * (made - low) / (high - low)).astype(np.float32)


def framed(
    picture: np.ndarray,
    tone: float,
    widths: tuple[int, int, int, int] = WIDTHS,
    noise: float = 0.0,
    blur: float = 0.0,
) -> tuple[np.ndarray, Area]:
    """A scan with a border, and where its picture is."""
    top, bottom, left, right = widths
    scan = cv2.copyMakeBorder(picture, *widths, cv2.BORDER_CONSTANT, value=tone)
    if blur:
        scan = cv2.GaussianBlur(scan, (0, 0), blur)
    grain = noise * np.random.default_rng(1).standard_normal(scan.shape, np.float32)
    height, width = scan.shape
    area = Area(top, height - bottom, left, width - right)
    return np.clip(scan + grain, 0, 100, dtype=np.float32), area


@pytest.mark.parametrize("noise", [0.0, 2.0])
@pytest.mark.parametrize("tone", TONES.values(), ids=TONES)
def test_a_border_of_uneven_widths(tone: float, noise: float) -> None:
    scan, area = framed(photograph(), tone, noise=noise)
    assert find_framing(scan).picture == area


@pytest.mark.parametrize("tone", [35.0, 60.0])
def test_a_border_of_any_tone_on_all_sides(tone: float) -> None:
    picture = np.where(photograph() > 50, 90, 10).astype(np.float32)
    scan, area = framed(picture, tone)
    assert find_framing(scan).picture == area
    bars, _ = framed(picture, tone, (20, 20, 0, 0))
    assert find_framing(bars) == Framing.none(bars.shape)  # walls and floors are grey, too


@pytest.mark.parametrize("tone", [0.0, 100.0])
@pytest.mark.parametrize("side", range(4))
def test_a_border_on_one_side(side: int, tone: float) -> None:
    top, bottom, left, right = (18 if k == side else 0 for k in range(4))
    scan, area = framed(photograph(), tone, (top, bottom, left, right), noise=1.0)
    assert find_framing(scan).picture == area


@pytest.mark.parametrize("widths", [(25, 25, 0, 0), (0, 0, 31, 28), (14, 0, 0, 22)])
def test_a_border_on_two_sides(widths: tuple[int, int, int, int]) -> None:
    scan, area = framed(photograph(), 1.0, widths, noise=0.5)
    assert find_framing(scan).picture == area


def test_borders_within_each_other() -> None:
    film, _ = framed(photograph(), 3.0, (12, 11, 16, 14), noise=1.0)
    scan, _ = framed(film, 97.0, (20, 18, 9, 13), noise=1.0)
    assert find_framing(scan).picture == Area(32, 272, 25, 325)


def test_a_picture_that_blends_into_its_border() -> None:
    picture = photograph()
    picture[:10] = 100  # a white sky
    scan, area = framed(picture, 100.0)
    found = find_framing(scan).picture
    assert found[1:] == area[1:]
    assert area.top <= found.top <= area.top + 10


def test_a_caption_and_dust_on_the_border() -> None:
    scan, area = framed(photograph(), 92.0, (20, 60, 20, 20), noise=1.0)
    scan[275:281, 150:172] = 20  # 22 of 340 pixels
    scan[5, 40:44] = 40
    assert find_framing(scan).picture == area


@pytest.mark.parametrize("blur", [0.6, 1.0])
def test_a_blurred_edge_is_halved_and_kept_from_the_network(blur: float) -> None:
    scan, area = framed(photograph(), 100.0, blur=blur)
    framing = find_framing(scan)
    assert framing.picture == area
    insets = [abs(one - other) for one, other in zip(area, framing.clear, strict=True)]
    assert all(1 <= inset <= 3 for inset in insets)
    seen = framing.seen(scan)
    assert seen.shape == scan[area.slices].shape
    for k in (0, -1):  # the first and the last line
        assert seen[k].mean() < scan[area.slices][k].mean() - 4
        assert np.abs(seen[k] - photograph()[k]).mean() < 5
    inner = np.s_[5:-5, 5:-5]
    assert np.array_equal(seen[inner], scan[area.slices][inner])


def test_a_sharp_edge_loses_nothing() -> None:
    picture = np.where(photograph() > 50, 60, 20).astype(np.float32)
    scan, area = framed(picture, 100.0)
    framing = find_framing(scan)
    assert framing == Framing(area, area)
    assert np.array_equal(framing.seen(scan), picture)


@pytest.mark.parametrize("blur", [0.0, 2.0])
def test_a_large_scan_to_the_pixel(blur: float) -> None:
    picture = cv2.resize(photograph(), (2000, 1500), interpolation=cv2.INTER_CUBIC)
    scan, area = framed(picture, 90.0, (117, 60, 211, 93), noise=3.0, blur=blur)
    found = find_framing(scan).picture
    assert max(abs(one - other) for one, other in zip(found, area, strict=True)) <= 1


def test_a_slightly_tilted_print() -> None:
    scan, area = framed(photograph(), 95.0, (24, 24, 30, 30))
    height, width = scan.shape
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), 0.4, 1)
    tilted = cv2.warpAffine(scan, turn, (width, height), borderValue=95.0)
    found = find_framing(tilted.astype(np.float32)).picture
    assert max(abs(one - other) for one, other in zip(found, area, strict=True)) <= 3


def gradient(start: float, stop: float) -> np.ndarray:
    return np.repeat(np.linspace(start, stop, 240, dtype=np.float32)[:, None], 300, axis=1)


def roofs() -> np.ndarray:
    """A white sky that ends here higher and there lower."""
    picture = photograph()
    edge = 20 + 14 * np.sin(np.arange(300) / 30)
    picture[np.arange(240)[:, None] < edge] = 99
    return picture


def horizon() -> np.ndarray:
    """A straight horizon under a sky that is lighter in its middle."""
    picture = photograph()
    picture[:30] = 85 + 4 * np.cos(np.linspace(-1.5, 1.5, 300))
    return picture


def studio() -> np.ndarray:
    """A round thing before white paper, without a shadow."""
    y, x = np.mgrid[:240, :300]
    thing = (y - 120) ** 2 + (x - 150) ** 2 < 80**2
    return np.where(thing, photograph(), 98).astype(np.float32)


def statue() -> np.ndarray:
    """A thing on a broad base, straight for the most part, before white paper."""
    picture = np.full((240, 300), 98, np.float32)
    picture[40:180, 120:180] = photograph()[40:180, 120:180]
    picture[180:220, 40:190] = photograph()[180:220, 40:190]
    picture[180:205, 190:260] = photograph()[180:205, 190:260]
    return picture


def night() -> np.ndarray:
    """A lamp in the dark."""
    y, x = np.mgrid[:240, :300]
    return (70 * np.exp(-((y - 120) ** 2 + (x - 150) ** 2) / 60**2)).astype(np.float32)


@pytest.mark.parametrize(
    "picture",
    [
        photograph(),
        photograph(seed=1),
        roofs(),
        horizon(),
        studio(),
        statue(),
        night(),
        gradient(100, 40),
        gradient(0, 60),
        np.full((240, 300), 100, np.float32),
        np.zeros((240, 300), np.float32),
        np.full((240, 300), 88, np.float32)
        + np.random.default_rng(0).standard_normal((240, 300), np.float32),
        np.random.default_rng(0).uniform(0, 100, (240, 300)).astype(np.float32),
    ],
    ids=str.split(
        "one another roofs horizon studio statue night to-dark to-light white black paper noise"
    ),
)
def test_no_border_where_there_is_none(picture: np.ndarray) -> None:
    assert find_framing(picture) == Framing.none(picture.shape)
    assert find_framing(np.ascontiguousarray(picture.T)) == Framing.none(picture.T.shape)
    assert find_framing(picture).seen(picture).base is picture


@pytest.mark.parametrize(
    "shape", [(1, 1), (1, 400), (400, 1), (2, 3), (31, 200), (33, 33), (40, 900)]
)
def test_tiny_and_thin_pictures(shape: tuple[int, int]) -> None:
    random = np.random.default_rng(2)
    for picture in (np.full(shape, 100.0), random.uniform(0, 100, shape)):
        assert find_framing(picture.astype(np.float32)) == Framing.none(shape)


def test_a_small_picture_with_a_border() -> None:
    scan, area = framed(photograph(60, 72), 100.0, (5, 3, 4, 6))
    assert find_framing(scan).picture == area


def test_the_scan_is_not_changed() -> None:
    scan, _ = framed(photograph(), 100.0, blur=1.0)
    before = scan.copy()
    find_framing(scan).seen(scan)
    assert np.array_equal(scan, before)


def test_the_areas_around_a_picture_cover_the_rest_once() -> None:
    for area in (Area(2, 5, 1, 6), Area(0, 5, 0, 7), Area(2, 8, 1, 7), Area(0, 8, 0, 9)):
        count = np.zeros((8, 9), int)
        for part in (area, *area.around(count.shape)):
            count[part.slices] += 1
        assert (count == 1).all()
    assert Area(0, 8, 0, 9).around((8, 9)) == []


def test_wider_borders_are_found_up_to_their_limit() -> None:
    found = []
    for width in (10, 40, 90, 160):
        scan, area = framed(photograph(), 100.0, (width, width, width, width))
        found.append(find_framing(scan).picture == area)
    assert found[:3] == [True, True, True]
    assert all(one >= other for one, other in pairwise(found))
