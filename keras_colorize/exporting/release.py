"""`make weights`: a run's generator as packaged weights, with golden tensors and model card."""

import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from keras_colorize.evaluation.scoring import read_truth, score_folder
from keras_colorize.exporting.calibration import read_calibration
from keras_colorize.exporting.kinds import KINDS, Kind
from keras_colorize.exporting.model_card import model_card
from keras_colorize.exporting.parity import assert_parity
from keras_colorize.exporting.tflite import SIZES, Conversion
from keras_colorize.imaging.color import rgb_to_lightness
from keras_colorize.imaging.files import atomic_file
from keras_colorize.inference.colorizer import Colorizer
from keras_colorize.inference.latency import milliseconds
from keras_colorize.inference.runtime import KerasRuntime, LiteRTRuntime, load_keras
from keras_colorize.inference.weights import DEFAULT_NAME, PACKAGED_FOLDER, resolve_weights

MAX_LOSS_DB = 0.05  # of PSNR against float32, for a kind to be packaged
MAX_BYTES = 16_000_000  # for a kind to be packaged: the base install stays light
THREADS = 2
AUTHOR = "the authors of keras-colorize"
LICENSE = "Apache-2.0"
_TIMED = 50


@dataclass(frozen=True)
class Candidate:
    """A file that might be packaged, measured."""

    kind: Kind
    model: bytes
    rows: Mapping[str, Mapping[str, float]]  # scores
    images: int  # number of photographs that were scored
    milliseconds: float  # median time of a 256 x 256 prediction on this machine
    golden_ab: NDArray[np.float32]  # (h, w, 2), the prediction for the golden input

    @property
    def psnr(self) -> float:
        """Mean PSNR in dB."""
        return self.rows["model"]["psnr"]


def package(run: Path, calibration: Path, val: Path, golden: Path, name: str) -> dict[str, Any]:
    """Converts the generator of a run, measures each kind, and packages the fastest good one.

    A good one loses less than 0.05 dB and, if any does, takes at most 16 MB.

    Args:
        run: a run folder.
        calibration: a folder of photographs; some of those in colour calibrate the integer kinds.
        val: a folder of photographs; the half `part="report"` is scored.
        golden: photograph of the golden tensors.
        name: name of the packaged weights.

    Returns:
        The content of `weights/NAME.json`.

    Raises:
        ParityError: the float32 file does not compute what the generator computes.
    """
    generator = load_keras(resolve_weights(run))
    used = read_calibration(calibration)
    lightness = np.round(rgb_to_lightness(read_truth(golden)))  # rounded: packs well, reads exactly
    parent = KerasRuntime(generator)
    conversion = Conversion(generator, sizes=SIZES, representative=used.lightness)
    candidates = {}
    for kind in KINDS:
        click.echo(f"Converting and measuring {kind} ...", err=True)
        model = conversion.described(
            kind, name=name, calibration=used, author=AUTHOR, license=LICENSE
        )
        candidates[kind] = _measure(model, kind, val, lightness)
    difference = assert_parity(candidates["float32"].golden_ab, parent.predict(lightness))
    best = candidates["float32"].psnr
    good = [c for c in candidates.values() if best - c.psnr < MAX_LOSS_DB]
    light = [c for c in good if len(c.model) <= MAX_BYTES] or good
    winner = min(light, key=lambda candidate: candidate.milliseconds)
    about = {
        "name": name,
        "kind": winner.kind,
        "chroma_stride": parent.chroma_stride,
        "sizes": SIZES,
        "parameters": generator.count_params(),
        "parity_float32": difference,
        "calibration": used.facts(),
        "images": winner.images,
        "max_loss_db": MAX_LOSS_DB,
        "kinds": {
            kind: {
                "bytes": len(one.model),
                "milliseconds": round(one.milliseconds, 1),
                "scores": one.rows["model"],
            }
            for kind, one in candidates.items()
        },
        "baselines": {row: winner.rows[row] for row in ("grey", "image_mean")},
    }
    _write(f"{name}.tflite", winner.model)
    _write(f"{name}.json", json.dumps(about, indent=2).encode() + b"\n")
    tensors = BytesIO()
    np.savez_compressed(tensors, lightness=lightness, ab=winner.golden_ab)
    _write(f"{name}.golden.npz", tensors.getvalue())
    return about


def _measure(model: bytes, kind: Kind, val: Path, lightness: NDArray[np.float32]) -> Candidate:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{kind}.tflite"
        path.write_bytes(model)
        runtime = LiteRTRuntime(path, THREADS)
        golden_ab = runtime.predict(lightness)
        median = milliseconds(runtime, _TIMED)
        scores = score_folder(val, Colorizer(runtime).predict_ab, part="report", progress=True)
    return Candidate(kind, model, scores.rows, scores.images, median, golden_ab)


def _write(name: str, content: bytes) -> None:
    with atomic_file(PACKAGED_FOLDER / name, overwrite=True) as stream:
        stream.write(content)


@click.command()
@click.argument("run", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--calibration", type=click.Path(exists=True, path_type=Path), required=True)
@click.option("--val", type=click.Path(exists=True, path_type=Path), required=True)
@click.option("--golden", type=click.Path(exists=True, path_type=Path), required=True)
@click.option("--notes", type=click.Path(exists=True, path_type=Path), required=True)
@click.option("--name", default=DEFAULT_NAME, show_default=True)
def main(run: Path, calibration: Path, val: Path, golden: Path, notes: Path, name: str) -> None:
    """Package the generator of RUN."""
    for file in ("config.json", "metrics.jsonl"):  # the card needs them, an hour later
        if not (run / file).is_file():
            raise click.UsageError(f"{run} is not a finished run: it holds no {file}.")
    facts = package(run, calibration, val, golden, name)
    _write("README.md", model_card(run, facts, notes.read_text()).encode())
    click.echo(f"Packaged {name} as {facts['kind']}: {PACKAGED_FOLDER}")


if __name__ == "__main__":
    main()
