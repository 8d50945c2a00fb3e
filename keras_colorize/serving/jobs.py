"""What a worker does for a request. `functools.partial` of these goes to the worker's process."""

from io import BytesIO

from keras_colorize.inference.colorizer import Colorizer
from keras_colorize.inference.runtime import Runtime
from keras_colorize.serving.errors import failures_of_pictures
from keras_colorize.serving.json_tensors import read_request, write_answer


def colorize_file(
    data: bytes,
    format: str,
    size: int | None,
    saturation: float,
    adapt: bool,
    max_pixels: int,
    runtime: Runtime,
    deadline: float,
) -> bytes:
    """Colours a file.

    Args:
        data: The file.
        format: Format of the result.
        size: Short side of what the network sees, as of `Colorizer`.
        saturation: Factor on the colours.
        adapt: As of `Colorizer`.
        max_pixels: The most pixels that the picture may have.
        runtime: The network.
        deadline: Not needed; the worker is killed when it is over.

    Returns:
        The coloured file.
    """
    made = BytesIO()
    with failures_of_pictures():
        colorizer = Colorizer(runtime, size=size, saturation=saturation, adapt=adapt)
        colorizer.colorize_file(data, made, format=format, max_pixels=max_pixels)
    return made.getvalue()


def answer_predict(body: bytes, max_pixels: int, runtime: Runtime, deadline: float) -> bytes:
    """Answers the JSON body of a `:predict` with the body of the answer."""
    signature, batch, rows = read_request(body)
    return write_answer(signature.run(batch, runtime, deadline, max_pixels), rows)
