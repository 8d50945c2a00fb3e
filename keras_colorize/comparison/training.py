"""Systems trained on the same crops in the same order, and scored under one protocol.

Every system sees as many photographs, with the same batches, schedule, average and seed. One half
of the validation photographs chooses each system's epoch, the other half is what it is scored on.
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
    """One system, trained and scored.

    Attributes:
        name: of the system.
        parameters: of its generator.
        macs: multiply-adds of its generator for a photograph of 256 x 256.
        training_seconds: of the steps alone, mean over the seeds.
        milliseconds: to predict ab of a photograph of 256 x 256, median.
        runs: the run folder of each seed.
        scores: of the half that reports, by seed.
    """

    name: str
    parameters: int
    macs: int
    training_seconds: float
    milliseconds: float
    runs: tuple[Path, ...]
    scores: tuple[Scores, ...]

    def values(self, row: str, metric: str) -> NDArray[np.float64]:
        """A metric of each photograph, mean over the seeds."""
        return np.mean([scores.values[row][metric] for scores in self.scores], axis=0)


def train_and_score(
    systems: Mapping[str, Preset],
    photographs: TrainingSet,
    val: Path,
    folder: Path,
    *,
    seeds: Sequence[int] = (0,),
) -> Iterator[Trained]:
    """Trains each system, or goes on with it, and scores it.

    Args:
        systems: a preset a name.
        photographs: what all are trained on.
        val: photographs, of which the even half chooses epochs and the other half reports.
        folder: a run folder for each system and seed is in it: `NAME/seed-N`.
        seeds: of the trainings.

    Yields:
        Each system when it is done.

    Raises:
        RunError: see `train`; so for its other errors.
    """
    for name, preset in systems.items():
        generator, _ = build_networks(preset)
        runs, scores, seconds = [], [], []
        for seed in seeds:
            seeded = replace(preset, training=replace(preset.training, seed=seed))
            run = train(seeded, photographs, folder / name / f"seed-{seed}", val=val)
            assert run is not None  # only other processes of several have none
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
    """Scores a run's best generator, or reads what was found before of the same file."""
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
