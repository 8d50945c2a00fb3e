"""Preparing, scoring and showing the generator at the end of an epoch."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from keras_colorize.config import TrainingConfig
from keras_colorize.evaluation.figures import grid
from keras_colorize.evaluation.scoring import FAST_METRICS, read_truth, score_folder
from keras_colorize.imaging.color import lab_to_rgb, rgb_to_lightness
from keras_colorize.imaging.images import ImageError, write_image
from keras_colorize.inference.colorizer import Colorizer
from keras_colorize.inference.fitting import DEFAULT_SIZE
from keras_colorize.training.backends import TrainingSet, batches_of
from keras_colorize.training.batch_statistics import reestimate_statistics
from keras_colorize.training.runs import Run

SAMPLES = 6
_SETTLED_BY = 256  # number of photographs


def settle(
    generator: keras.Model, photographs: TrainingSet, recipe: TrainingConfig, steps: int
) -> None:
    """Measures the generator's batch norm statistics at the size at which it is used.

    Args:
        generator: The generator, which is changed in place.
        photographs: The training photographs. At most 256 of them are used.
        recipe: Its batch size and seed are used. If it freezes statistics, nothing is done.
        steps: Number of steps in an epoch. Measuring uses at most as many batches.
    """
    if not recipe.frozen_statistics:
        reestimate_statistics(generator, some_lightness(photographs, recipe, steps))


def some_lightness(photographs: TrainingSet, recipe: TrainingConfig, steps: int) -> Iterator[Any]:
    """Returns batches of `lightness_scaled`, (B, 256, 256, 1). The arguments are as in `settle`."""
    batches = batches_of(
        photographs,
        size=DEFAULT_SIZE,
        batch_size=recipe.batch_size,
        steps=min(steps, -(-_SETTLED_BY // recipe.batch_size)),
        seed=recipe.seed,
    )
    return (lightness for lightness, _ in batches)


def validator(colorizer: Colorizer, folder: Path | None) -> Callable[[], dict[str, float]] | None:
    """Returns a function that scores the colorizer on the select half of a folder."""
    if folder is None:
        return None

    def validate() -> dict[str, float]:
        scores = score_folder(folder, colorizer.predict_ab, metrics=FAST_METRICS, part="select")
        model, grey = scores.rows["model"], scores.rows["grey"]
        return {
            "val_psnr": model["psnr"],
            "val_psnr_gain": model["psnr"] - grey["psnr"],
            "val_colorfulness_ratio": model["colorfulness_ratio"],
        }

    return validate


def sampler(colorizer: Colorizer, run: Run, files: Sequence[Path | bytes]) -> Callable[[int], Path]:
    """Returns a function that writes the samples of an epoch: rows of grey, ours and original."""
    truths: list[NDArray[np.uint8]] = []
    for file in files[:: max(1, len(files) // SAMPLES)]:
        if len(truths) < SAMPLES:
            with suppress(ImageError):  # validation leaves it out as well
                truths.append(read_truth(file))

    def sample(epoch: int) -> Path:
        rows = []
        for truth in truths:
            lightness = rgb_to_lightness(truth)
            ab = colorizer.predict_ab(lightness)
            rows.append([lab_to_rgb(lightness, 0 * ab), lab_to_rgb(lightness, ab), truth])
        path = run.folder / "samples" / f"epoch-{epoch:04d}.png"
        write_image(grid(rows, 256), path, overwrite=True)
        return path

    return sample
