"""Scoring the files that another program coloured."""

import os
from collections import Counter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from keras_colorize.data.folders import photograph_names
from keras_colorize.evaluation.protocol import PROTOCOL, protocol_crop
from keras_colorize.imaging.color import rgb_to_lab
from keras_colorize.imaging.formats import MARK
from keras_colorize.imaging.images import ImageError, read_rgb

PREDICTIONS_PROTOCOL = (
    f"{PROTOCOL}; the predicted ab is that of another program's file, resized and cropped like "
    "the photograph; L is that of the photograph"
)


class Predictions:
    """Coloured files of the photographs of a folder.

    The file of `a/1.jpg` is `a/1` or, as `keras-colorize colorize` names it, `a/1-colorized`, with
    any suffix.

    Args:
        predictions: The folder of the coloured files.
        photographs: The folder of the photographs.

    Raises:
        FolderError: One of the folders has no images.
    """

    def __init__(self, predictions: Path, photographs: Path) -> None:
        self.folder = predictions
        self._photographs = Counter(_stem(name) for name in photograph_names(photographs))
        self._files: dict[str, list[str]] = {}
        for name in photograph_names(predictions):
            stem = _stem(name)
            for key in {stem, stem.removesuffix(MARK)}:
                self._files.setdefault(key, []).append(name)

    def ab(
        self, name: str, size: tuple[int, int], lightness: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Reads the ab of a photograph's coloured file, as an argument of `score_images`.

        Args:
            name: The photograph's relative path, with slashes.
            size: The photograph's height and width.
            lightness: Not used.

        Returns:
            (256, 256, 2), in Lab units.

        Raises:
            ImageError: There is no such file or more than one, it cannot be read, or its aspect
                ratio differs from that of the photograph.
        """
        path = self._path_of(name)
        rgb = read_rgb(path)
        height, width = rgb.shape[:2]
        # The sides may have been rounded.
        if abs(width * size[0] - height * size[1]) > sum(size):
            raise ImageError(
                f"{path} has {width} x {height} pixels, another aspect ratio than the "
                f"{size[1]} x {size[0]} of its photograph."
            )
        return rgb_to_lab(protocol_crop(rgb, size))[..., 1:]

    def _path_of(self, name: str) -> Path:
        stem, suffix = os.path.splitext(name)
        found = self._files.get(stem, [])
        if self._photographs[stem] > 1:  # for 1.jpg and 1.png, the suffix decides
            found = [file for file in found if os.path.splitext(file)[1] == suffix]
        if not found:
            raise ImageError(f"{name} has no prediction in {self.folder}.")
        if len(found) > 1:
            raise ImageError(
                f"{name} has several predictions in {self.folder}: {', '.join(found)}."
            )
        return self.folder / found[0]


def _stem(name: str) -> str:
    return os.path.splitext(name)[0]
