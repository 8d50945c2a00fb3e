"""A generator in a `.tflite` file, by LiteRT."""

import os
import re
import threading
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keras_colorize.imaging.strips import available_cores
from keras_colorize.inference.quiet import quiet_first_run
from keras_colorize.inference.weights import WeightsError

Floats = NDArray[np.float32]
_SIGNATURE = re.compile(r"colorize_(\d+)x(\d+)")


class LiteRTRuntime:
    """A `.tflite` file on the CPU (XNNPACK).

    All signatures share the file's weights. A signature that is not used costs nothing: LiteRT
    allocates it at its first prediction.
    """

    def __init__(self, path: str | os.PathLike[str], threads: int | None = None) -> None:
        """Opens the file.

        Args:
            path: with signatures `colorize_{height}x{width}`, as
                `keras_colorize.exporting.tflite` writes them.
            threads: cores to use; default: all that this process may use.

        Raises:
            WeightsError: the file is damaged or is no colorization network.
        """
        path = Path(path)
        interpreter = open_litert(path, threads or available_cores())
        self._runners: dict[tuple[int, int], Any] = {}
        for name in interpreter.get_signature_list():
            if match := _SIGNATURE.fullmatch(name):
                size = (int(match[1]), int(match[2]))
                self._runners[size] = interpreter.get_signature_runner(name)
        if not self._runners:
            raise WeightsError(f"{path} has no signature colorize_HEIGHTxWIDTH.")
        self.name = path.stem
        self.sizes: tuple[tuple[int, int], ...] | None = tuple(self._runners)
        (height, _), runner = next(iter(self._runners.items()))
        self.chroma_stride = height // int(runner.get_output_details()["ab"]["shape"][1])
        self.size_multiple = 16 * self.chroma_stride
        self._lock = threading.Lock()

    def predict(self, lightness: Floats) -> Floats:
        """Predicts ab, float32 (H/c, W/c, 2) in Lab units, from lightness (H, W) in 0..100.

        Raises:
            ValueError: the lightness has none of `sizes`.
        """
        size = lightness.shape
        if size not in self._runners:
            raise ValueError(f"{self.name} takes {self.sizes}, not {size}.")
        runner = self._runners[size]
        batch = np.ascontiguousarray(lightness, np.float32)[None, ..., None]  # (1, H, W, 1)
        with self._lock, quiet_first_run():
            ab: Floats = runner(lightness=batch)["ab"][0]
        return ab


def open_litert(path: Path, threads: int) -> Any:
    """Opens a `.tflite` file in LiteRT's interpreter.

    Raises:
        WeightsError: the file is no such model.
    """
    from ai_edge_litert.interpreter import Interpreter

    try:
        return Interpreter(str(path), num_threads=threads)
    except (ValueError, RuntimeError) as error:
        raise WeightsError(f"{path} is damaged, or no .tflite file.") from error
