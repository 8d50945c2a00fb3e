"""Bytes to upright sRGB pixels, 8 and 16 bit, grey and colour."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from keras_colorize.imaging import jpeg, tiff
from keras_colorize.imaging.bounds import BoundError, PixelBoundError, check_scans, check_size
from keras_colorize.imaging.captions import Captions, carried_captions
from keras_colorize.imaging.errors import CutShortError, ImageError, PixelLimitError
from keras_colorize.imaging.exif import (
    Dpi,
    carried_dpi,
    carried_exif,
    orientation,
    turn_of,
    upright,
)
from keras_colorize.imaging.formats import START, result_format, sniff
from keras_colorize.imaging.jpeg import load_jpeg
from keras_colorize.imaging.pages import open_tiff
from keras_colorize.imaging.pillow_warnings import quiet_pillow
from keras_colorize.imaging.pixels import PixelKindError, file_pixels, tiff_pixels
from keras_colorize.imaging.png import PngFacts, readable, without_gamma
from keras_colorize.imaging.sources import NO_ADDRESSES, SourceError, is_address, open_source
from keras_colorize.installing import install_command

__all__ = ["Pixels", "Source", "decode"]

Source = str | Path | bytes | BinaryIO

# Opened by name, not by Image.open: that would import every plugin for a WebP or TIFF, and its
# limit on pixels is a global of the user's process. A TIFF is opened in `pages`.
_OPENERS = {
    "JPEG": ("PIL.JpegImagePlugin", "jpeg_factory"),
    "PNG": ("PIL.PngImagePlugin", "PngImageFile"),
    "WEBP": ("PIL.WebPImagePlugin", "WebPImageFile"),
    "BMP": ("PIL.BmpImagePlugin", "BmpImageFile"),
    "GIF": ("PIL.GifImagePlugin", "GifImageFile"),
    "JPEG2000": ("PIL.Jpeg2KImagePlugin", "Jpeg2KImageFile"),
    "AVIF": ("PIL.AvifImagePlugin", "AvifImageFile"),
    "HEIF": ("pillow_heif", "HeifImageFile"),
}


@dataclass(frozen=True)
class Pixels:
    """A decoded picture in sRGB, with what `keras_colorize.imaging.images.Photograph` has, too.

    Attributes:
        color: (H, W) grey or (H, W, 3) RGB, uint8 or uint16.
        turn: the EXIF orientation, 1 to 8, that is still to be applied.
    """

    color: NDArray[Any]
    alpha: NDArray[np.uint8] | None
    exif: bytes | None
    dpi: Dpi | None
    format: str
    turn: int = 1
    captions: Captions | None = None
    several: bool = False


def decode(
    source: Source,
    max_pixels: int,
    *,
    as_far_as_it_goes: bool = False,
    page: int | None = None,
    side: int | None = None,
) -> Pixels:
    """Decodes a file, bytes or a stream, as `keras_colorize.imaging.images.read_photograph` does.

    With a `side`, what is carried along is not read, the picture is not made upright, and a JPEG
    has the least of 1, 1/2, 1/4 and 1/8 of its size in which each side has so many pixels, where it
    has them.

    Raises:
        ImageError: as there.
    """
    name = _name(source)
    with _open_stream(source, name, max_pixels) as stream, quiet_pillow(), _in_sentences(name):
        image_format = sniff(stream.read(START), name)
        stream.seek(0)
        directory, facts, several = None, PngFacts(), False
        if image_format == "TIFF":
            image, directory = open_tiff(stream, name, page)
        elif page not in (None, 1):
            raise ImageError(f"{name} has 1 page, and no page {page}.")
        else:
            if image_format == "PNG":
                stream, facts = readable(stream)
            if image_format == "JPEG":
                check_scans(stream)
            image = _open(stream, image_format, name)
            if facts.profile:
                image.info["icc_profile"] = facts.profile
            several = image_format != "JPEG" and getattr(image, "is_animated", False)
        width, height = image.size if directory is None else directory.size
        if width < 1 or height < 1:
            raise ImageError(f"{name} has no pixels.")
        check_size(width, height, max_pixels)
        stored = None
        if directory is None:
            if side and image_format == "JPEG":
                image.draft("RGB", (side, side))
                image.load()  # TensorFlow's decoder, which may follow, wants its end as well
            elif image_format == "JPEG":
                image = load_jpeg(image, stream, as_far_as_it_goes=as_far_as_it_goes)
            else:
                if image_format == "TIFF":  # which Pillow turns by itself, and its XMP
                    stored, facts.xmp = orientation(image), image.info.get("xmp")
                image.load()
            turn = orientation(image)
            color, alpha = file_pixels(image, stream)
            if facts.gamma:
                color = without_gamma(color, facts.gamma)
        else:
            turn = turn_of(directory.get(tiff.ORIENTATION, 1))
            color, alpha = tiff_pixels(stream, directory)
        written = result_format(image_format)
        if side:
            return Pixels(color, alpha, None, None, written, turn)
        stored = stored or turn
        exif, dpi = carried_exif(image, stored), carried_dpi(image, stored)
        captions = carried_captions(image, stored, facts.xmp)
    if alpha is not None:
        alpha = upright(alpha, turn)
    return Pixels(upright(color, turn), alpha, exif, dpi, written, 1, captions, several)


def _open(stream: BinaryIO, image_format: str, name: str) -> Any:
    module, opener = _OPENERS[image_format]
    try:
        return getattr(import_module(module), opener)(stream)
    except ImportError as error:
        if image_format != "HEIF":
            raise
        raise ImageError(
            f"{name} is a HEIC picture; what reads it is installed by: {install_command('heic')}"
        ) from error


@contextmanager
def _in_sentences(name: str) -> Iterator[None]:
    """Turns what goes wrong in a decoder into an ImageError."""
    try:
        yield
    except (ImageError, MemoryError):
        raise
    except PixelBoundError as error:
        raise PixelLimitError(f"{name} {error}") from error
    except (PixelKindError, BoundError) as error:
        raise ImageError(f"{name} {error}") from error
    except jpeg.CutShortError as error:
        raise CutShortError(_damaged(name)) from error
    except Exception as error:  # a decoder of hostile bytes may raise anything
        # Pillow's own have no number, and to seek before the start is invalid.
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
            raise _unreadable(name, error) from error
        raise ImageError(_damaged(name)) from error


def _damaged(name: str) -> str:
    return f"{name} is damaged or cut short and cannot be decoded."


def _name(source: Source) -> str:
    if isinstance(source, str | Path):
        return str(source)
    name = getattr(source, "name", None)
    return name if isinstance(name, str) else "The picture"


def _open_stream(source: Source, name: str, max_pixels: int) -> BinaryIO:
    try:
        return open_source(source, max_pixels)
    except SourceError as error:
        raise ImageError(f"{name} {error}") from error
    except FileNotFoundError as error:
        if is_address(name):
            raise ImageError(f"{name} {NO_ADDRESSES}") from error
        raise ImageError(f"{name} does not exist.") from error
    except IsADirectoryError as error:
        raise ImageError(f"{name} is a folder, not a picture.") from error
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path, a closed stream
        raise _unreadable(name, error) from error


def _unreadable(name: str, error: Exception) -> ImageError:
    reason = (getattr(error, "strerror", None) or str(error)).rstrip(".")
    return ImageError(f"{name} cannot be read: {reason}.")
