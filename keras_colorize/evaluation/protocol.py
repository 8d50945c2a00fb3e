"""The protocol of all scores: the choice of images and their crops.

Each image is resized to a short side of 256 (anti-aliased). Its centre of 256 x 256, in 8 bits, is
the truth. A system predicts ab from the L of the truth. The output is L and the predicted ab as
8-bit sRGB, clipped to the gamut. A score is the mean over images of a metric of truth and output.
"""

from pathlib import Path

import numpy as np
from PIL import Image

from keras_colorize.data.folders import list_photographs
from keras_colorize.evaluation.rgb_metrics import RGB
from keras_colorize.imaging.images import ImageError, read_rgb

PROTOCOL = (
    "short side to 256 (anti-aliased bicubic), centre crop 256 x 256, 8 bit; output = the crop's "
    "own L with the predicted ab, sRGB clipped to 8 bit; each figure is the mean over images, "
    "the colorfulness ratio a ratio of means; PSNR is capped at 60 dB"
)
PARTS = ("all", "select", "report")
_SIZE = 256
_LONGEST_ASPECT = 100


class ScoringError(ValueError):
    """A folder cannot be scored, or a prediction is invalid. The message is one sentence."""


def list_images(folder: str | Path, part: str = "all") -> list[Path]:
    """Lists the images in a folder and its sub-folders.

    Images are recognised by their suffixes. Hidden files and folders are left out.

    Args:
        folder: An existing folder.
        part: "all", or one half of the images. Use "select" (the first image and every second one
            after it) to choose a model, and "report" (the others) for its final score.

    Returns:
        The paths, sorted by their relative paths.

    Raises:
        FolderError: `folder` is not a folder, or has no images.
        ScoringError: The part has no images.
        ValueError: The part is unknown.
    """
    if part not in PARTS:
        raise ValueError(f"part is one of {', '.join(PARTS)}, not {part!r}.")
    photographs = list_photographs(folder)
    chosen = {"all": photographs, "select": photographs[0::2], "report": photographs[1::2]}[part]
    if not chosen:
        raise ScoringError(f"There is no photograph in {folder} for the part {part!r}.")
    return chosen


def read_truth(path: str | Path | bytes) -> RGB:
    """Reads an image and crops it to the truth of the protocol.

    Args:
        path: A file, or the bytes of one.

    Returns:
        uint8 RGB (256, 256, 3).

    Raises:
        ImageError: The file cannot be read, or its aspect ratio is above 100.
    """
    return read_whole(path)[0]


def read_whole(path: str | Path | bytes) -> tuple[RGB, tuple[int, int]]:
    """Returns the result of `read_truth`, and the height and width of the whole image."""
    rgb = read_rgb(path)
    height, width, _ = rgb.shape
    if max(height, width) > _LONGEST_ASPECT * min(height, width):
        name = "The picture" if isinstance(path, bytes) else path
        raise ImageError(f"{name} is too thin to be scored, {width} x {height} pixels.")
    return protocol_crop(rgb, (height, width)), (height, width)


def protocol_crop(rgb: RGB, size: tuple[int, int]) -> RGB:
    """Resizes and crops an image as the protocol says.

    Args:
        rgb: uint8 (h, w, 3).
        size: Height and width of the original photograph, which determine the crop.

    Returns:
        uint8 (256, 256, 3).
    """
    height, width = (round(_SIZE * side / min(size)) for side in size)
    image = Image.fromarray(rgb).resize((width, height), Image.Resampling.BICUBIC)
    left, top = (width - _SIZE) // 2, (height - _SIZE) // 2
    return np.asarray(image.crop((left, top, left + _SIZE, top + _SIZE)))
