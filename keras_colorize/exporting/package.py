"""`make weights`: a run's generator as packaged weights, with golden tensors and model card."""

import json
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import keras
import numpy as np
from numpy.typing import NDArray

from keras_colorize.data.folders import list_photographs
from keras_colorize.evaluation.scoring import read_truth, score_folder
from keras_colorize.exporting.model_card import write_card
from keras_colorize.exporting.parity import assert_parity
from keras_colorize.exporting.tflite import SIZES, Kind, convert
from keras_colorize.imaging.color import rgb_to_lightness
from keras_colorize.imaging.files import atomic_file
from keras_colorize.imaging.images import read_photograph
from keras_colorize.inference.colorizer import Colorizer
from keras_colorize.inference.runtime import KerasRuntime, LiteRTRuntime
from keras_colorize.inference.weights import DEFAULT_NAME, PACKAGED_FOLDER, resolve_weights

MAX_LOSS_DB = 0.05  # of PSNR against float32, for a kind to be packaged
CALIBRATION_PHOTOGRAPHS = 64
KINDS: tuple[Kind, ...] = ("float32", "float16", "dynamic", "int8")
THREADS = 2


@dataclass(frozen=True)
class Candidate:
    """A file that might be packaged, measured.

    Attributes:
        kind: how its weights are stored.
        model: the file.
        rows: the scores of `score_folder`.
        images: how many photographs were scored.
        milliseconds: median time of a 256 x 256 prediction here.
        golden_ab: (h, w, 2), what it makes of the golden input.
    """

    kind: Kind
    model: bytes
    rows: Mapping[str, Mapping[str, float]]
    images: int
    milliseconds: float
    golden_ab: NDArray[np.float32]

    def facts(self) -> dict[str, Any]:
        """What the model card says of it."""
        return {
            "bytes": len(self.model),
            "milliseconds": round(self.milliseconds, 1),
            "scores": self.rows["model"],
        }


def package(run: Path, calibration: Path, val: Path, golden: Path, name: str) -> dict[str, Any]:
    """Converts the generator of a run, measures each kind, and packages the smallest good one.

    Args:
        run: a run folder or a `.keras` file.
        calibration: a folder of photographs; some of them calibrate int8.
        val: a folder of photographs; the half `part="report"` is scored.
        golden: the photograph of the golden tensors.
        name: of the packaged weights.

    Returns:
        What is written as `weights/NAME.json`.

    Raises:
        ParityError: the float32 file does not compute what the generator computes.
    """
    generator = keras.saving.load_model(resolve_weights(run), compile=False)
    photographs = list_photographs(calibration)
    chosen = photographs[:: -(-len(photographs) // CALIBRATION_PHOTOGRAPHS)]
    samples = [read_photograph(path).lightness for path in chosen]
    lightness = np.round(rgb_to_lightness(read_truth(golden)))  # rounded: packs well, reads exactly
    parent = KerasRuntime(generator)
    candidates = {}
    for kind in KINDS:
        click.echo(f"Converting and measuring {kind} ...", err=True)
        candidates[kind] = _measure(
            convert(generator, kind=kind, representative=samples), kind, val, lightness
        )
    difference = assert_parity(candidates["float32"].golden_ab, parent.predict(lightness))
    best = candidates["float32"].rows["model"]["psnr"]
    good = [c for c in candidates.values() if best - c.rows["model"]["psnr"] < MAX_LOSS_DB]
    winner = min(good, key=lambda candidate: len(candidate.model))
    facts = {
        "name": name,
        "kind": winner.kind,
        "chroma_stride": parent.chroma_stride,
        "sizes": SIZES,
        "parameters": generator.count_params(),
        "parity_float32": difference,
        "calibration_photographs": len(samples),
        "images": winner.images,
        "max_loss_db": MAX_LOSS_DB,
        "kinds": {candidate.kind: candidate.facts() for candidate in candidates.values()},
        "baselines": {row: winner.rows[row] for row in ("grey", "image_mean")},
    }
    _write(f"{name}.tflite", winner.model)
    _write(f"{name}.json", json.dumps(facts, indent=2).encode() + b"\n")
    with atomic_file(PACKAGED_FOLDER / f"{name}.golden.npz", overwrite=True) as stream:
        np.savez_compressed(stream, lightness=lightness, ab=winner.golden_ab)
    return facts


def _measure(model: bytes, kind: Kind, val: Path, lightness: NDArray[np.float32]) -> Candidate:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{kind}.tflite"
        path.write_bytes(model)
        runtime = LiteRTRuntime(path, THREADS)
        golden_ab = runtime.predict(lightness)
        times = []
        for _ in range(50):
            start = time.perf_counter()
            runtime.predict(lightness)
            times.append(1e3 * (time.perf_counter() - start))
        scores = score_folder(val, Colorizer(runtime).predict_ab, part="report", progress=True)
    return Candidate(kind, model, scores.rows, scores.images, float(np.median(times)), golden_ab)


def _write(name: str, content: bytes) -> None:
    with atomic_file(PACKAGED_FOLDER / name, overwrite=True) as stream:
        stream.write(content)


@click.command()
@click.argument("run", type=click.Path(exists=True, path_type=Path))
@click.option("--calibration", type=click.Path(exists=True, path_type=Path), required=True)
@click.option("--val", type=click.Path(exists=True, path_type=Path), required=True)
@click.option("--golden", type=click.Path(exists=True, path_type=Path), required=True)
@click.option("--notes", type=click.Path(exists=True, path_type=Path), required=True)
@click.option("--name", default=DEFAULT_NAME, show_default=True)
def main(run: Path, calibration: Path, val: Path, golden: Path, notes: Path, name: str) -> None:
    """Package the generator of RUN."""
    facts = package(run, calibration, val, golden, name)
    write_card(run, facts, notes.read_text())
    click.echo(f"Packaged {name} as {facts['kind']}: {PACKAGED_FOLDER}")


if __name__ == "__main__":
    main()
