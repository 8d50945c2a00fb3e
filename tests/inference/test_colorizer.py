import doctest
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import keras_colorize.inference.colorizer as module
from keras_colorize.imaging.color import gray_to_lightness, rgb_to_lab, rgb_to_lightness
from keras_colorize.imaging.images import ImageError
from keras_colorize.inference.colorizer import Colorizer


@pytest.fixture
def colorizer(fake_runtime: Callable[..., Any]) -> Colorizer:
    return Colorizer(fake_runtime())


def lightness_error(gray: np.ndarray, image: Image.Image) -> np.ndarray:
    return np.abs(rgb_to_lightness(np.asarray(image.convert("RGB"))) - gray_to_lightness(gray))


def test_the_docstrings_example_runs(packaged: Path) -> None:
    results = doctest.testmod(module, optionflags=doctest.ELLIPSIS)
    assert results.attempted > 0
    assert results.failed == 0


def test_lightness_is_kept_within_rounding(colorizer: Colorizer, scene: np.ndarray) -> None:
    image = colorizer.colorize(scene)
    assert (image.mode, image.size) == ("RGB", (180, 120))
    # Half a step in each of R, G and B moves L by less than 0.35 where L is above 10.
    assert lightness_error(scene, image).max() < 0.35
    ab = rgb_to_lab(np.asarray(image))[..., 1:]
    assert np.ptp(ab[..., 0]) > 5


def test_the_packaged_network_keeps_lightness_in_gamut(packaged: Path, scene: np.ndarray) -> None:
    colorizer = Colorizer(packaged, threads=1)
    image = colorizer.colorize(scene)
    rgb = np.asarray(image)
    inside = ((rgb > 0) & (rgb < 255)).all(axis=-1)  # a channel at its end may be clipped
    assert inside.mean() > 0.5
    assert lightness_error(scene, image)[inside].max() < 0.35


def test_ab_is_what_is_painted(colorizer: Colorizer, scene: np.ndarray) -> None:
    lightness = gray_to_lightness(scene)
    ab = colorizer.predict_ab(lightness)
    assert ab.shape == (120, 180, 2)
    painted = rgb_to_lab(np.asarray(colorizer.colorize(scene)))[..., 1:]
    assert np.abs(painted - ab).max() < 1.5  # 8-bit rounding
    assert np.abs(painted - ab).mean() < 0.4


def test_saturation_is_a_factor_on_ab(fake_runtime: Callable[..., Any], scene: np.ndarray) -> None:
    lightness = gray_to_lightness(scene)
    plain = Colorizer(fake_runtime()).predict_ab(lightness)
    strong = Colorizer(fake_runtime(), saturation=2).predict_ab(lightness)
    np.testing.assert_allclose(strong, 2 * plain, atol=1e-3)
    grey = Colorizer(fake_runtime(), saturation=0).colorize(scene)
    assert np.array_equal(np.asarray(grey), np.repeat(scene[..., None], 3, axis=2))


def test_a_frame_sized_picture_is_not_resized(fake_runtime: Callable[..., Any]) -> None:
    runtime = fake_runtime(stride=1)
    lightness = np.random.default_rng(0).uniform(0, 100, (256, 256)).astype(np.float32)
    ab = Colorizer(runtime).predict_ab(lightness)
    assert np.array_equal(runtime.seen[0], lightness)
    np.testing.assert_allclose(ab, runtime.predict(lightness), atol=1e-3)


@pytest.mark.parametrize("shape", [(1, 1), (1, 2), (3, 1), (1, 3000), (2000, 1), (5, 7), (2, 999)])
def test_tiny_and_extreme_pictures(colorizer: Colorizer, shape: tuple[int, int]) -> None:
    gray = np.random.default_rng(2).integers(60, 200, shape).astype(np.uint8)
    image = colorizer.colorize(gray)
    assert image.size == shape[::-1]
    assert lightness_error(gray, image).max() < 0.35


@pytest.mark.parametrize("kind", ["path", "str", "bytes", "stream", "PIL", "gray", "rgb", "deep"])
def test_every_kind_of_source(
    colorizer: Colorizer, scene: np.ndarray, tmp_path: Path, kind: str
) -> None:
    path = tmp_path / "old.png"
    Image.fromarray(scene).save(path)
    source: Any = {
        "path": path,
        "str": str(path),
        "bytes": path.read_bytes(),
        "stream": io.BytesIO(path.read_bytes()),
        "PIL": Image.fromarray(scene),
        "gray": scene[..., None],
        "rgb": np.repeat(scene[..., None], 3, axis=2),
        "deep": scene.astype(np.uint16) * 257,
    }[kind]
    expected = np.asarray(colorizer.colorize(scene)).astype(int)
    result = np.asarray(colorizer.colorize(source)).astype(int)
    assert np.abs(result - expected).max() <= 1


