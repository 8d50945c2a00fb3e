"""`keras-colorize doctor`: shows what is installed and tests the packaged networks."""

import json
import platform
import sys
import zipfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import click

import keras_colorize
from keras_colorize.cli.extras import declared_extras, import_problem
from keras_colorize.installing import install_command

_LIBRARIES = ("numpy", "pillow", "opencv-python-headless", "ai-edge-litert", "tensorflow", "keras")
# Mean and maximum of the difference in ab, in Lab units: what other kernels may make of int8.
_TOLERANCE = {"mean": 0.5, "max": 5.0}


@click.command(epilog="\b\nExample:\n  keras-colorize doctor")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
def command(as_json: bool) -> None:
    """Show what is installed and test the packaged networks.

    Lists versions, libraries and extras. Each packaged network then colours a stored input, and the
    result is compared with a stored output. The exit code is 1 if one of them differs.
    """
    report: dict[str, Any] = {
        "keras-colorize": keras_colorize.__version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "libraries": {name: _version(name) for name in _LIBRARIES},
        "extras": [_extra(name, needed) for name, needed in declared_extras().items()],
        "models": _models(),
    }
    healthy = bool(report["models"]) and all(model["passed"] for model in report["models"])
    click.echo(json.dumps(report, indent=2) if as_json else _text(report))
    if not healthy:
        sys.exit(1)


def _version(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def _extra(name: str, needed: list[str]) -> dict[str, Any]:
    missing = [distribution for distribution in needed if _version(distribution) is None]
    return {
        "name": name,
        "installed": not missing,
        "missing": missing,
        "install": install_command(name),
    }


def _models() -> list[dict[str, Any]]:
    from keras_colorize.inference.weights import packaged_weights

    return [_model(path) for path in packaged_weights().values()]


def _model(path: Path) -> dict[str, Any]:
    """Describes a packaged network, and compares its output with the golden one."""
    from keras_colorize.inference.weights import WeightsError

    model: dict[str, Any] = {"name": path.stem, "path": str(path), "bytes": path.stat().st_size}
    try:
        from keras_colorize.inference.runtime import LiteRTRuntime

        runtime = LiteRTRuntime(path)
        model["sizes"] = runtime.sizes
        model["chroma_stride"] = runtime.chroma_stride
        return model | _self_test(runtime, path)
    except ImportError as error:
        return model | {"passed": False, "problem": import_problem(error) or str(error)}
    except (WeightsError, OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        return model | {"passed": False, "problem": str(error)}


def _self_test(runtime: Any, path: Path) -> dict[str, Any]:
    import numpy as np

    with path.with_suffix(".golden.npz").open("rb") as stream, np.load(stream) as golden:
        difference = np.abs(runtime.predict(golden["lightness"]) - golden["ab"])
    mean, worst = float(difference.mean()), float(difference.max())
    passed = mean < _TOLERANCE["mean"] and worst < _TOLERANCE["max"]
    result: dict[str, Any] = {"passed": passed, "mean_difference": mean, "max_difference": worst}
    if not passed:
        result["problem"] = (
            f"its ab is {mean:.2g} from the golden one in the mean and {worst:.2g} at most, with "
            f"{_TOLERANCE['mean']} and {_TOLERANCE['max']} allowed"
        )
    return result


def _text(report: dict[str, Any]) -> str:
    lines = [
        f"keras-colorize {report['keras-colorize']}, Python {report['python']}, "
        f"{report['platform']}",
        "",
        "Libraries",
    ]
    lines += [f"  {name:<24}{found or '-'}" for name, found in report["libraries"].items()]
    lines += ["", "Extras"]
    for extra in report["extras"]:
        state = "installed" if extra["installed"] else f"not installed: {extra['install']}"
        lines.append(f"  {extra['name']:<24}{state}")
    lines += ["", "Packaged networks"]
    if not report["models"]:
        lines.append("  none: this installation is broken; install keras-colorize again")
    for model in report["models"]:
        lines.append(f"  {model['name']:<24}{model['bytes'] / 1e6:.1f} MB, {model['path']}")
        if "sizes" in model:
            sizes = ", ".join(f"colorize_{height}x{width}" for height, width in model["sizes"])
            lines.append(f"  {'':<24}{sizes}")
        if model["passed"]:
            outcome = (
                f"self-test passed: ab within {model['mean_difference']:.2g} (mean) and "
                f"{model['max_difference']:.2g} (most) of the golden"
            )
        else:
            outcome = f"self-test FAILED: {model['problem']}"
        lines.append(f"  {'':<24}{outcome}")
    return "\n".join(lines)
