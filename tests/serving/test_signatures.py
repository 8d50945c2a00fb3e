"""What the signatures compute from the packaged file; the SavedModel's tests compare with it."""

import io
import math
import time
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from keras_colorize.imaging.bounds import MOST_SIDE
from keras_colorize.imaging.color import rgb_to_lightness
from keras_colorize.imaging.upsampling import guided_upsample
from keras_colorize.inference.colorizer import Colorizer
from keras_colorize.serving.errors import ServingError
from keras_colorize.serving.signatures import SIGNATURES

PIXELS = 1_000_000


def run(name: str, batch: Any, runtime: Any, pixels: int = PIXELS, due: float = math.inf) -> Any:
    signature = SIGNATURES[name]
    signature.check(batch)
    return signature.run(batch, runtime, due, pixels)


@pytest.fixture
def lightness(make_picture: Any) -> np.ndarray:
    return rgb_to_lightness(np.asarray(make_picture(3, 384, 256)))


def test_a_frame_of_the_network_goes_through_as_it_is(runtime: Any, lightness: np.ndarray) -> None:
    ab = run("serving_default", lightness[None, ..., None], runtime)
    assert (ab.dtype, ab.shape) == (np.float32, (1, 256, 384, 2))
    low = runtime.predict(lightness)
    assert np.array_equal(ab[0], guided_upsample(low, lightness))
    assert np.array_equal(run("network", lightness[None, ..., None], runtime)[0], low)
    assert low.std() > 1


def test_a_picture_a_little_smaller_is_padded_as_in_the_saved_model(
    runtime: Any, lightness: np.ndarray
) -> None:
    cut = lightness[:230, :333]
    ab = run("serving_default", cut[None, ..., None], runtime)
    assert ab.shape == (1, 230, 333, 2)
    padded = cv2.copyMakeBorder(cut, 12, 14, 24, 27, cv2.BORDER_REFLECT)  # 4-pixel margins
    expected = guided_upsample(runtime.predict(padded), padded)[12:-14, 24:-27]
    assert np.array_equal(ab[0], expected)


def test_other_sizes_are_resized_as_colorizer_does(runtime: Any, lightness: np.ndarray) -> None:
    small = lightness[:100, :70]
    batch = np.stack([small, small[::-1]])[..., None]
    ab = run("serving_default", batch, runtime)
    colorizer = Colorizer(runtime, adapt=False)
    assert np.array_equal(ab[0], colorizer.predict_ab(small))
    assert np.array_equal(ab[1], colorizer.predict_ab(small[::-1]))
    with pytest.raises(ServingError, match="takes the sizes") as error:
        run("network", batch, runtime)
    assert error.value.code == "INVALID_ARGUMENT"


def test_pixels_and_files_are_the_pictures_of_colorizer(
    runtime: Any, make_picture: Any, photograph: bytes
) -> None:
    colorizer = Colorizer(runtime, adapt=False)
    rgb = np.stack([np.asarray(make_picture(seed)) for seed in (0, 1)])
    made = run("colorize_rgb", rgb, runtime)
    assert made.dtype == np.uint8
    for one, of in zip(made, rgb, strict=True):
        assert np.array_equal(one, np.asarray(colorizer.colorize(of)))
    stream = io.BytesIO()
    make_picture(2).convert("LA").save(stream, "WEBP", lossless=True)
    files = [photograph, stream.getvalue()]
    for data, of in zip(run("colorize_bytes", files, runtime), files, strict=True):
        picture = Image.open(io.BytesIO(data))
        expected = colorizer.colorize(of)
        assert (picture.format, picture.mode) == ("PNG", expected.mode)
        assert np.array_equal(np.asarray(picture), np.asarray(expected))


@pytest.mark.parametrize(
    "name, batch",
    [
        ("serving_default", np.zeros((2, 2, 1), np.float32)),
        ("serving_default", np.zeros((1, 0, 2, 1), np.float32)),
        ("serving_default", np.zeros((0, 2, 2, 1), np.float32)),
        ("serving_default", np.full((1, 2, 2, 1), 101, np.float32)),
        ("serving_default", np.full((1, 2, 2, 1), -1, np.float32)),
        ("serving_default", np.full((1, 2, 2, 1), np.nan, np.float32)),
        ("serving_default", np.full((1, 2, 2, 1), np.inf, np.float32)),
        ("serving_default", np.zeros((1, 1, MOST_SIDE + 1, 1), np.float32)),
        ("colorize_rgb", np.zeros((1, MOST_SIDE + 1, 1, 3), np.uint8)),
        ("colorize_rgb", np.zeros((1, 2, 2, 4), np.uint8)),
        ("colorize_bytes", []),
        ("colorize_bytes", [b""]),
        ("colorize_bytes", [b"\xff\xd8\xff cut"]),
    ],
)
def test_what_cannot_be_coloured_is_an_invalid_argument(
    name: str, batch: Any, make_grey: Any
) -> None:
    with pytest.raises(ServingError) as error:
        run(name, batch, make_grey())
    assert error.value.code == "INVALID_ARGUMENT"
    assert error.value.message.endswith(".")


def test_each_picture_has_a_limit_of_pixels(make_grey: Any, tiny: bytes) -> None:
    for name, batch in {
        "serving_default": np.zeros((1, 32, 40, 1), np.float32),
        "colorize_rgb": np.zeros((1, 32, 40, 3), np.uint8),
        "colorize_bytes": [tiny],
    }.items():
        assert len(run(name, batch, make_grey(), pixels=1280)) == 1
        with pytest.raises(ServingError, match="more than the limit of 1279") as error:
            run(name, batch, make_grey(), pixels=1279)
        assert error.value.http_status == 413


def test_no_picture_is_begun_after_the_deadline(make_grey: Any, tiny: bytes) -> None:
    runtime = make_grey()
    deadline = time.monotonic() + 0.05
    runtime.wait = lambda: time.sleep(0.06)
    with pytest.raises(ServingError, match="time for this request is over"):
        run("colorize_bytes", [tiny] * 9, runtime, due=deadline)
    assert runtime.calls == 1
