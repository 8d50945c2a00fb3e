"""Colour, resizing, fitting and upsampling in Kotlin, compared with the package they follow.

They know nothing of Android, so they run on a JVM: on the golden vectors, and against the Python
functions.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from keras_colorize import Colorizer
from keras_colorize.imaging.upsampling import guided_upsample
from keras_colorize.inference.fitting import fit, short_side

GOLDEN = Path(__file__).parents[1] / "data" / "golden_colour.npz"
SIZES = ((256, 256), (256, 384), (384, 256), (512, 512))
PICTURES = [
    *((256, 256), (300, 200), (200, 300), (97, 250), (720, 1280), (1280, 720), (3024, 4032)),
    *((240, 1700), (1700, 240), (256, 1024), (37, 41), (1, 1), (3, 1), (100, 9000), (300, 100)),
]
Call = Callable[..., dict[str, np.ndarray]]


@pytest.fixture(scope="module")
def classes(kotlin: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("classes")
    kotlin.compile([*kotlin.pure, kotlin.here / "Bridge.kt"], folder)
    return folder


@pytest.fixture
def call(kotlin: Any, classes: Path, tmp_path: Path) -> Call:
    """Calls a command of Bridge.kt; arrays go in by name, float32 or int32, and come out so."""

    def bridge(
        command: str, results: dict[str, Any], **arrays: np.ndarray
    ) -> dict[str, np.ndarray]:
        for name, array in arrays.items():
            assert array.dtype in (np.float32, np.int32), name
            array.tofile(tmp_path / name)
            np.array(array.shape, np.int32).tofile(tmp_path / f"{name}.shape")
        kotlin.run(classes, "Bridge", command, tmp_path)
        return {name: np.fromfile(tmp_path / name, kind) for name, kind in results.items()}

    return bridge


@pytest.fixture(scope="module")
def golden() -> dict[str, np.ndarray]:
    with np.load(GOLDEN) as arrays:
        return dict(arrays)


def settings(stride: int, side: int) -> np.ndarray:
    return np.array([stride, side], np.int32)


def channels(ab: np.ndarray, call_number: int | None = None) -> dict[str, np.ndarray]:
    suffix = "" if call_number is None else f"_{call_number}"
    return {f"{name}{suffix}": ab[..., i].astype(np.float32) for i, name in enumerate("ab")}


def recorded(runtime: Any) -> dict[str, np.ndarray]:
    """What a recorder answered, as Bridge.kt reads it."""
    arrays = {"sizes": np.array(runtime.sizes, np.int32)}
    for number, ab in enumerate(runtime.answered):
        arrays |= channels(ab, number)
    return arrays


def plain_network(lightness: np.ndarray) -> np.ndarray:
    """ab follows from the lightness of the pixel: any shift, margin or seam shows."""
    size = (lightness.shape[1] // 4, lightness.shape[0] // 4)
    low = cv2.resize(lightness, size, interpolation=cv2.INTER_AREA)
    return np.stack([low / 10 - 3, 4 - low / 8], axis=-1)


def test_lightness(call: Call, argb: Any, golden: dict[str, np.ndarray]) -> None:
    made = call("lightness", {"lightness": np.float32}, argb=argb.pack(golden["rgb"]))["lightness"]
    np.testing.assert_allclose(made, golden["lab"][:, 0], atol=5e-3)


def test_lab_back_to_rgb(call: Call, argb: Any, golden: dict[str, np.ndarray]) -> None:
    lab = golden["lab"].astype(np.float32)
    made = call("rgb", {"argb": np.int32}, lightness=lab[:, 0], **channels(lab[:, 1:]))["argb"]
    assert np.array_equal(argb.unpack(made), golden["rgb"])


def test_colours_beyond_the_gamut_are_cut(call: Call, argb: Any) -> None:
    lightness, ab = np.full(2, 50, np.float32), np.array([[127, 127], [-128, -128]], np.float32)
    made = argb.unpack(call("rgb", {"argb": np.int32}, lightness=lightness, **channels(ab))["argb"])
    assert made[0].tolist()[1:] == [0, 0] and made[1].tolist()[0] == 0
    assert made[0][0] == made[1][2] == 255


def test_guided_upsampling_of_the_golden_picture(call: Call, golden: dict[str, np.ndarray]) -> None:
    made = upsampled(call, golden["ab"], golden["lightness"])
    np.testing.assert_allclose(made, golden["upsampled_ab"], atol=1e-3)


@pytest.mark.parametrize(
    "shape, low", [((70, 101), (9, 13)), ((33, 20), (33, 7)), ((5, 5), (5, 5)), ((9, 1), (2, 1))]
)
def test_guided_upsampling_of_odd_sizes(
    call: Call, shape: tuple[int, int], low: tuple[int, int]
) -> None:
    random = np.random.default_rng(shape[0])
    lightness = random.uniform(0, 100, shape).astype(np.float32)
    ab = random.uniform(-60, 60, (*low, 2)).astype(np.float32)
    np.testing.assert_allclose(
        upsampled(call, ab, lightness), guided_upsample(ab, lightness), atol=2e-3
    )


def upsampled(call: Call, ab: np.ndarray, lightness: np.ndarray) -> np.ndarray:
    names = {"full_a": np.float32, "full_b": np.float32}
    made = call("upsample", names, lightness=lightness.astype(np.float32), **channels(ab))
    return np.stack([made["full_a"], made["full_b"]], axis=-1).reshape(*lightness.shape, 2)


@pytest.mark.parametrize("wanted", [256, 512])
@pytest.mark.parametrize("sizes, stride", [(SIZES, 4), (SIZES[:1], 2), (SIZES[1:], 8)])
def test_frames_and_contents_are_those_of_the_package(
    call: Call, recorder: Any, sizes: tuple[tuple[int, int], ...], stride: int, wanted: int
) -> None:
    runtime = recorder(sizes, stride, plain_network)
    there = {min(size) for size in sizes}
    side = short_side(runtime, wanted if wanted in there else None)
    expected = []
    for picture in PICTURES:
        plan = fit(picture, runtime, side)
        expected.append([side, *plan.frame, *plan.content])
    made = call(
        "fit",
        {"fits": np.int32},
        settings=settings(stride, wanted),
        sizes=np.array(sizes, np.int32),
        pictures=np.array(PICTURES, np.int32),
    )["fits"]
    if wanted not in there:
        expected = [row for row in expected if row[0] == 256]
    assert made.reshape(-1, 5).tolist() == expected


@pytest.mark.parametrize("picture", [p for p in PICTURES if max(p) < 4000])
def test_the_network_sees_and_gives_what_it_does_in_the_package(
    call: Call, recorder: Any, picture: tuple[int, int]
) -> None:
    lightness = np.random.default_rng(picture[0]).uniform(0, 100, picture).astype(np.float32)
    lightness = cv2.GaussianBlur(lightness, (0, 0), 3).reshape(picture)
    runtime = recorder(SIZES, 4, plain_network)
    colorizer = Colorizer(runtime, adapt=False)
    expected = colorizer._low_ab(lightness)
    asked = {f"asked_{number}": np.float32 for number in range(len(runtime.asked))}
    made = call(
        "predict",
        {"size": np.int32, "a": np.float32, "b": np.float32, **asked},
        lightness=lightness,
        settings=settings(4, 256),
        **recorded(runtime),
    )
    assert made["size"].tolist() == list(expected.shape[:2])
    for number, frame in enumerate(runtime.asked):
        np.testing.assert_allclose(made[f"asked_{number}"].reshape(frame.shape), frame, atol=2e-3)
    ab = np.stack([made["a"], made["b"]], axis=-1).reshape(expected.shape)
    np.testing.assert_allclose(ab, expected, atol=2e-3)


def test_the_pure_files_do_not_know_android(kotlin: Any) -> None:
    assert len(kotlin.pure) == 5
    for path in kotlin.pure:
        imports = [line for line in path.read_text().splitlines() if line.startswith("import")]
        assert all(line.startswith("import kotlin.") for line in imports), path
