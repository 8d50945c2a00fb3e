import ast
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

import keras_colorize
from keras_colorize.cli.main import COMMANDS

PUBLIC = [
    "PRESETS",
    "ColorizationGAN",
    "Colorizer",
    "DiscriminatorConfig",
    "GeneratorConfig",
    "Hint",
    "HintError",
    "ImageError",
    "WeightsError",
    "__version__",
    "build_discriminator",
    "build_generator",
    "colorize_files",
    "load",
    "load_runtime",
    "paint",
    "read_photograph",
    "score_folder",
    "to_lab",
]
HEAVY = ("tensorflow", "keras", "tf_keras", "matplotlib", "scipy", "skimage")


def modules_after(code: str) -> set[str]:
    """Run code in a fresh interpreter and name the modules that it leaves loaded."""
    report = "import sys\nprint('\\n--- modules', *sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{report}"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.rpartition("--- modules")[2].split())


def test_public_names_are_pinned() -> None:
    assert keras_colorize.__all__ == PUBLIC
    assert set(PUBLIC) <= set(dir(keras_colorize))


@pytest.mark.parametrize("name", PUBLIC)
def test_each_name_is_there(name: str) -> None:
    assert getattr(keras_colorize, name) is not None


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Colouriser'"):
        _ = keras_colorize.Colouriser


def test_type_checkers_and_python_find_the_same_names_in_the_same_modules() -> None:
    tree = ast.parse(Path(keras_colorize.__file__).read_text())
    block = next(node for node in tree.body if isinstance(node, ast.If))
    typed = {
        alias.name: str(node.module).removeprefix("keras_colorize.")
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert typed == keras_colorize._MODULES
    assert {*typed, "__version__"} == set(PUBLIC)


def test_the_version_is_the_installed_one() -> None:
    assert version("keras-colorize") == keras_colorize.__version__


def test_importing_the_package_imports_none_of_its_modules() -> None:
    loaded = modules_after("import keras_colorize; dir(keras_colorize)")
    assert "keras_colorize" in loaded
    assert {name for name in loaded if name.startswith("keras_colorize.")} == set()
    assert "numpy" not in loaded


def test_the_colorizer_loads_no_framework() -> None:
    loaded = modules_after("from keras_colorize import Colorizer, load_runtime, ImageError")
    assert "keras_colorize.inference.colorizer" in loaded
    assert loaded.isdisjoint(HEAVY)


@pytest.mark.parametrize("arguments", [["--help"], *([name, "--help"] for name in COMMANDS)])
def test_help_loads_no_framework(arguments: list[str]) -> None:
    loaded = modules_after(
        "from keras_colorize.cli.main import main\n"
        f"main({arguments}, prog_name='keras-colorize', standalone_mode=False)"
    )
    assert f"keras_colorize.cli.{arguments[0] if len(arguments) > 1 else 'main'}" in loaded
    assert loaded.isdisjoint(HEAVY)
