"""The signatures of the SavedModel, computed by any runtime, such as the packaged LiteRT file.

Like the SavedModel, they show the network each picture as it is, with borders and fading.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from keras_colorize.imaging.bounds import BoundError, PixelBoundError, check_size
from keras_colorize.imaging.upsampling import guided_upsample
from keras_colorize.inference.colorizer import Colorizer
from keras_colorize.inference.fitting import margins
from keras_colorize.inference.runtime import Floats, Runtime
from keras_colorize.serving.errors import ServingError, failures_of_pictures

Batch = NDArray[Any] | Sequence[bytes]

_SLACK = 0.01  # of lightness; float32 conversions give values a little beyond 0 and 100


@dataclass(frozen=True)
class Tensor:
    """An input or output of a signature.

    Attributes:
        name: Name of the argument. If it ends in `_bytes`, the values are base64 in JSON.
        dtype: Name of the type in TensorFlow's protocol buffers.
        shape: Shape with the batch first; -1 is any length.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Signature:
    """A function of the network that clients can call.

    Attributes:
        name: Name in the SavedModel.
        input: The only input.
        output: The only output.
        compute: A module's function that computes the output for one picture, from the input, the
            network and the most pixels.
    """

    name: str
    input: Tensor
    output: Tensor
    compute: Callable[[Any, Runtime, int], Any]

    def check(self, batch: Batch) -> None:
        """Checks the shape of a batch.

        Args:
            batch: An array, or encoded pictures.

        Raises:
            ServingError: The shape does not fit the signature.
        """
        shape = batch.shape if isinstance(batch, np.ndarray) else (len(batch),)
        expected = self.input.shape
        fits = len(shape) == len(expected) and all(
            length == wanted if wanted >= 0 else length > 0
            for length, wanted in zip(shape, expected, strict=True)
        )
        if not fits:
            message = (
                f"{self.input.name} has shape {listed(shape)}, where {self.name} takes "
                f"{listed(expected)}, -1 for any length but 0."
            )
            raise ServingError("INVALID_ARGUMENT", message)

    def run(self, batch: Batch, runtime: Runtime, deadline: float, max_pixels: int) -> Batch:
        """Computes a batch, picture by picture.

        Args:
            batch: An array of the input's shape and type, or encoded pictures.
            runtime: The network.
            deadline: On `time.monotonic`'s clock; no picture is begun after it.
            max_pixels: The most pixels that a picture may have.

        Returns:
            As many results, of the output's shape and type, or PNG files.

        Raises:
            ServingError: A picture cannot be coloured, or the deadline is over.
        """
        made = []
        for one in batch:
            if time.monotonic() > deadline:
                raise ServingError("DEADLINE_EXCEEDED", "The time for this request is over.")
            with failures_of_pictures():
                made.append(self.compute(one, runtime, max_pixels))
        return made if isinstance(made[0], bytes) else np.stack(made)


def listed(shape: Sequence[int]) -> str:
    """Formats a shape as TensorFlow Serving does: [1,256,256,1]."""
    return f"[{','.join(map(str, shape))}]"


def _check_pixels(picture: NDArray[Any], max_pixels: int) -> None:
    height, width = picture.shape[:2]
    try:
        check_size(width, height, max_pixels)
    except PixelBoundError as error:
        raise ServingError("RESOURCE_EXHAUSTED", f"The picture {error}") from error
    except BoundError as error:
        raise ServingError("INVALID_ARGUMENT", f"The picture {error}") from error


def _lightness(values: Floats, max_pixels: int) -> Floats:
    _check_pixels(values, max_pixels)
    if not ((values >= -_SLACK) & (values <= 100 + _SLACK)).all():
        raise ServingError("INVALID_ARGUMENT", "Lightness lies in 0 to 100.")
    return values[..., 0]


def _network(values: Floats, runtime: Runtime, max_pixels: int) -> Floats:
    """Runs the bare network, at a size that it takes."""
    lightness = _lightness(values, max_pixels)
    if lightness.shape != _frame(lightness.shape, runtime):
        sizes = runtime.sizes or f"multiples of {runtime.size_multiple}"
        message = f"The network takes the sizes {sizes}, not {lightness.shape}."
        raise ServingError("INVALID_ARGUMENT", message)
    return runtime.predict(lightness)


def _ab(values: Floats, runtime: Runtime, max_pixels: int) -> Floats:
    """Predicts ab at full size; the network sees the picture unscaled if it has such a frame."""
    lightness = _lightness(values, max_pixels)
    frame = _frame(lightness.shape, runtime)
    if frame is None:
        return Colorizer(runtime, adapt=False).predict_ab(lightness)
    stride = runtime.chroma_stride
    (top, bottom), (left, right) = (
        margins(side, to, stride) for side, to in zip(lightness.shape, frame, strict=True)
    )
    padded = cv2.copyMakeBorder(lightness, top, bottom, left, right, cv2.BORDER_REFLECT).astype(
        np.float32, copy=False
    )
    ab = guided_upsample(runtime.predict(padded), padded)
    return ab[top : frame[0] - bottom, left : frame[1] - right]


def _frame(size: tuple[int, ...], runtime: Runtime) -> tuple[int, ...] | None:
    """Returns the smallest frame that the SavedModel would take, if the network has it."""
    multiple = runtime.size_multiple
    frame = tuple(-(-side // multiple) * multiple for side in size)
    return frame if runtime.sizes is None or frame in runtime.sizes else None


def _pixels(rgb: NDArray[np.uint8], runtime: Runtime, max_pixels: int) -> NDArray[np.uint8]:
    _check_pixels(rgb, max_pixels)
    return np.asarray(Colorizer(runtime, adapt=False).colorize(rgb))


def _file(data: bytes, runtime: Runtime, max_pixels: int) -> bytes:
    made = BytesIO()
    Colorizer(runtime, adapt=False).colorize_file(data, made, format="PNG", max_pixels=max_pixels)
    return made.getvalue()


_AB = ("DT_FLOAT", (-1, -1, -1, 2))
_LIGHTNESS = Tensor("lightness", "DT_FLOAT", (-1, -1, -1, 1))
_RGB = ("DT_UINT8", (-1, -1, -1, 3))
_FILES = ("DT_STRING", (-1,))

DEFAULT_SIGNATURE = "serving_default"
SIGNATURES = {
    signature.name: signature
    for signature in (
        Signature(DEFAULT_SIGNATURE, _LIGHTNESS, Tensor("ab", *_AB), _ab),
        Signature("network", _LIGHTNESS, Tensor("ab", *_AB), _network),
        Signature("colorize_rgb", Tensor("rgb", *_RGB), Tensor("colorized_rgb", *_RGB), _pixels),
        Signature(
            "colorize_bytes",
            Tensor("image_bytes", *_FILES),
            Tensor("colorized_bytes", *_FILES),
            _file,
        ),
    )
}
