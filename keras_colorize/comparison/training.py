"""Training several systems on the same crops in the same order, and scoring them.

All systems have the same number of crops, batches, schedule, average and seed. One half of the
validation photographs chooses the epoch of each system, and the other half scores it.
"""

import hashlib
import json
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from keras_colorize.config import Preset
from keras_colorize.evaluation.scoring import Scores, score_folder
from keras_colorize.imaging.files import atomic_file
from keras_colorize.inference.colorizer import Colorizer
from keras_colorize.inference.fitting import DEFAULT_SIZE
from keras_colorize.inference.latency import milliseconds
from keras_colorize.inference.runtime import load_runtime
from keras_colorize.inference.weights import resolve_weights
from keras_colorize.models.cost import multiply_adds
from keras_colorize.models.networks import build_networks
from keras_colorize.training.backends import TrainingSet
from keras_colorize.training.runs import Run
from keras_colorize.training.trainer import train

_TIMED = 9


@dataclass(frozen=True)
class Trained:
    """A system that has been trained and scored.

    Attributes:
        name: The name of the system.
        parameters: Number of parameters of its generator.
        macs: Multiply-adds of its generator for a photograph of 256 x 256.
        training_seconds: Time of the training steps, as a mean over the seeds.
        milliseconds: Median time to predict the ab of a photograph of 256 x 256.
        runs: The run folders of the seeds.
        scores: The scores of the seeds on the report half.
    """

    name: str
    parameters: int
    macs: int
    training_seconds: float
    milliseconds: float
    runs: tuple[Path, ...]
    scores: tuple[Scores, ...]

    def values(self, row: str, metric: str) -> NDArray[np.float64]:
        """Returns a metric of each photograph, as a mean over the seeds."""
        return np.mean([scores.values[row][metric] for scores in self.scores], axis=0)


def train_and_score(
    systems: Mapping[str, Preset],
    photographs: TrainingSet,
    val: Path,
    folder: Path,
    *,
    seeds: Sequence[int] = (0,),
) -> Iterator[Trained]:
    """Trains and scores each system. Trainings that were stopped are continued.

    Args:
        systems: The presets of the systems by name.
        photographs: The training photographs.
        val: The folder of validation photographs. The select half chooses epochs, and the report
            half scores the systems.
        folder: The folder for the run folders of all systems and seeds, `NAME/seed-N`.
        seeds: The seeds of the trainings.

    Yields:
        Each system when it is done.

    Raises:
        RunError: See `train`, which raises other errors as well.
    """
    for name, preset in systems.items():
        generator, _ = build_networks(preset)
        runs, scores, seconds = [], [], []
        for seed in seeds:
            seeded = replace(preset, training=replace(preset.training, seed=seed))
            run = train(seeded, photographs, folder / name / f"seed-{seed}", val=val)
            assert run is not None  # None is only returned in other processes of several
            seconds.append(sum(record["seconds"] for record in run.metrics()))
            scores.append(_scores(run, val))
            runs.append(run.folder)
            keras.backend.clear_session()
        yield Trained(
            name=name,
            parameters=generator.count_params(),
            macs=multiply_adds(generator, (DEFAULT_SIZE, DEFAULT_SIZE, 1)),
            training_seconds=statistics.mean(seconds),
            milliseconds=milliseconds(load_runtime(runs[0]), _TIMED),
            runs=tuple(runs),
            scores=tuple(scores),
        )


def _scores(run: Run, val: Path) -> Scores:
    """Scores the best generator of a run, or reads its scores if it was scored before."""
    weights = resolve_weights(run.folder)
    of = f"{hashlib.sha256(weights.read_bytes()).hexdigest()[:16]} on {val.resolve()}"
    path = run.folder / "report-scores.json"
    if path.exists():
        content = json.loads(path.read_text())
        if content.pop("of") == of:
            return _from_json(content)
    scores = score_folder(val, Colorizer(run.folder).predict_ab, part="report", progress=True)
    with atomic_file(path, overwrite=True) as stream:
        stream.write(json.dumps({"of": of, **_to_json(scores)}).encode())
    return scores


def _to_json(scores: Scores) -> dict[str, Any]:
    return {
        "rows": scores.rows,
        "images": scores.images,
        "unreadable": scores.unreadable,
        "names": scores.names,
        "values": {
            row: {metric: array.tolist() for metric, array in metrics.items()}
            for row, metrics in scores.values.items()
        },
    }


def _from_json(content: dict[str, Any]) -> Scores:
    values = {
        row: {metric: np.array(numbers) for metric, numbers in metrics.items()}
        for row, metrics in content.pop("values").items()
    }
    return Scores(**{**content, "names": tuple(content["names"])}, values=values)
