"""All files that one network is exported to, checked against it and measured."""

from collections.abc import Callable, Sequence
from pathlib import Path

from keras_colorize.exporting.calibration import read_calibration
from keras_colorize.exporting.kinds import FLOAT_KINDS, KINDS, Kind
from keras_colorize.exporting.measuring import Measured, measure, write_report
from keras_colorize.exporting.onnx import convert_to_onnx
from keras_colorize.exporting.parity import assert_parity, probe_lightness
from keras_colorize.exporting.saved_model import export_saved_model
from keras_colorize.exporting.tflite import SIZES, Conversion
from keras_colorize.imaging.files import atomic_file
from keras_colorize.inference.fitting import short_side
from keras_colorize.inference.generators import load_generator
from keras_colorize.inference.runtime import KerasRuntime, Runtime, load_runtime

_CHECKED = ("TFLite float32", "ONNX")  # export_saved_model checks its own


def export_bundle(
    weights: str,
    folder: Path,
    *,
    name: str,
    command: str,
    targets: Sequence[str],
    kinds: Sequence[Kind] = KINDS,
    calibration: Path | None = None,
    val: Path | None = None,
    author: str = "",
    license: str = "",
    overwrite: bool = False,
    say: Callable[[str], object] = print,
) -> list[Measured]:
    """Exports a network, measures the files, and writes `report.json` and `report.md`.

    Args:
        weights: as `load_generator` takes them.
        folder: is created if it does not exist.
        name: name of the files.
        command: command line that the README of the SavedModel names.
        targets: some of `saved_model`, `tflite` and `onnx`.
        kinds: kinds of the TFLite files.
        calibration: photographs for the integer kinds, which are left out without them.
        val: photographs to measure the loss of quality on.
        author: author of the weights, for the metadata of the TFLite files.
        license: license of the weights, for the same metadata.
        overwrite: whether existing files are replaced.
        say: is called with a line of text before each step.

    Returns:
        What each file costs and loses.

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
        path = paths["SavedModel"] = folder / "saved_model" / name / "1"
        path.parent.mkdir(parents=True, exist_ok=True)
        parity["SavedModel"] = export_saved_model(
            generator, path, name=name, command=command, overwrite=overwrite
        )
    if "tflite" in targets:
        samples = used.lightness if used else ()
        conversion = Conversion(generator, sizes=SIZES, representative=samples)
        for kind in kinds:
            if used or kind in FLOAT_KINDS:
                say(f"TFLite, {kind} ...")
                path = paths[f"TFLite {kind}"] = folder / "tflite" / f"{name}.{kind}.tflite"
                file = conversion.described(
                    kind, name=name, calibration=used, author=author, license=license
                )
                _write(path, file, overwrite)
    if "onnx" in targets:
        say("ONNX ...")
        path = paths["ONNX"] = folder / "onnx" / f"{name}.onnx"
        _write(path, convert_to_onnx(generator), overwrite)
    for what in (each for each in _CHECKED if each in paths):
        parity[what] = _parity(load_runtime(paths[what]), parent)
    say("Measuring ...")
    measured = measure(paths, parent, val)
    report = {
        "name": name,
        "parameters": generator.count_params(),
        "sizes": SIZES,
        "calibration": used and used.facts(),
        "parity": parity,
    }
    write_report(folder, report, measured)
    return measured


def _parity(runtime: Runtime, parent: Runtime) -> dict[str, float]:
    lightness = probe_lightness(short_side(runtime, None))
    return assert_parity(runtime.predict(lightness), parent.predict(lightness))


def _write(path: Path, content: bytes, overwrite: bool) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_file(path, overwrite=overwrite) as stream:
        stream.write(content)
