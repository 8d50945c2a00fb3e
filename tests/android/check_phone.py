"""The parts that speak to Android and LiteRT, which are not to be had here.

All of it and the sample are compiled against `stubs/`, signatures without bodies: so their types
fit. The library then runs on `fakes/`, bitmaps that are arrays and a LiteRT that answers with
recorded ab. The sample never runs.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from keras_colorize import Colorizer
from keras_colorize.inference.runtime import load_runtime

PHOTOGRAPHS = Path(__file__).parents[2] / "examples" / "photographs"
OPEN_GPU, OPEN_CPU = "open on GPU", "open on CPU"
RUN = "run SIGNATURE on "


PHONES = {
    "good": [OPEN_GPU, *2 * [f"{RUN}GPU"], "was on the GPU", "close GPU"],
    "refused": [OPEN_GPU, OPEN_CPU, *2 * [f"{RUN}CPU"], "was on the CPU", "close CPU"],
    "breaking": [
        *(OPEN_GPU, f"{RUN}GPU", OPEN_CPU, "close GPU"),
        *(*2 * [f"{RUN}CPU"], "was on the CPU", "close CPU"),
    ],
}


@pytest.fixture(scope="module")
def phone(kotlin: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library, with fakes in the place of bitmaps and LiteRT."""
    folder = tmp_path_factory.mktemp("phone")
    fakes = list((kotlin.here / "fakes").glob("*.kt"))
    names = {path.name for path in fakes}
    stubs = [
        path for path in (kotlin.here / "stubs").glob("Android[A-Z]*") if path.name not in names
    ]
    sources = [*kotlin.library.glob("*.kt"), *fakes, *stubs, kotlin.here / "FakePhone.kt"]
    kotlin.compile(sources, folder)
    return folder


def run_phone(kotlin: Any, phone: Path, path: Path, pixels: np.ndarray, side: int) -> list[str]:
    """Colours a picture twice with the file `path`; gives what LiteRT was asked to do."""
    folder = path.parent
    pixels.tofile(folder / "argb")
    np.array(pixels.shape, np.int32).tofile(folder / "argb.shape")
    kotlin.run(phone, "FakePhone", folder, path, str(side), "1.5")
    return (folder / "events").read_text().splitlines()


@pytest.mark.parametrize("photograph", ["fsa-street-parade", "egret"])
@pytest.mark.parametrize("asset, side", [*((asset, 256) for asset in PHONES), ("good", 512)])
def test_bitmaps_are_coloured_as_the_package_does_on_the_gpu_or_else_on_the_cpu(
    kotlin: Any,
    argb: Any,
    recorder: Any,
    phone: Path,
    tmp_path: Path,
    photograph: str,
    asset: str,
    side: int,
) -> None:
    with Image.open(PHOTOGRAPHS / f"{photograph}.jpg") as image:
        rgb = np.asarray(image.convert("RGB"))
    network = load_runtime()
    assert network.sizes is not None
    runtime = recorder(network.sizes, network.chroma_stride, network.predict)
    expected = np.asarray(
        Colorizer(runtime, size=side, saturation=1.5, adapt=False).colorize(rgb)
    ).astype(int)
    assert np.ptp(expected, axis=-1).max() > 50  # it is coloured
    (asked,), (ab,) = runtime.asked, runtime.answered
    ab.astype(np.float32).tofile(tmp_path / f"{asset}.ab")
    alpha = np.arange(rgb.shape[1]).astype(np.uint8)
    pixels = argb.pack(rgb, alpha)
    events = run_phone(kotlin, phone, tmp_path / asset, pixels, side)
    signature = f"colorize_{asked.shape[0]}x{asked.shape[1]}"
    assert events == [event.replace(RUN, f"run {signature} on ") for event in PHONES[asset]]
    seen = np.fromfile(tmp_path / f"{asset}.asked", np.float32)
    np.testing.assert_allclose(seen, asked.ravel(), atol=0.01)
    painted = np.fromfile(tmp_path / "painted", np.int32).reshape(pixels.shape)
    assert np.abs(argb.unpack(painted) - expected).max() <= 1
    assert np.array_equal(painted.view(np.uint32) >> 24, pixels.view(np.uint32) >> 24)


def test_a_file_that_cannot_be_opened_is_an_exception(
    kotlin: Any, argb: Any, phone: Path, tmp_path: Path
) -> None:
    pixels = argb.pack(np.zeros((2, 2, 3), np.uint8))
    events = run_phone(kotlin, phone, tmp_path / "missing", pixels, 256)
    assert events == [OPEN_GPU, OPEN_CPU, "failed: it cannot be opened"]


def test_what_speaks_to_android_compiles_against_its_signatures(
    kotlin: Any, tmp_path: Path
) -> None:
    sources = [
        *kotlin.library.glob("*.kt"),
        *kotlin.sample.rglob("*.kt"),
        *(kotlin.here / "stubs").glob("*.kt"),
    ]
    kotlin.compile(sources, tmp_path)
    assert (tmp_path / "org" / "kerascolorize" / "Colorizer.class").is_file()
    assert (tmp_path / "org" / "kerascolorize" / "sample" / "MainActivity.class").is_file()


def test_a_wrong_call_of_android_does_not_compile(kotlin: Any, tmp_path: Path) -> None:
    sources = [*kotlin.library.glob("*.kt"), *(kotlin.here / "stubs").glob("*.kt")]
    wrong = tmp_path / "LiteRtNetwork.kt"
    source = (kotlin.library / "LiteRtNetwork.kt").read_text()
    wrong.write_text(
        source.replace('createInputBuffer("lightness", signature)', "createInputBuffer(7)")
    )
    assert wrong.read_text() != source
    sources = [path for path in sources if path.name != wrong.name]
    with pytest.raises(AssertionError, match="type mismatch"):
        kotlin.compile([*sources, wrong], tmp_path / "classes")
