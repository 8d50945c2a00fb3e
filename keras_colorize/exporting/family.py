"""All files that one network is exported to, checked against it and measured."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from keras_colorize.exporting.calibration import Calibration, read_calibration
from keras_colorize.exporting.kinds import FLOAT_KINDS, KINDS, Kind
from keras_colorize.exporting.measuring import Measured, measure
from keras_colorize.exporting.metadata import Facts, with_metadata
from keras_colorize.exporting.onnx import convert_to_onnx
from keras_colorize.exporting.parity import assert_parity, probe_lightness
from keras_colorize.exporting.saved_model import export_saved_model
from keras_colorize.exporting.tflite import SIZES, Conversion
from keras_colorize.imaging.files import atomic_file
from keras_colorize.inference.fitting import short_side
from keras_colorize.inference.generators import load_generator
from keras_colorize.inference.runtime import KerasRuntime, Runtime, load_runtime
from keras_colorize.models.generator import config_of

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


@dataclass(frozen=True)
class Order:
    """What is to be made.

    Attributes:
        name: of the files.
        command: that is run, for the files that say how they were made.
        targets: of `saved_model`, `tflite` and `onnx`.
        kinds: of the TFLite files.
        calibration: photographs for the kinds of integers; without them those are left out.
        val: photographs to measure losses on.
        author: of the weights, for the metadata of the TFLite files.
        license: the same.
        overwrite: whether files of these names may be replaced.
    """

    name: str
    command: str
    targets: Sequence[str]
    kinds: Sequence[Kind] = KINDS
    calibration: Path | None = None
    val: Path | None = None
    author: str = ""
    license: str = ""
    overwrite: bool = False


def export_family(
    weights: str, folder: Path, order: Order, say: Callable[[str], object] = print
) -> Family:
    """Exports a network and measures what was made.

    Args:
        weights: as `load_generator` takes them.
        folder: made if it is absent.
        order: what to make.
        say: told what is being done.

    Returns:
        What was made, and what was found of it.

    Raises:
        WeightsError: the weights cannot be found or used.
        ParityError: a float file does not compute what the network computes.
        FolderError: there are no photographs in a folder.
    """
    generator = load_generator(weights)
    parent = KerasRuntime(generator)
    used = read_calibration(order.calibration) if order.calibration else None
    paths: dict[str, Path] = {}
    parity: dict[str, dict[str, float]] = {}
    if "saved_model" in order.targets:
        say("SavedModel ...")
        path = paths["SavedModel"] = folder / "saved_model" / order.name / "1"
        path.parent.mkdir(parents=True, exist_ok=True)
        parity["SavedModel"] = export_saved_model(
            generator, path, name=order.name, command=order.command, overwrite=order.overwrite
        )
    if "tflite" in order.targets:
        conversion = Conversion(
            generator, sizes=SIZES, representative=used.lightness if used else ()
        )
        for kind in order.kinds:
            if used or kind in FLOAT_KINDS:
                say(f"TFLite, {kind} ...")
                path = paths[f"TFLite {kind}"] = folder / f"tflite/{order.name}.{kind}.tflite"
                facts = _facts(generator, kind, order, used)
                _write(path, with_metadata(conversion.file(kind), facts), order.overwrite)
    if "onnx" in order.targets:
        say("ONNX ...")
        path = paths["ONNX"] = folder / "onnx" / f"{order.name}.onnx"
        _write(path, convert_to_onnx(generator), order.overwrite)
    for what in (name for name in _CHECKED if name in paths):
        parity[what] = _parity(load_runtime(paths[what]), parent)
    say("Measuring ...")
    measured = measure(paths, parent, order.val)
    return Family(order.name, generator.count_params(), used, parity, measured)


def _facts(generator: Any, kind: Kind, order: Order, used: Calibration | None) -> Facts:
    calibrated = used if kind not in FLOAT_KINDS else None
    return Facts(
        name=order.name,
        kind=kind,
        chroma_stride=config_of(generator).chroma_stride,
        sizes=SIZES,
        generator=asdict(config_of(generator)),
        calibration=calibrated.facts() if calibrated else None,
        author=order.author,
        license=order.license,
    )


def _parity(runtime: Runtime, parent: Runtime) -> dict[str, float]:
    lightness = probe_lightness(short_side(runtime, None))
    return assert_parity(runtime.predict(lightness), parent.predict(lightness))


def _write(path: Path, content: bytes, overwrite: bool) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_file(path, overwrite=overwrite) as stream:
        stream.write(content)
