"""Scoring a model on photographs that are made to look old."""

import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from keras_colorize.evaluation.protocol import PROTOCOL, read_truth
from keras_colorize.evaluation.scoring import PredictAb
from keras_colorize.imaging.aging import aged_lightness

AGED_PROTOCOL = (
    f"{PROTOCOL}; the ab is predicted from an aged copy of the photograph (film's sensitivity, "
    "contrast, blur, grain, fading), and the photograph's own lightness is kept"
)


class Aged:
    """A model that sees aged copies of the photographs of a folder.

    Each photograph is always aged in the same way.

    Args:
        photographs: The folder.
        predict_ab: The model, as in `score_folder`.
    """

    def __init__(self, photographs: Path, predict_ab: PredictAb) -> None:
        self.folder = photographs
        self.predict_ab = predict_ab

    def ab(
        self, name: str, size: tuple[int, int], lightness: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Predicts the ab of an aged photograph, (256, 256, 2) in Lab units, for `score_images`.

        The file name in `name` is the seed of the aging. `size` and `lightness` are not used: film
        is sensitive to other shares of the colours than L.
        """
        random = np.random.default_rng(zlib.crc32(name.rpartition("/")[2].encode()))
        return self.predict_ab(aged_lightness(read_truth(self.folder / name), random))
