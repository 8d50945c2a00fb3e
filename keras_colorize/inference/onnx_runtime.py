"""A generator in an `.onnx` file, by ONNX Runtime; needs the extra `onnx`."""

import os
from pathlib import Path

import numpy as np

from keras_colorize.imaging.strips import available_cores
from keras_colorize.inference.quiet import import_quietly
from keras_colorize.inference.runtime import Floats, Sizes
from keras_colorize.inference.weights import WeightsError


class OnnxRuntime:
    """An `.onnx` file of `keras_colorize.exporting.onnx`, on the CPU.

    Attributes:
        multiply_adds: what it multiplies for the smallest picture, of `size_multiple` squared.
    """

    sizes: Sizes | None = None

    def __init__(self, path: str | os.PathLike[str], threads: int | None = None) -> None:
        """Opens the file.

        Args:
            path: of the file.
            threads: cores to use; default: all that this process may use.

        Raises:
            WeightsError: the file is damaged or is no colorization network.
        """
        path = Path(path)
        onnxruntime = import_quietly("onnxruntime")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or available_cores()
        # Its threads would keep the cores busy while they wait, and slow down what comes next.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            self._session = onnxruntime.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"]
            )
            about = self._session.get_modelmeta().custom_metadata_map
            self.chroma_stride = int(about["chroma_stride"])
            self.size_multiple = int(about["size_multiple"])
            self.multiply_adds = int(about["multiply_adds"])
        except MemoryError:
            raise
        except Exception as error:  # its exceptions have no class in common
            raise WeightsError(
                f"{path} is damaged, or no .onnx file of a colorization network."
            ) from error
        self.name = path.stem

    def predict(self, lightness: Floats) -> Floats:
        """Predicts ab, float32 (H/c, W/c, 2) in Lab units, from lightness (H, W) in 0..100."""
        batch = np.ascontiguousarray(lightness, np.float32)[None, ..., None]
        ab: Floats = self._session.run(["ab"], {"lightness": batch})[0][0]
        return ab
