from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest

from keras_colorize.inference.fitting import SizeError, fit, predict_fitted, short_side

FIXED = ((256, 256), (256, 384), (384, 256), (512, 512))


@pytest.mark.parametrize(
    "picture, frame",
    [
        ((256, 256), (256, 256)),
        ((1000, 1200), (256, 256)),
        ((1000, 1333), (256, 384)),
        ((1000, 2999), (256, 384)),
        ((3000, 2000), (384, 256)),
        ((1, 1), (256, 256)),
    ],
)
def test_the_frame_nearest_in_aspect(
    fake_runtime: Callable[..., Any], picture: tuple[int, int], frame: tuple[int, int]
) -> None:
    assert fit(picture, fake_runtime(FIXED), 256).frame == frame
    assert fit(picture, fake_runtime(FIXED), 512).frame == (512, 512)


@pytest.mark.parametrize("sizes", [FIXED, None])
@pytest.mark.parametrize("stride", [1, 2, 4])
@pytest.mark.parametrize(
    "picture",
    [(1, 1), (1, 700), (700, 1), (2, 3), (31, 94), (640, 481), (3000, 1000), (9, 60000), (501, 99)],
)
def test_content_keeps_the_aspect_in_whole_ab_pixels(
    fake_runtime: Callable[..., Any], sizes: Any, stride: int, picture: tuple[int, int]
) -> None:
    runtime = fake_runtime(sizes, stride)
    plan = fit(picture, runtime, 256)
    assert all(side % stride == 0 and side >= stride for side in plan.content)
    # At least one side is the frame's, or it is as long as tiles may make it.
    longest = 16 * max(plan.frame)
    assert any(c in (f, longest) for c, f in zip(plan.content, plan.frame, strict=True))
    scales = [c / p for c, p in zip(plan.content, picture, strict=True)]
    slack = [stride / p for p in picture]
    assert abs(scales[0] - scales[1]) <= max(slack)
    if sizes is None:
        assert all(side % runtime.size_multiple == 0 for side in plan.frame)


def test_a_picture_of_the_frames_size_is_passed_on_as_it_is(
    fake_runtime: Callable[..., Any],
) -> None:
    runtime = fake_runtime()
    lightness = np.random.default_rng(0).uniform(0, 100, (256, 256)).astype(np.float32)
    predict_fitted(lightness, runtime, 256)
    (seen,) = runtime.seen
    assert np.array_equal(seen, lightness)


def test_what_is_missing_is_a_reflection(fake_runtime: Callable[..., Any]) -> None:
    runtime = fake_runtime(((64, 64),), 2)
    ramp = np.repeat(np.linspace(0, 100, 32, dtype=np.float32)[:, None], 64, axis=1)
    predict_fitted(ramp, runtime, 64)
    (seen,) = runtime.seen
    assert np.array_equal(seen[16:48], ramp)
    assert np.array_equal(seen[:16], ramp[:16][::-1])
    assert np.array_equal(seen[48:], ramp[16:][::-1])


@pytest.mark.parametrize("sizes", [FIXED, None])
@pytest.mark.parametrize("shape", [(300, 200), (97, 250), (240, 1700), (1700, 240), (37, 41)])
def test_ab_covers_exactly_the_picture(
    fake_runtime: Callable[..., Any], sizes: Any, shape: tuple[int, int]
) -> None:
    runtime = fake_runtime(sizes)
    y, x = np.mgrid[: shape[0], : shape[1]]
    lightness = (20 + 30 * y / shape[0] + 40 * x / shape[1]).astype(np.float32)
    ab = predict_fitted(lightness, runtime, 256)
    assert ab.dtype == np.float32
    low = cv2.resize(lightness, ab.shape[1::-1], interpolation=cv2.INTER_AREA)
    # The fake's ab is a function of lightness: any shift, margin or seam would show.
    np.testing.assert_allclose(ab[..., 0], low / 10 - 3, atol=0.08)
    np.testing.assert_allclose(ab[..., 1], 4 - low / 8, atol=0.1)


def test_panoramas_go_in_tiles_of_the_full_height(fake_runtime: Callable[..., Any]) -> None:
    runtime = fake_runtime(FIXED)
    lightness = np.random.default_rng(1).uniform(0, 100, (256, 1024)).astype(np.float32)
    predict_fitted(lightness, runtime, 256)
    assert len(runtime.seen) == 4
    assert all(tile.shape == (256, 384) for tile in runtime.seen)
    assert np.array_equal(runtime.seen[0], lightness[:, :384])
    assert np.array_equal(runtime.seen[-1], lightness[:, -384:])


def test_tiles_are_blended_without_a_seam(fake_runtime: Callable[..., Any]) -> None:
    runtime = fake_runtime(FIXED)
    count = iter(range(100))

    def predict(lightness: np.ndarray) -> np.ndarray:
        return np.full((128, 192, 2), float(next(count)), np.float32)

    runtime.predict = predict
    ab = predict_fitted(np.full((256, 1024), 50, np.float32), runtime, 256)
    along = ab[64, :, 0]
    assert (along[0], along[-1]) == (0, 3)
    steps = np.diff(along)
    assert steps.min() >= 0
    assert steps.max() < 0.05


def test_the_size_is_the_short_side(fake_runtime: Callable[..., Any]) -> None:
    assert short_side(fake_runtime(FIXED), None) == 256
    assert short_side(fake_runtime(FIXED), 512) == 512
    assert short_side(fake_runtime(((128, 128),)), None) == 128
    assert short_side(fake_runtime(None), None) == 256
    assert short_side(fake_runtime(None), 320) == 320
    with pytest.raises(SizeError, match="fake has no size 300; it has 256 and 512"):
        short_side(fake_runtime(FIXED), 300)
    with pytest.raises(SizeError, match="multiples of 32, not 300"):
        short_side(fake_runtime(None), 300)
