"""Bytes to upright sRGB pixels: JPEG, PNG, TIFF, WebP and BMP, 8 and 16 bit, grey and colour."""

from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import ImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.JpegImagePlugin import jpeg_factory
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from keras_colorize.imaging.exif import carried_exif, orientation, upright
from keras_colorize.imaging.pixels import PixelKindError, file_pixels
from keras_colorize.imaging.quiet import quiet_pillow

Source = str | Path | bytes | BinaryIO

DEFAULT_MAX_PIXELS = 200_000_000
SUFFIXES = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp", ".bmp")

# Opened by name, not by Image.open: that would import every plugin for a WebP or TIFF, and its
# limit on pixels is a global of the user's process.
_OPENERS: dict[str, Callable[..., ImageFile.ImageFile]] = {
    "JPEG": jpeg_factory,
    "PNG": PngImageFile,
    "TIFF": TiffImageFile,
    "WEBP": WebPImageFile,
    "BMP": BmpImageFile,
}
_MAGIC = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),
    (b"MM\0+", "TIFF"),
    (b"BM", "BMP"),
)


class ImageError(ValueError):
    """A picture cannot be read or written; the message is one sentence that names it."""


@dataclass(frozen=True)
class Pixels:
    """A decoded picture, upright and in sRGB.

    Attributes:
        color: (H, W) grey or (H, W, 3) RGB, uint8 or uint16.
        alpha: (H, W) uint8, or None.
        exif: with the orientation reset, or None.
        format: "JPEG", "PNG", "TIFF", "WEBP" or "BMP".
    """

    color: NDArray[Any]
    alpha: NDArray[np.uint8] | None
    exif: bytes | None
    format: str


def decode(source: Source, max_pixels: int) -> Pixels:
    """Decodes a file, bytes or a stream.

    Args:
        source: path, the encoded bytes, or a stream at their start.
        max_pixels: the most pixels to decode; checked against the header, before decoding.

    Raises:
        ImageError: for whatever cannot be decoded.
    """
    name = _name(source)
    stream = _open_stream(source, name)
    with stream:
        start = stream.read(16)
        stream.seek(0)
        image_format = _sniff(start, name)
        broken = f"{name} is damaged or cut short and cannot be decoded."
        with quiet_pillow():
            try:
                image = _OPENERS[image_format](stream)
                width, height = image.size
            except Exception as error:  # a decoder of hostile bytes may raise anything
                raise ImageError(broken) from error
            if width < 1 or height < 1:
                raise ImageError(f"{name} has no pixels.")
            if width * height > max_pixels:
                raise ImageError(
                    f"{name} has {width} x {height} pixels, more than the limit of {max_pixels}; "
                    "--max-pixels raises it."
                )
            try:
                image.load()
                turn = orientation(image)
                color, alpha = file_pixels(image, stream)
                exif = carried_exif(image)
            except PixelKindError as error:
                raise ImageError(f"{name} {error}") from error
            except Exception as error:
                raise ImageError(broken) from error
    if alpha is not None:
        alpha = upright(alpha, turn)
    return Pixels(upright(color, turn), alpha, exif, image_format)


def _sniff(start: bytes, name: str) -> str:
    if not start:
        raise ImageError(f"{name} is empty.")
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return "WEBP"
    for magic, image_format in _MAGIC:
        if start.startswith(magic):
            return image_format
    raise ImageError(f"{name} is not a JPEG, PNG, TIFF, WebP or BMP picture.")


def _name(source: Source) -> str:
    if isinstance(source, str | Path):
        return str(source)
    name = getattr(source, "name", None)
    return name if isinstance(name, str) else "The picture"


def _open_stream(source: Source, name: str) -> BinaryIO:
    if isinstance(source, bytes):
        return BytesIO(source)
    try:
        if not isinstance(source, str | Path):
            return BytesIO(source.read())
        stream = open(source, "rb")
        if stream.seekable():
            return stream
        with stream:
            return BytesIO(stream.read())
    except FileNotFoundError as error:
        raise ImageError(f"{name} does not exist.") from error
    except IsADirectoryError as error:
        raise ImageError(f"{name} is a folder, not a picture.") from error
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path, a closed stream
        reason = (getattr(error, "strerror", None) or str(error)).rstrip(".")
        raise ImageError(f"{name} cannot be read: {reason}.") from error
