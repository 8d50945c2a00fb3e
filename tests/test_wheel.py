"""What `python -m build` makes, and the wheel in an environment that has nothing else.

The wheel is built of the sdist, so that a file which that lacks is missing here too.
"""

import shutil
import subprocess
import sys
import tarfile
import zipfile
from configparser import ConfigParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

# NumPy, OpenCV and LiteRT with their libraries, and the weights; TensorFlow would be 2 GB more.
SIZE_LIMIT = 350e6
SOURCES = (
    *("CHANGELOG.md", "CITATION.cff", "LICENSE", "MANIFEST.in", "README.md"),
    *("pyproject.toml", "setup.cfg"),
)


def run(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


def succeed(*command: str | Path, cwd: Path) -> str:
    done = run(*command, cwd=cwd)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def distributions(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build from a copy: the working tree's `build` folder may hold files long gone."""
    source = tmp_path_factory.mktemp("source")
    for name in SOURCES:
        shutil.copy(repository / name, source)
    ignored = shutil.ignore_patterns("__pycache__")
    for name in ("keras_colorize", "tests"):
        shutil.copytree(repository / name, source / name, ignore=ignored)
    build = (sys.executable, "-W", "error", "-m", "build", "--no-isolation")
    succeed(*build, "--outdir", source / "dist", cwd=source)
    assert len(list((source / "dist").iterdir())) == 2
    return source / "dist"


@pytest.fixture(scope="module")
def wheel(distributions: Path) -> Path:
    (wheel,) = distributions.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("environment")
    succeed(sys.executable, "-m", "venv", folder, cwd=folder)
    pip = (folder / "bin" / "python", "-m", "pip", "--disable-pip-version-check", "-qq")
    succeed(*pip, "install", wheel, cwd=folder)
    return folder


@pytest.fixture(scope="module")
def example(repository: Path) -> Path:
    return sorted((repository / "examples" / "photographs").glob("*.jpg"))[0]


def test_wheel_holds_the_package_and_nothing_else(wheel: Path, repository: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    tree = repository / "keras_colorize"
    expected = {
        str(path.relative_to(repository))
        for path in [
            *tree.rglob("*.py"),
            *(tree / "weights").iterdir(),
            *(tree / "serving" / "page").iterdir(),
            tree / "py.typed",
        ]
        if path.is_file()
    }
    assert "keras_colorize/serving/page/index.html" in names
    assert any(name.endswith(".tflite") for name in names)
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert {name for name in names if ".dist-info/" not in name} == expected


def test_sdist_holds_the_sources_of_the_package(distributions: Path, repository: Path) -> None:
    (sdist,) = distributions.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        files = {m.name.partition("/")[2] for m in archive.getmembers() if m.isfile()}
    tree = repository / "keras_colorize"
    modules = {str(path.relative_to(repository)) for path in tree.rglob("*.py")}
    assert {*SOURCES, *modules, "keras_colorize/py.typed"} <= files
    assert {name.partition("/")[0] for name in files} == {
        *SOURCES,
        *("PKG-INFO", "keras_colorize", "keras_colorize.egg-info"),
    }


def extras() -> list[str]:
    settings = ConfigParser()
    settings.read(Path(__file__).parents[1] / "setup.cfg")
    return list(settings["options.extras_require"])


@pytest.mark.slow
@pytest.mark.parametrize("extra", extras())
def test_extra_resolves(extra: str, wheel: Path, environment: Path) -> None:
    pip = (environment / "bin" / "python", "-m", "pip", "--disable-pip-version-check", "install")
    said = succeed(*pip, "--dry-run", f"{wheel}[{extra}]", cwd=environment)
    packages = said.splitlines()[-1]
    assert packages.startswith("Would install ")
    if extra == "onnx":
        assert " onnxruntime-" in packages and " tensorflow-" not in packages


def test_colours_a_photograph(environment: Path, example: Path, tmp_path: Path) -> None:
    program = environment / "bin" / "keras-colorize"
    succeed(program, "colorize", example, "-o", tmp_path / "out.png", cwd=tmp_path)
    with Image.open(example) as before, Image.open(tmp_path / "out.png") as after:
        assert after.size == before.size
        colours = np.asarray(after.convert("RGB"), dtype=np.int16)
    assert np.ptp(colours, axis=-1).mean() > 2


def test_environment_is_light(environment: Path) -> None:
    packages = next((environment / "lib").glob("python*/site-packages"))
    installed = {path.name for path in packages.iterdir()}
    assert "ai_edge_litert" in installed
    assert installed.isdisjoint({"tensorflow", "keras", "scipy", "skimage", "matplotlib"})
    size = sum(
        path.lstat().st_size
        for path in packages.rglob("*")
        # What the environment was made with, and is not needed after that.
        if path.is_file() and path.relative_to(packages).parts[0] not in ("pip", "setuptools")
    )
    assert size < SIZE_LIMIT


def test_a_command_without_its_extra_says_what_to_install(
    environment: Path, example: Path, tmp_path: Path
) -> None:
    program = environment / "bin" / "keras-colorize"
    done = run(program, "train", example.parent, "--run", tmp_path / "run", cwd=tmp_path)
    assert done.returncode == 1
    assert 'pip install ".[train]" in a clone of keras-colorize' in done.stderr
    assert len(done.stderr.splitlines()) == 1
