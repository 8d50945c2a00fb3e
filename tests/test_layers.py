"""The order of the folders: a module imports from its own folder or from a lower level.

`keras_colorize/__init__.py` and `weights/` stand outside of it: the first only names things.
"""

import ast
import re
import sys
from collections.abc import Iterable, Iterator
from configparser import ConfigParser
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = "keras_colorize"
LEVELS = {
    "installing": -1,
    "config": 0,
    "imaging": 0,
    "models": 1,
    "data": 1,
    "inference": 2,
    "evaluation": 3,
    "training": 4,
    "exporting": 5,
    "comparison": 5,
    "preparation": 6,
    "serving": 6,
    "cli": 7,
}
# Modules that may import a framework when they are imported; all others are part of the light
# base install, or must be quick to import because the command line names them.
FRAMEWORK_MODULES = (
    "comparison",
    "models",
    "data.arrays",
    "data.records",
    "data.tf_crops",
    "data.tf_lab",
    "data.tfdata",
    "evaluation.keras_metrics",
    "training",
    "exporting",
    "serving",
)


def imports(source: str, *, at_import_only: bool = False) -> Iterator[str]:
    """Yield the dotted names a module imports, `from a import b` as both `a` and `a.b`.

    With `at_import_only`, leave out function bodies and `if TYPE_CHECKING:`.
    """
    pending: list[ast.AST] = [ast.parse(source)]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports are not used in this project"
            assert node.module is not None
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
            yield from (a.value for a in node.args if isinstance(a, ast.Constant))
        if at_import_only and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if at_import_only and isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            pending.extend(node.orelse)
            continue
        pending.extend(ast.iter_child_nodes(node))


def folder(module: str) -> str:
    """`imaging.color` -> `imaging`, also with the package's name before it."""
    return module.removeprefix(f"{PACKAGE}.").partition(".")[0]


def layer_violations(sources: dict[str, str]) -> list[str]:
    """Say which imports go up, or sideways to another folder of the same level."""
    violations = []
    for module, source in sources.items():
        own = folder(module)
        if own not in LEVELS:
            violations.append(f"{module} is in no layer")
            continue
        for name in imports(source):
            if name == PACKAGE or not name.startswith(f"{PACKAGE}."):
                continue
            target = folder(name)
            if target not in LEVELS:
                # `from keras_colorize import x`: a public name hides the layer it comes from.
                if not target.startswith("__"):
                    violations.append(f"{module} imports {name}, which is in no layer")
            elif target != own and LEVELS[target] >= LEVELS[own]:
                violations.append(f"{module} imports {name} of a layer that is not lower")
    return violations


def loaded_with(module: str, sources: dict[str, str]) -> set[str]:
    """Names of everything that importing a module of `sources` imports, through the project."""
    found: set[str] = set()
    pending = [module]
    while pending:
        for name in imports(sources[pending.pop()], at_import_only=True):
            parts = name.split(".")
            # With a module come the `__init__` of the folders above it.
            for above in (".".join(parts[:count]) for count in range(1, len(parts) + 1)):
                local = above.removeprefix(f"{PACKAGE}.")
                if above not in found and local != above and local in sources:
                    pending.append(local)
                found.add(above)
    return found


def third_party(names: Iterable[str]) -> set[str]:
    tops = {name.partition(".")[0] for name in names}
    return tops - set(sys.stdlib_module_names) - {PACKAGE}


@cache
def package_sources() -> dict[str, str]:
    """Source by module, named without the package: `imaging.color`."""
    sources = {}
    for path in sorted((ROOT / PACKAGE).rglob("*.py")):
        parts = path.relative_to(ROOT / PACKAGE).with_suffix("").parts
        module = ".".join(part for part in parts if part != "__init__")
        if module:
            sources[module] = path.read_text()
    assert len(sources) > 10
    return sources


