"""One small interface over the runtimes: lightness in, ab out."""

import os
import threading
from io import BytesIO
from pathlib import Path
from typing import Any, Protocol
from zipfile import BadZipFile, ZipFile, ZipInfo

import numpy as np
from numpy.typing import NDArray

from keras_colorize.imaging.bounds import BoundError, check_unpacked
from keras_colorize.imaging.color import scale_lightness, unscale_ab
from keras_colorize.inference.litert_runtime import LiteRTRuntime
from keras_colorize.inference.quiet import import_quietly
from keras_colorize.inference.weights import WeightsError, find_saved_model, resolve_weights

__all__ = [
    "KerasRuntime",
    "LiteRTRuntime",
    "Runtime",
    "SavedModelRuntime",
    "WeightsError",
    "load_runtime",
]

Floats = NDArray[np.float32]
Sizes = tuple[tuple[int, int], ...]


class Runtime(Protocol):
    """A network that is ready to run; safe to share between threads.

    Attributes:
        name: of the network, for people.
        sizes: the (height, width) it takes, or None for any multiples of `size_multiple`.
        size_multiple: what the sides of its input are multiples of.
        chroma_stride: c; ab comes at 1/c of the size of the lightness.
    """

    name: str
    sizes: Sizes | None
    size_multiple: int
    chroma_stride: int

    def predict(self, lightness: Floats) -> Floats:
        """Predicts ab, float32 (H/c, W/c, 2) in Lab units, from lightness (H, W) in 0..100."""
        ...


class KerasRuntime:
    """A Keras generator, or a GAN's, in memory or in a `.keras` file; needs the extra `train`."""

    sizes: Sizes | None = None

    def __init__(self, model: Any) -> None:
        """Takes or loads the generator.

        Args:
            model: a generator of `build_generator`, a `ColorizationGAN`, whose best generator
                then colours, or the path of a generator.

        Raises:
            WeightsError: the file cannot be loaded, or the model is no generator.
        """
        from keras_colorize.models.networks import chroma_stride_of, size_multiple_of

        self.name = getattr(model, "name", "generator")
        if isinstance(model, str | os.PathLike):
            self.name = Path(model).stem
            model = load_keras(Path(model))
        model = getattr(model, "best_generator", model)
        try:
            self.size_multiple = size_multiple_of(model)
        except (ValueError, KeyError, AttributeError) as error:
            raise WeightsError(f"{self.name} is not a generator of this package.") from error
        self.chroma_stride = chroma_stride_of(model)
        self.model = model
        self._lock = threading.Lock()

    def predict(self, lightness: Floats) -> Floats:
        """Predicts ab, float32 (H/c, W/c, 2) in Lab units, from lightness (H, W) in 0..100."""
        batch = scale_lightness(np.asarray(lightness, np.float32))[None, ..., None]
        with self._lock:
            ab_scaled = self.model.predict_on_batch(batch)
        ab: Floats = unscale_ab(np.asarray(ab_scaled, np.float32)[0])
        return ab


class SavedModelRuntime:
    """A SavedModel of `keras_colorize.exporting.saved_model`; needs TensorFlow, and no Keras."""

    sizes: Sizes | None = None

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        """Loads the folder.

        Raises:
            WeightsError: it is damaged, or is no colorization network.
        """
        tensorflow = import_quietly("tensorflow")
        folder = Path(folder)
        path = folder.resolve()
        self.name = path.parent.name if path.name.isdecimal() else path.name  # NAME/VERSION
        try:
            self._loaded = tensorflow.saved_model.load(str(folder))
        except MemoryError:
            raise
        except Exception as error:  # a loader of damaged bytes may raise anything
            raise WeightsError(f"{folder} is damaged, or no SavedModel.") from error
        if "network" not in self._loaded.signatures:
            raise WeightsError(f"{folder} has no signature network: it is of another program.")
        self.network = self._loaded.signatures["network"]
        side = 64  # a multiple of what any of the networks takes
        self.chroma_stride = side // self.predict(np.zeros((side, side), np.float32)).shape[0]
        self.size_multiple = 16 * self.chroma_stride

    def predict(self, lightness: Floats) -> Floats:
        """Predicts ab, float32 (H/c, W/c, 2) in Lab units, from lightness (H, W) in 0..100."""
        batch = np.ascontiguousarray(lightness, np.float32)[None, ..., None]
        ab: Floats = self.network(lightness=batch)["ab"].numpy()[0]
        return ab


def load_runtime(
    weights: str | os.PathLike[str] | None = None, threads: int | None = None
) -> Runtime:
    """Loads weights into the runtime that their file is for.

    Args:
        weights: a packaged name, a run folder, a `.keras`, `.tflite` or `.onnx` file, or the
            folder of a SavedModel; None is the packaged default.
        threads: cores that LiteRT and ONNX Runtime use; Keras and TensorFlow have settings of
            their own.

    Returns:
        What maps lightness to ab: LiteRT for a `.tflite` file, ONNX Runtime for `.onnx`, Keras for
        `.keras` and run folders, TensorFlow for a SavedModel.

    Raises:
        WeightsError: there are no such weights, or they cannot be used.
    """
    if folder := find_saved_model(weights):
        return SavedModelRuntime(folder)
    path = resolve_weights(weights)
    if path.suffix == ".onnx":
        from keras_colorize.inference.onnx_runtime import OnnxRuntime

        return OnnxRuntime(path, threads)
    return KerasRuntime(path) if path.suffix == ".keras" else LiteRTRuntime(path, threads)


def load_keras(path: Path) -> Any:
    """Loads a `.keras` model, not compiled.

    Args:
        path: of the file.

    Returns:
        The `keras.Model`.

    Raises:
        WeightsError: the file is no such model, or would unpack to far more than it holds.
    """
    keras = import_quietly("keras")
    try:
        with ZipFile(path) as archive:
            packed = path.stat().st_size
            check_unpacked(packed, sum(entry.file_size for entry in archive.infolist()))
            for entry in archive.infolist():
                if entry.filename.endswith(".h5"):
                    check_unpacked(packed, _bytes_of_arrays(archive, entry))
            # From 3.12 on Python skips the checksums of what HDF5 reads.
            if damaged := archive.testzip():
                raise BadZipFile(damaged)
        return keras.saving.load_model(path, compile=False)
    except MemoryError:
        raise
    except BoundError as error:
        raise WeightsError(f"{path} {error}") from error
    except Exception as error:  # a loader of damaged bytes may raise anything
        raise WeightsError(f"{path} is damaged, or no .keras file.") from error


def _bytes_of_arrays(archive: ZipFile, entry: ZipInfo) -> int:
    """Adds up what the arrays of an HDF5 file would take, which may be packed within, too."""
    import h5py

    sizes: list[int] = []
    with archive.open(entry) as stream, h5py.File(BytesIO(stream.read()), "r") as file:
        file.visititems(lambda _, item: sizes.append(int(getattr(item, "nbytes", 0))))
    return sum(sizes)
