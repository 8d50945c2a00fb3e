"""Where weights are: packaged ones by name, all others by path."""

import os
from pathlib import Path

PACKAGED_FOLDER = Path(__file__).parents[1] / "weights"
DEFAULT_NAME = "mobile"
_SUFFIXES = (".keras", ".tflite", ".onnx")
_LISTED = ".keras, .tflite or .onnx"
_RUN_FILES = ("best.keras", "generator.keras")


class WeightsError(ValueError):
    """Weights cannot be found or used; the message is one sentence."""


def packaged_weights() -> dict[str, Path]:
    """Returns the `.tflite` files that come with the package, by name."""
    return {path.stem: path for path in sorted(PACKAGED_FOLDER.glob("*.tflite"))}


def find_saved_model(weights: str | os.PathLike[str] | None) -> Path | None:
    """Returns the folder that weights name, if it is a SavedModel, and None if it is none.

    A packaged name goes before a path of the same name.
    """
    if weights is None or (isinstance(weights, str) and weights in packaged_weights()):
        return None
    return Path(weights) if (Path(weights) / "saved_model.pb").is_file() else None


def name_of(weights: str) -> str:
    """Names weights for people: a packaged name as it is, a file or folder without its path."""
    return weights if weights in packaged_weights() else Path(weights).resolve().stem


def resolve_weights(weights: str | os.PathLike[str] | None = None) -> Path:
    """Finds the file that holds some weights, to run or to read them.

    Args:
        weights: a packaged name, a run folder, or a `.keras`, `.tflite` or `.onnx` file; None is
            the packaged default. A packaged name goes before a path of the same name.

    Returns:
        An existing `.keras`, `.tflite` or `.onnx` file.

    Raises:
        WeightsError: there is no such file.
    """
    packaged = packaged_weights()
    name = DEFAULT_NAME if weights is None else weights
    if isinstance(name, str) and name in packaged:
        return packaged[name]
    if weights is None:
        raise WeightsError(f"This installation lacks its weights, {PACKAGED_FOLDER}/{name}.tflite.")
    path = Path(weights)
    if path.is_dir():
        for file in _RUN_FILES:
            if (path / file).is_file():
                return path / file
        if find_saved_model(path):
            raise WeightsError(
                f"{path} is a SavedModel, which runs but whose weights are not read back: name "
                "the run, or the .keras or .tflite file."
            )
        raise WeightsError(
            f"{path} is neither a run folder, with {' or '.join(_RUN_FILES)}, nor a SavedModel."
        )
    if not path.is_file():
        known = ", ".join(packaged) or "none"
        raise WeightsError(f"There are no weights {str(path)!r}; the packaged ones are: {known}.")
    if path.suffix not in _SUFFIXES:
        raise WeightsError(f"{path} holds no weights: their files end in {_LISTED}.")
    return path
