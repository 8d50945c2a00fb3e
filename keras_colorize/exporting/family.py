"""All files that one network is exported to, checked against it and measured."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keras_colorize.exporting.calibration import Calibration, read_calibration
from keras_colorize.exporting.measuring import Measured, measure
from keras_colorize.exporting.onnx import convert_to_onnx
from keras_colorize.exporting.parity import assert_parity, probe_lightness
from keras_colorize.exporting.saved_model import export_saved_model
from keras_colorize.exporting.tflite import FLOAT_KINDS, KINDS, SIZES, convert
from keras_colorize.imaging.files import atomic_file
from keras_colorize.inference.fitting import short_side
from keras_colorize.inference.generators import load_generator
from keras_colorize.inference.runtime import KerasRuntime, Runtime, load_runtime

_CHECKED = ("TFLite float32", "ONNX")  # the SavedModel is checked where it is made


@dataclass(frozen=True)
class Family:
    """What was made.

    Attributes:
        name: of the network.
        parameters: its own.
        calibration: None without photographs.
        parity: of each float file, the difference to Keras (`assert_parity`).
        measured: every file.
    """

    name: str
    parameters: int
    calibration: Calibration | None
    parity: dict[str, dict[str, float]]
    measured: list[Measured]

    def facts(self) -> dict[str, Any]:
        """All of it but the files as plain data, for `report.json`."""
        used = self.calibration
        return {
            "name": self.name,
            "parameters": self.parameters,
            "sizes": SIZES,
            "calibration": used and used.facts(),
            "parity": self.parity,
        }


def export_family(
    weights: str,
    folder: Path,
    *,
    name: str,
    command: str,
    targets: Sequence[str],
    calibration: Path | None = None,
    val: Path | None = None,
    overwrite: bool = False,
    say: Callable[[str], object] = print,
) -> Family:
    """Exports a network and measures what was made.

    Args:
        weights: as `load_generator` takes them.
        folder: made if it is absent.
        name: of the files.
        command: that is run, for the files that say how they were made.
        targets: of `saved_model`, `tflite` and `onnx`.
        calibration: photographs for the kinds of integers; without them those are left out.
        val: photographs to measure losses on.
        overwrite: whether files of these names may be replaced.
        say: told what is being done.

    Raises:
        WeightsError: the weights cannot be found or used.
        ParityError: a float file does not compute what the network computes.
        FolderError: there are no photographs in a folder.
    """
    generator = load_generator(weights)
    parent = KerasRuntime(generator)
    used = read_calibration(calibration) if calibration else None
    paths: dict[str, Path] = {}
    parity: dict[str, dict[str, float]] = {}
    if "saved_model" in targets:
        say("SavedModel ...")
        paths["SavedModel"] = folder / "saved_model" / name / "1"
        paths["SavedModel"].parent.mkdir(parents=True, exist_ok=True)
        parity["SavedModel"] = export_saved_model(
            generator, paths["SavedModel"], name=name, command=command, overwrite=overwrite
        )
    if "tflite" in targets:
        for kind in KINDS:
            if used is None and kind not in FLOAT_KINDS:
                continue
            say(f"TFLite, {kind} ...")
            path = paths[f"TFLite {kind}"] = folder / "tflite" / f"{name}.{kind}.tflite"
            samples = used.lightness if used else ()
            _write(
                path, convert(generator, kind=kind, sizes=SIZES, representative=samples), overwrite
            )
    if "onnx" in targets:
        say("ONNX ...")
        path = paths["ONNX"] = folder / "onnx" / f"{name}.onnx"
        _write(path, convert_to_onnx(generator), overwrite)
    measured = []
    for what, path in paths.items():
        say(f"Measuring {what} ...")
        if what in _CHECKED:
            parity[what] = _parity(load_runtime(path), parent)
        measured.append(measure(what, path, parent, val))
    return Family(name, generator.count_params(), used, parity, measured)


def _parity(runtime: Runtime, parent: Runtime) -> dict[str, float]:
    lightness = probe_lightness(short_side(runtime, None))
    return assert_parity(runtime.predict(lightness), parent.predict(lightness))


def _write(path: Path, content: bytes, overwrite: bool) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_file(path, overwrite=overwrite) as stream:
        stream.write(content)
