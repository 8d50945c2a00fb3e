"""The protocol behind every score: which images of a folder, and what is cropped of them.

Each image is resized to a short side of 256 (anti-aliased) and its centre 256 x 256, in 8 bit, is
the truth. A system sees the truth's Lab lightness and gives ab; both together, as 8-bit sRGB
clipped to the gamut, are its output. A score is the mean over images of a metric of (truth,
output).
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
    """A folder that cannot be scored, or a prediction that is none, in one sentence."""


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

    Args:
        path: a file, or what it holds.

    Returns:
        (256, 256, 3).

    Raises:
        ImageError: The file cannot be read, or is so thin that resizing it would fill the memory.
    """
    return read_whole(path)[0]


def read_whole(path: str | Path | bytes) -> tuple[RGB, tuple[int, int]]:
    """As `read_truth`, and the height and width of the whole image."""
    rgb = read_rgb(path)
    height, width, _ = rgb.shape
    if max(height, width) > _LONGEST_ASPECT * min(height, width):
        name = "The picture" if isinstance(path, bytes) else path
        raise ImageError(f"{name} is too thin to be scored, {width} x {height} pixels.")
    return protocol_crop(rgb, (height, width)), (height, width)


def protocol_crop(rgb: RGB, size: tuple[int, int]) -> RGB:
    """Brings a picture to the protocol's resolution and crop.

    Args:
        rgb: uint8 (h, w, 3).
        size: Height and width of the photograph that it shows, which decide the crop.

    Returns:
        uint8 (256, 256, 3).
    """
    height, width = (round(_SIZE * side / min(size)) for side in size)
    image = Image.fromarray(rgb).resize((width, height), Image.Resampling.BICUBIC)
    left, top = (width - _SIZE) // 2, (height - _SIZE) // 2
    return np.asarray(image.crop((left, top, left + _SIZE, top + _SIZE)))