@cache
def declared() -> dict[str, set[str]]:
    """Import names by `base` or extra, from setup.cfg."""
    parser = ConfigParser()
    parser.read(ROOT / "setup.cfg")
    lists = {"base": parser["options"]["install_requires"], **parser["options.extras_require"]}
    modules: dict[str, set[str]] = {}
    for module, distributions in packages_distributions().items():
        for distribution in distributions:
            modules.setdefault(re.sub(r"[-_.]+", "-", distribution).lower(), set()).add(module)
    result = {}
    for name, requirements in lists.items():
        distributions = [re.split(r"[<>=!\[]", line)[0] for line in requirements.split("\n")]
        # One that is not installed here is taken to hold a module of its name.
        result[name] = {
            module for d in distributions for module in modules.get(d, {d.replace("-", "_")})
        }
    return result


def is_framework_module(module: str) -> bool:
    return any(module == m or module.startswith(f"{m}.") for m in FRAMEWORK_MODULES)


def test_imports_go_down() -> None:
    assert layer_violations(package_sources()) == []


@pytest.mark.parametrize(
    "module, source",
    [
        ("imaging.color", "from keras_colorize.models import blocks"),
        ("imaging.color", "def f():\n    import keras_colorize.cli.main"),
        ("models.blocks", "from keras_colorize.data.tfdata import x"),
        ("config", "from keras_colorize.imaging import color"),
        ("inference.runtime", "from keras_colorize import training"),
        ("inference.runtime", "from keras_colorize import Colorizer"),
        ("models.blocks", "if TYPE_CHECKING:\n    from keras_colorize.training import gan"),
        ("models.blocks", "importlib.import_module('keras_colorize.training.gan_tensorflow')"),
        ("elsewhere.module", ""),
    ],
)
def test_a_wrong_import_is_seen(module: str, source: str) -> None:
    assert len(layer_violations({module: source})) >= 1


def test_right_imports_are_let_through() -> None:
    source = """
from keras_colorize import __version__
from keras_colorize.config import PRESETS
from keras_colorize.training.losses import l1_loss
import numpy as np
"""
    assert layer_violations({"training.gan_tensorflow": source}) == []


def test_base_modules_import_no_more_than_the_base_install() -> None:
    sources = package_sources()
    base = declared()["base"]
    too_much = {
        module: heavy
        for module in sources
        if not is_framework_module(module)
        and (heavy := third_party(loaded_with(module, sources)) - base)
    }
    assert too_much == {}


def test_a_framework_is_seen_through_another_module() -> None:
    sources = {
        "inference.a": "from keras_colorize.models.b import c",
        "models.b": "try:\n    import tensorflow as tf\nexcept ImportError:\n    pass",
        "inference.d": "def f():\n    import tensorflow",
        "inference.e": "import keras_colorize.data.folders",
        "data": "import keras",
        "data.folders": "",
    }
    assert third_party(loaded_with("inference.a", sources)) == {"tensorflow"}
    assert third_party(loaded_with("inference.d", sources)) == set()
    assert third_party(loaded_with("inference.e", sources)) == {"keras"}


def test_all_that_is_imported_is_declared() -> None:
    extras = declared()
    known = set().union(*(extras[name] for name in extras if name != "dev"))
    undeclared = {
        module: names
        for module, source in package_sources().items()
        if (names := third_party(imports(source)) - known)
    }
    assert undeclared == {}


def test_every_folder_of_modules_is_a_package() -> None:
    folders = {path.parent for path in (ROOT / PACKAGE).rglob("*.py")}
    assert [str(f) for f in sorted(folders) if not (f / "__init__.py").exists()] == []


def test_contributing_names_files_that_are_there() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text()
    named = set(re.findall(r"`((?:[a-z_0-9]+/)+[a-z_0-9]+\.[a-z]+)`", text))
    assert len(named) > 20
    assert [name for name in sorted(named) if not _exists(name)] == []


def _exists(name: str) -> bool:
    return (ROOT / name).exists() or (ROOT / PACKAGE / name).exists()
