"""Scoring a folder with the protocol: the metrics of each image, and their means.

Two rows without a model are scored as well, for comparison: grey (ab = 0) and the image's mean ab.
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
    """The result of scoring a folder. It contains no images.

    Attributes:
        rows: The mean over images of each metric, by row (`ROWS`) and metric name. With
            "colorfulness" there is also "colorfulness_ratio", the ratio of its mean to that of the
            real images. It is NaN if these have no colour.
        images: Number of images that were scored.
        unreadable: The reasons why files could not be scored, by relative path.
        names: Relative paths of the scored images, with slashes, in order.
        values: The metrics of each image, (images,), by row and metric name. The additional row
            "real" only has "colorfulness".
    """

    rows: Mapping[str, Mapping[str, float]]
    images: int
    unreadable: Mapping[str, str]
    names: tuple[str, ...]
    values: Values


@dataclass(frozen=True)
class ScoredImage:
    """A scored image.

    Attributes:
        name: Its relative path, with slashes.
        values: Its metrics, by row and metric name as in `Scores.values`.
        real: The truth, uint8 (256, 256, 3).
        outputs: The outputs by row, each uint8 (256, 256, 3).
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
    """Scores a model on the images of a folder and its sub-folders, one image at a time.

    Args:
        folder: The folder.
        predict_ab: The model, a function from L, float32 (256, 256) in 0..100, to ab
            (256, 256, 2) in Lab units.
        metrics: Names from `METRICS`. `FAST_METRICS` are fast enough for each epoch of a training.
        part: "all", "select" or "report", as in `list_images`.
        progress: Whether to show a progress bar on standard error, if it is a terminal.
        on_image: A function that is called with each image when it has been scored.

    Returns:
        The means, and the values of each image.

    Raises:
        FolderError: The folder has no images.
        ScoringError: No image can be scored, or a prediction has a wrong shape or values that are
            not finite.
        ValueError: A metric or the part is unknown.
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
    """Scores predictions that depend on the file. Otherwise it is the same as `score_folder`.

    `predict` is a function from an image's relative path (with slashes), its original height and
    width, and its L as in `score_folder`, to ab (256, 256, 2) in Lab units. If it raises an
    ImageError, the image is added to `unreadable`.
    """
    unknown = sorted(set(metrics) - set(METRICS))
    if unknown:
        raise ValueError(f"No such metric: {', '.join(unknown)}. Choose from {', '.join(METRICS)}.")
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
    """Computes `Scores.rows` from `Scores.values`, which must have at least one image."""
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
    """Returns the ab (H, W, 2) of each row."""
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
