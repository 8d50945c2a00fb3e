"""What a worker does for a request, as it goes to the worker's process."""

from dataclasses import dataclass
from io import BytesIO

from keras_colorize.inference.colorizer import Colorizer
from keras_colorize.inference.runtime import Runtime
from keras_colorize.serving.errors import failures_of_pictures
from keras_colorize.serving.json_tensors import read_request, write_answer
from keras_colorize.serving.signatures import SIGNATURES, Batch


@dataclass(frozen=True)
class ColorizeFile:
    """Colours a file.

    Attributes:
        data: the file.
        format: of the result.
        size: short side of what the network sees, or None.
        saturation: factor on the colours.
        adapt: as of `Colorizer`.
        max_pixels: the most of the picture.
    """

    data: bytes
    format: str
    size: int | None
    saturation: float
    adapt: bool
    max_pixels: int

    def __call__(self, runtime: Runtime, deadline: float) -> bytes:
        """Returns the coloured file."""
        made = BytesIO()
        with failures_of_pictures():
            colorizer = Colorizer(
                runtime, size=self.size, saturation=self.saturation, adapt=self.adapt
            )
            colorizer.colorize_file(self.data, made, format=self.format, max_pixels=self.max_pixels)
        return made.getvalue()


@dataclass(frozen=True)
class AnswerJson:
    """Answers the body of a `:predict`.

    Attributes:
        body: JSON.
        max_pixels: the most of a picture.
    """

    body: bytes
    max_pixels: int

    def __call__(self, runtime: Runtime, deadline: float) -> bytes:
        """Returns the body of the answer."""
        signature, batch, rows = read_request(self.body)
        return write_answer(signature.run(batch, runtime, self.max_pixels, deadline), rows)


@dataclass(frozen=True)
class RunSignature:
    """Computes a signature.

    Attributes:
        signature: its name.
        batch: its input.
        max_pixels: the most of a picture.
    """

    signature: str
    batch: Batch
    max_pixels: int

    def __call__(self, runtime: Runtime, deadline: float) -> Batch:
        """Returns the output."""
        return SIGNATURES[self.signature].run(self.batch, runtime, self.max_pixels, deadline)