@pytest.mark.parametrize(
    "pixels, message",
    [
        (np.zeros((4, 4), np.float32), "uint8 or uint16, not float32"),
        (np.zeros((4, 4, 2), np.uint8), r"not \(4, 4, 2\)"),
        (np.zeros((4,), np.uint8), r"not \(4,\)"),
        (np.zeros((0, 4), np.uint8), "no pixels"),
    ],
)
def test_pixels_that_are_no_picture(colorizer: Colorizer, pixels: np.ndarray, message: str) -> None:
    with pytest.raises(ImageError, match=message):
        colorizer.colorize(pixels)


def test_alpha_is_kept(colorizer: Colorizer, scene: np.ndarray) -> None:
    alpha = np.tile(np.arange(180, dtype=np.uint8), (120, 1))
    rgba = np.dstack([scene, scene, scene, alpha])
    for source in (rgba, Image.fromarray(rgba)):
        image = colorizer.colorize(source)
        assert image.mode == "RGBA"
        assert np.array_equal(np.asarray(image)[..., 3], alpha)


def test_exif_is_kept_and_the_orientation_applied(
    colorizer: Colorizer, scene: np.ndarray, tmp_path: Path
) -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x013B] = 6, "Dorothea Lange"
    source, destination = tmp_path / "old.jpg", tmp_path / "new.jpg"
    Image.fromarray(scene).save(source, exif=exif)
    image = colorizer.colorize(source)
    assert image.size == (120, 180)
    image.save(destination, exif=image.info["exif"])
    with Image.open(destination) as saved:
        assert saved.getexif()[0x013B] == "Dorothea Lange"
    colorizer.colorize_file(source, destination, overwrite=True)
    with Image.open(destination) as written:
        assert written.size == (120, 180)
        assert dict(written.getexif()) == {0x0112: 1, 0x013B: "Dorothea Lange"}


def test_resolution_is_kept(colorizer: Colorizer, scene: np.ndarray, tmp_path: Path) -> None:
    source, destination = tmp_path / "old.jpg", tmp_path / "new.jpg"
    Image.fromarray(scene).save(source, dpi=(600, 300))
    assert colorizer.colorize(source).info["dpi"] == (600, 300)
    assert "dpi" not in colorizer.colorize(scene).info
    colorizer.colorize_file(source, destination)
    with Image.open(destination) as written:
        assert written.info["dpi"] == (600, 300)


def test_max_pixels(colorizer: Colorizer, tmp_path: Path, scene: np.ndarray) -> None:
    Image.fromarray(scene).save(tmp_path / "old.png")
    with pytest.raises(ImageError, match=r"more than the limit of 1000\.$"):
        colorizer.colorize(tmp_path / "old.png", max_pixels=1000)


def test_to_a_stream_in_the_photographs_format(colorizer: Colorizer, scene: np.ndarray) -> None:
    source, result = io.BytesIO(), io.BytesIO()
    Image.fromarray(scene).save(source, "WEBP", lossless=True)
    colorizer.colorize_file(source.getvalue(), result)
    assert Image.open(result).format == "WEBP"
    result = io.BytesIO()
    colorizer.colorize_file(source.getvalue(), result, format="PNG")
    assert np.array_equal(
        np.asarray(Image.open(result)), np.asarray(colorizer.colorize(source.getvalue()))
    )


@pytest.mark.parametrize("alias", ["itself", "symlink", "hardlink", "spelling"])
def test_the_photograph_is_never_replaced(
    colorizer: Colorizer, scene: np.ndarray, tmp_path: Path, alias: str
) -> None:
    source = tmp_path / "old.png"
    Image.fromarray(scene).save(source)
    before = source.read_bytes()
    destination = tmp_path / "alias.png"
    if alias == "itself":
        destination = source
    elif alias == "symlink":
        destination.symlink_to(source)
    elif alias == "hardlink":
        os.link(source, destination)
    else:
        (tmp_path / "folder").mkdir()
        destination = tmp_path / "folder" / ".." / "old.png"
    with pytest.raises(ImageError, match="is the photograph itself"):
        colorizer.colorize_file(source, destination, overwrite=True)
    assert source.read_bytes() == before


def test_an_existing_file_is_replaced_only_when_asked(
    colorizer: Colorizer, scene: np.ndarray, tmp_path: Path
) -> None:
    source, destination = tmp_path / "old.png", tmp_path / "new.png"
    Image.fromarray(scene).save(source)
    destination.write_bytes(b"precious")
    with pytest.raises(FileExistsError):
        colorizer.colorize_file(source, destination)
    assert destination.read_bytes() == b"precious"
    colorizer.colorize_file(source, destination, overwrite=True)
    with Image.open(destination) as written:
        assert written.size == (180, 120)


def test_a_keras_generator_colours_too(tiny_generator: Any, scene: np.ndarray) -> None:
    from keras_colorize.inference.runtime import KerasRuntime

    image = Colorizer(KerasRuntime(tiny_generator), size=64).colorize(scene)
    assert image.size == (180, 120)
    assert lightness_error(scene, image).mean() < 0.35
