"""Scoring a folder by the protocol: the metrics of each image, and their means.

Two rows that no model made stand beside the model's: grey (ab = 0) and the image's own mean ab.
"""

import math
from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from keras_colorize.evaluation.metrics import FAST_METRICS, METRICS, Picture
from keras_colorize.evaluation.protocol import (
    PARTS,
    PROTOCOL,
    ScoringError,
    list_images,
    read_truth,
    read_whole,
)
from keras_colorize.evaluation.rgb_metrics import RGB
from keras_colorize.imaging.color import lab_to_rgb
from keras_colorize.imaging.images import ImageError

__all__ = [
    "FAST_METRICS",
    "METRICS",
    "PARTS",
    "PROTOCOL",
    "ScoredImage",
    "Scores",
    "ScoringError",
    "list_images",
    "mean_rows",
    "read_truth",
    "score_folder",
    "score_images",
]

ROWS = ("model", "grey", "image_mean")
Floats = NDArray[np.float32]
PredictAb = Callable[[Floats], Floats]
Values = Mapping[str, Mapping[str, NDArray[np.float64]]]


@dataclass(frozen=True)
class Scores:
    """What scoring a folder found. No picture is kept: 50,000 images are some megabytes.

    Attributes:
        rows: `ROWS`, each a mean over images by metric name; where "colorfulness" is among them,
            "colorfulness_ratio" is the ratio of its mean to that of the real images (NaN where
            those have no colour at all).
        images: How many images were scored.
        unreadable: Why each file that was skipped could not be scored, by its relative path.
        names: Relative paths of the scored images, with slashes, in order.
        values: The metrics of each image, (images,), by row and metric name; beside `ROWS`
            stands "real", which has "colorfulness" alone.
    """

    rows: Mapping[str, Mapping[str, float]]
    images: int
    unreadable: Mapping[str, str]
    names: tuple[str, ...]
    values: Values


@dataclass(frozen=True)
class ScoredImage:
    """One image, just scored.

    Attributes:
        name: Its relative path, with slashes.
        values: Its metrics, by row and metric name as in `Scores.values`.
        real: The truth, uint8 (256, 256, 3).
        outputs: What stands against it, by row, each uint8 (256, 256, 3).
    """

    name: str
    values: Mapping[str, Mapping[str, float]]
    real: RGB
    outputs: Mapping[str, RGB]


def score_folder(
    folder: str | Path,
    predict_ab: PredictAb,
    *,
    metrics: Sequence[str] = tuple(METRICS),
    part: str = "all",
    progress: bool = False,
    on_image: Callable[[ScoredImage], object] | None = None,
) -> Scores:
    """Score a colorizer on the images under a folder, one at a time.

    Args:
        folder: Images at any depth.
        predict_ab: Lightness float32 (256, 256) in 0..100 -> ab (256, 256, 2) in Lab units.
        metrics: Names out of `METRICS`; `FAST_METRICS` are cheap enough for every epoch.
        part: "all", "select" or "report", as in `list_images`.
        progress: Show a progress bar on a terminal's standard error.
        on_image: Called with each image as soon as it is scored.

    Returns:
        The means and the values of each image, in the order of `metrics`.

    Raises:
        FolderError: No image.
        ScoringError: None that can be scored, or a prediction of a wrong shape or with
            values that are not finite.
        ValueError: An unknown metric or part.
    """
    return score_images(
        folder,
        lambda name, size, lightness: predict_ab(lightness),
        metrics=metrics,
        part=part,
        progress=progress,
        on_image=on_image,
    )


def score_images(
    folder: str | Path,
    predict: Callable[[str, tuple[int, int], Floats], Floats],
    *,
    metrics: Sequence[str] = tuple(METRICS),
    part: str = "all",
    progress: bool = False,
    on_image: Callable[[ScoredImage], object] | None = None,
) -> Scores:
    """Score whatever gives colours to images, knowing which they are: `score_folder` otherwise.

    Args:
        folder: Images at any depth.
        predict: An image's relative path, with slashes, its own height and width, and its
            lightness as in `score_folder` -> ab (256, 256, 2) in Lab units. What it raises as an
            ImageError becomes an entry of `unreadable`.
        metrics: As in `score_folder`, like all that follows.
        part: Which images.
        progress: Show a progress bar.
        on_image: Called with each image.

    Returns:
        As `score_folder`, which raises the same.
    """
    unknown = sorted(set(metrics) - set(METRICS))
    if unknown:
        raise ValueError(f"No such metric: {', '.join(unknown)}. There are {', '.join(METRICS)}.")
    collected = {row: {metric: array("d") for metric in metrics} for row in ROWS}
    collected["real"] = {metric: array("d") for metric in metrics if metric == "colorfulness"}
    names: list[str] = []
    unreadable: dict[str, str] = {}
    for path in tqdm(
        list_images(folder, part), unit="image", desc="Scoring", disable=None if progress else True
    ):
        name = path.relative_to(folder).as_posix()
        try:
            rgb, size = read_whole(path)
            real = Picture(rgb)
            model_ab = predict(name, size, real.lab[..., 0].copy())
        except ImageError as error:
            unreadable[name] = str(error)
            continue
        pictures = {
            row: Picture(lab_to_rgb(real.lab[..., 0], ab))
            for row, ab in _rows_ab(real, model_ab, path).items()
        }
        values = {
            row: {metric: METRICS[metric](real, pictures.get(row, real)) for metric in wanted}
            for row, wanted in collected.items()
        }
        names.append(name)
        for row, found in values.items():
            for metric, value in found.items():
                collected[row][metric].append(value)
        if on_image is not None:
            outputs = {row: picture.rgb for row, picture in pictures.items()}
            on_image(ScoredImage(name, values, real.rgb, outputs))

    if not names:
        raise ScoringError(
            f"No image under {folder} can be scored; the first: {next(iter(unreadable.values()))}"
        )
    arrays = {
        row: {metric: np.array(numbers) for metric, numbers in found.items()}
        for row, found in collected.items()
    }
    return Scores(mean_rows(arrays), len(names), unreadable, tuple(names), arrays)


def mean_rows(values: Values) -> dict[str, dict[str, float]]:
    """Means over images, as in `Scores.rows`.

    Args:
        values: As in `Scores.values`, of at least one image.

    Returns:
        The mean of each metric by row and metric.
    """
    rows = {
        row: {metric: float(numbers.mean()) for metric, numbers in values[row].items()}
        for row in ROWS
    }
    if "colorfulness" in values["real"]:
        real = float(values["real"]["colorfulness"].mean())
        for means in rows.values():
            means["colorfulness_ratio"] = means["colorfulness"] / real if real else math.nan
    return rows


def _rows_ab(real: Picture, model_ab: Floats, path: Path) -> dict[str, Floats]:
    """The ab (H, W, 2) of each row."""
    model, shape = np.asarray(model_ab, np.float32), (*real.rgb.shape[:2], 2)
    if model.shape != shape:
        raise ScoringError(f"The ab predicted for {path} has shape {model.shape}, not {shape}.")
    if not np.isfinite(model).all():
        raise ScoringError(f"The ab predicted for {path} holds values that are not finite.")
    mean = np.array(cv2.mean(real.lab)[1:3], np.float32)
    return {
        "model": model,
        "grey": np.broadcast_to(np.float32(0), shape),
        "image_mean": np.broadcast_to(mean, shape),
    }
