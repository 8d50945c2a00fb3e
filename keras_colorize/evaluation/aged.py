"""How well a model colours photographs that film and time have changed."""

import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from keras_colorize.evaluation.protocol import PROTOCOL, read_truth
from keras_colorize.evaluation.scoring import PredictAb
from keras_colorize.imaging.aging import aged_lightness

AGED_PROTOCOL = (
    f"{PROTOCOL}; the ab was predicted from the lightness of the photograph made old (film's "
    "sensitivity, contrast, blur, grain, fading), and the photograph's own lightness was kept"
)


class Aged:
    """A model that is shown the photographs of a folder made old, each always in the same way.

    Args:
        photographs: the folder.
        predict_ab: the model, as `score_folder` takes it.
    """

    def __init__(self, photographs: Path, predict_ab: PredictAb) -> None:
        self.folder = photographs
        self.predict_ab = predict_ab

    def ab(
        self, name: str, size: tuple[int, int], lightness: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """The ab of a photograph made old, as `score_images` asks for it.

        Args:
            name: the photograph's relative path, with slashes; its last part decides how it ages.
            size: without consequence.
            lightness: (256, 256), without consequence: film sees other shares of the colours.

        Returns:
            (256, 256, 2), Lab units.
        """
        random = np.random.default_rng(zlib.crc32(name.rpartition("/")[2].encode()))
        return self.predict_ab(aged_lightness(read_truth(self.folder / name), random))
