"""Bytes to upright sRGB pixels, 8 and 16 bit, grey and colour."""

import errno
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
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

from keras_colorize.imaging import jpeg, tiff
from keras_colorize.imaging.bounds import BoundError, PixelBoundError, check_scans, check_size
from keras_colorize.imaging.captions import Captions, carried_captions
from keras_colorize.imaging.errors import CutShortError, ImageError, PixelLimitError
from keras_colorize.imaging.exif import carried_exif, orientation, turn_of, upright
from keras_colorize.imaging.formats import result_format
from keras_colorize.imaging.jpeg import load_jpeg
from keras_colorize.imaging.pages import open_tiff
from keras_colorize.imaging.pillow_warnings import quiet_pillow
from keras_colorize.imaging.pixels import PixelKindError, file_pixels, tiff_pixels
from keras_colorize.imaging.png import PngFacts, readable, without_gamma
from keras_colorize.imaging.read_only import MissingReaderError, open_read_only
from keras_colorize.imaging.resolution import Dpi, carried_dpi
from keras_colorize.imaging.sniffing import START, sniff
from keras_colorize.imaging.sources import NO_ADDRESSES, SourceError, is_address, open_source

__all__ = ["Pixels", "Source", "decode"]

Source = str | Path | bytes | BinaryIO

# Opened by name, not by Image.open: that would import every plugin for a WebP or TIFF, and its
# limit on pixels is a global of the user's process.
_OPENERS: dict[str, Callable[..., ImageFile.ImageFile]] = {
    "JPEG": jpeg_factory,
    "PNG": PngImageFile,
    "TIFF": TiffImageFile,
    "WEBP": WebPImageFile,
    "BMP": BmpImageFile,
}


@dataclass(frozen=True)
class Pixels:
    """A decoded picture in sRGB.

    Attributes:
        color: (H, W) grey or (H, W, 3) RGB, uint8 or uint16.
        alpha: (H, W) uint8, or None.
        exif: with the orientation reset, or None.
        dpi: dots per inch, (horizontal, vertical), or None.
        format: "JPEG", "PNG", "TIFF", "WEBP" or "BMP"; "PNG" for one that is read only.
        turn: the EXIF orientation, 1 to 8, that is still to be applied.
        captions: what people wrote, or None.
        several: whether the file holds more pictures, as those of an animation.
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
    turned: bool = True,
    as_far_as_it_goes: bool = False,
    page: int | None = None,
) -> Pixels:
    """Decodes a file, bytes or a stream.

    Args:
        source: path, the encoded bytes, or a stream at their start.
        max_pixels: the most pixels to decode; checked against the header, before decoding.
        turned: whether to make the picture upright.
        as_far_as_it_goes: whether to fill what is missing of a JPEG that is cut short.
        page: of a TIFF of several pages, from 1 on.

    Returns:
        Its pixels with what is carried along.

    Raises:
        PixelLimitError: it has more than `max_pixels`.
        PagesError: it has several pages, and `page` is None.
        CutShortError: it is a JPEG with pixels missing.
        ImageError: for whatever else cannot be decoded.
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
            if opener := _OPENERS.get(image_format):
                image = opener(stream)
            else:
                image = open_read_only(stream, image_format)
            if facts.profile:
                image.info["icc_profile"] = facts.profile
            several = image_format != "JPEG" and getattr(image, "is_animated", False)
        width, height = image.size if directory is None else directory.size
        if width < 1 or height < 1:
            raise ImageError(f"{name} has no pixels.")
        check_size(width, height, max_pixels)
        stored = None
        if directory is None:
            if image_format == "JPEG":
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
        stored = stored or turn
        exif, dpi = carried_exif(image, stored), carried_dpi(image, stored)
        captions = carried_captions(image, stored, facts.xmp)
    written = result_format(image_format)
    if not turned:
        return Pixels(color, alpha, exif, dpi, written, turn, captions, several)
    if alpha is not None:
        alpha = upright(alpha, turn)
    return Pixels(upright(color, turn), alpha, exif, dpi, written, 1, captions, several)


@contextmanager
def _in_sentences(name: str) -> Iterator[None]:
    """Turns what goes wrong in a decoder into an ImageError."""
    try:
        yield
    except (ImageError, MemoryError):
        raise
    except PixelBoundError as error:
        raise PixelLimitError(f"{name} {error}") from error
    except (PixelKindError, BoundError, MissingReaderError) as error:
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
