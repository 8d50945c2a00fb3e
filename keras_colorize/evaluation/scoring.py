"""The protocol behind every score: what is cropped, what is predicted from, what is averaged.

Each image is resized to a short side of 256 (anti-aliased) and its centre 256 x 256, in 8 bit, is
the truth. A system sees the truth's Lab lightness and gives ab; both together, as 8-bit sRGB
clipped to the gamut, are its output. A score is the mean over images of a metric of (truth,
output). Two rows that no model made stand beside it: grey (ab = 0) and the image's own mean ab.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from tqdm import tqdm

from keras_colorize.data.folders import list_photographs
from keras_colorize.evaluation.metrics import METRICS, Picture
from keras_colorize.evaluation.rgb_metrics import RGB
from keras_colorize.imaging.color import lab_to_rgb
from keras_colorize.imaging.images import ImageError, read_rgb

PROTOCOL = (
    "short side to 256 (anti-aliased bicubic), centre crop 256 x 256, 8 bit; output = the crop's "
    "own L with the predicted ab, sRGB clipped to 8 bit; each figure is the mean over images, "
    "the colorfulness ratio a ratio of means; PSNR is capped at 60 dB"
)
PARTS = ("all", "select", "report")
_SIZE = 256
_LONGEST_ASPECT = 100

PredictAb = Callable[[NDArray[np.float32]], NDArray[np.float32]]


class ScoringError(ValueError):
    """A folder that cannot be scored, or a prediction that is none, in one sentence."""


@dataclass(frozen=True)
class Scores:
    """What `score_folder` found.

    Attributes:
        rows: "model", "grey" and "image_mean", each a mean over images by metric name; where
            "colorfulness" is among them, "colorfulness_ratio" is the ratio of its mean to that
            of the real images (NaN where those have no colour at all).
        images: How many images were scored.
        unreadable: Why each file that was skipped could not be read, by its relative path.
    """

    rows: Mapping[str, Mapping[str, float]]
    images: int
    unreadable: Mapping[str, str]


def list_images(folder: str | Path, part: str = "all") -> list[Path]:
    """Image files under `folder`, at any depth, in the order of their relative paths.

    Args:
        folder: An existing folder.
        part: "all", or one half of them: "select" (every second from the first on), to choose a
            model by, or "report" (the others), to report its score on.

    Returns:
        The paths; a file counts by its suffix, hidden files and folders do not.

    Raises:
        FolderError: Not a folder, or no image in it.
        ScoringError: No image in the part.
        ValueError: An unknown part.
    """
    if part not in PARTS:
        raise ValueError(f"part is one of {', '.join(PARTS)}, not {part!r}.")
    photographs = list_photographs(folder)
    chosen = {"all": photographs, "select": photographs[0::2], "report": photographs[1::2]}[part]
    if not chosen:
        raise ScoringError(f"There is no photograph in {folder} for the part {part!r}.")
    return chosen


def read_truth(path: str | Path | bytes) -> RGB:
    """The truth of an image, a file or its bytes: short side to 256, centre crop, uint8.

    Returns:
        (256, 256, 3).

    Raises:
        ImageError: The file cannot be read, or is so thin that resizing it would fill the memory.
    """
    image = Image.fromarray(read_rgb(path))
    if max(image.size) > _LONGEST_ASPECT * min(image.size):
        name = "The picture" if isinstance(path, bytes) else path
        raise ImageError(f"{name} is too thin to be scored, {image.width} x {image.height} pixels.")
    width, height = (round(_SIZE * side / min(image.size)) for side in image.size)
    image = image.resize((width, height), Image.Resampling.BICUBIC)
    left, top = (width - _SIZE) // 2, (height - _SIZE) // 2
    return np.asarray(image.crop((left, top, left + _SIZE, top + _SIZE)))


def score_folder(
    folder: str | Path,
    predict_ab: PredictAb,
    *,
    metrics: Sequence[str] = tuple(METRICS),
    part: str = "all",
    progress: bool = False,
) -> Scores:
    """Score a colorizer on the images under a folder, one at a time.

    Args:
        folder: Images at any depth.
        predict_ab: Lightness float32 (256, 256) in 0..100 -> ab (256, 256, 2) in Lab units.
        metrics: Names out of `METRICS`; `FAST_METRICS` are cheap enough for every epoch.
        part: "all", "select" or "report", as in `list_images`.
        progress: Show a progress bar on a terminal's standard error.

    Returns:
        The means, in the order of `metrics`.

    Raises:
        FolderError: No image.
        ScoringError: None that can be read, or a prediction of a wrong shape or with
            values that are not finite.
        ValueError: An unknown metric or part.
    """
    unknown = sorted(set(metrics) - set(METRICS))
    if unknown:
        raise ValueError(f"No such metric: {', '.join(unknown)}. There are {', '.join(METRICS)}.")
    totals = {row: dict.fromkeys(metrics, 0.0) for row in ("model", "grey", "image_mean")}
    real_colorfulness, images, unreadable = 0.0, 0, {}

    for path in tqdm(
        list_images(folder, part), unit="image", desc="Scoring", disable=None if progress else True
    ):
        try:
            real = Picture(read_truth(path))
        except ImageError as error:
            unreadable[path.relative_to(folder).as_posix()] = str(error)
            continue
        images += 1
        for row, ab in _predictions(real, predict_ab, path).items():
            ours = Picture(lab_to_rgb(real.lab[..., 0], ab))
            for name in metrics:
                totals[row][name] += METRICS[name](real, ours)
        if "colorfulness" in metrics:
            real_colorfulness += METRICS["colorfulness"](real, real)

    if not images:
        raise ScoringError(
            f"No image under {folder} can be read; the first: {next(iter(unreadable.values()))}"
        )
    rows = {
        row: {name: total / images for name, total in values.items()}
        for row, values in totals.items()
    }
    if "colorfulness" in metrics:
        for row, values in totals.items():
            ratio = values["colorfulness"] / real_colorfulness if real_colorfulness else math.nan
            rows[row]["colorfulness_ratio"] = ratio
    return Scores(rows, images, unreadable)


def _predictions(real: Picture, predict_ab: PredictAb, path: Path) -> dict[str, NDArray]:
    """The ab (H, W, 2) of each row."""
    lightness, ab = real.lab[..., 0].copy(), real.lab[..., 1:]
    model = np.asarray(predict_ab(lightness), np.float32)
    if model.shape != ab.shape:
        raise ScoringError(f"The ab predicted for {path} has shape {model.shape}, not {ab.shape}.")
    if not np.isfinite(model).all():
        raise ScoringError(f"The ab predicted for {path} holds values that are not finite.")
    mean = np.array(cv2.mean(real.lab)[1:3], np.float32)
    return {
        "model": model,
        "grey": np.broadcast_to(np.float32(0), ab.shape),
        "image_mean": np.broadcast_to(mean, ab.shape),
    }
