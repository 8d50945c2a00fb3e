"""Photographs to learn from: as `images` reads them, but a JPEG no larger than is needed."""

from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from PIL import Image

from keras_colorize.imaging.bounds import DEFAULT_MAX_PIXELS
from keras_colorize.imaging.decoding import decode
from keras_colorize.imaging.exif import orientation
from keras_colorize.imaging.images import rgb_of
from keras_colorize.imaging.pillow_warnings import quiet_pillow


def read_small(source: str | Path | bytes | BinaryIO, side: int) -> tuple[Image.Image, int]:
    """Reads a photograph, a JPEG at the least of 1, 1/2, 1/4, 1/8 of its size that is enough.

    Args:
        source: path, the encoded bytes, or a stream at their start.
        side: pixels that each side has to have, where the photograph has them.

    Returns:
        The picture in RGB, and the EXIF orientation, 1 to 8, that is still to be applied.

    Raises:
        ImageError: it is no JPEG and cannot be read.
        Exception: whatever Pillow raises for a JPEG that cannot be read.
    """
    stream = BytesIO(source) if isinstance(source, bytes) else source
    with quiet_pillow():
        if _is_jpeg(stream):
            # Pillow's plain decoder: profiles change little, and a training has no time for them.
            with Image.open(stream, formats=("JPEG",)) as image:
                image.draft("RGB", (side, side))
                return image.convert("RGB"), orientation(image)
        pixels = decode(stream, DEFAULT_MAX_PIXELS, turned=False)
        return Image.fromarray(rgb_of(pixels)), pixels.turn


def _is_jpeg(stream: str | Path | BinaryIO) -> bool:
    if isinstance(stream, str | Path):
        with open(stream, "rb") as opened:
            return opened.read(3) == b"\xff\xd8\xff"
    start = stream.read(3)
    stream.seek(0)
    return start == b"\xff\xd8\xff"
