"""What becomes of an epoch's generator: made ready, scored on photographs, shown in samples."""

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
_SETTLED_BY = 256  # photographs


def settle(
    generator: keras.Model, photographs: TrainingSet, recipe: TrainingConfig, steps: int
) -> None:
    """Measures the generator's statistics at the size at which it is judged and used.

    Args:
        generator: changed in place.
        photographs: it sees a few of them.
        recipe: batch size and seed, and whether statistics are frozen: then they stay.
        steps: of an epoch; it takes no more of them.
    """
    if not recipe.frozen_statistics:
        reestimate_statistics(generator, some_lightness(photographs, recipe, steps))


def some_lightness(photographs: TrainingSet, recipe: TrainingConfig, steps: int) -> Iterator[Any]:
    """Returns batches of `lightness_scaled`, (B, 256, 256, 1); its arguments are `settle`'s."""
    batches = batches_of(
        photographs,
        size=DEFAULT_SIZE,
        batch_size=recipe.batch_size,
        steps=min(steps, -(-_SETTLED_BY // recipe.batch_size)),
        seed=recipe.seed,
    )
    return (lightness for lightness, _ in batches)


def validator(colorizer: Colorizer, folder: Path | None) -> Callable[[], dict[str, float]] | None:
    """Returns what scores the colorizer on the even half of a folder; None without one."""
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
    """Returns what writes strips of some of the files, grey | ours | truth, for an epoch."""
    truths: list[NDArray[np.uint8]] = []
    for file in files[:: max(1, len(files) // SAMPLES)]:
        if len(truths) < SAMPLES:
            with suppress(ImageError):  # the validation leaves it out, too
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
