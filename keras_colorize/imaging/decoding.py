"""Bytes to upright sRGB pixels: JPEG, PNG, TIFF, WebP and BMP, 8 and 16 bit, grey and colour."""

import errno
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.JpegImagePlugin import jpeg_factory
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from keras_colorize.imaging import jpeg, tiff
from keras_colorize.imaging.bounds import BoundsError, check_pages, check_scans, check_sides
from keras_colorize.imaging.captions import Captions, carried_captions
from keras_colorize.imaging.exif import carried_exif, orientation, turn_of, upright
from keras_colorize.imaging.jpeg import load_jpeg
from keras_colorize.imaging.pixels import PixelKindError, file_pixels, tiff_pixels
from keras_colorize.imaging.png import PngFacts, readable, without_gamma
from keras_colorize.imaging.quiet import quiet_pillow
from keras_colorize.imaging.resolution import Dpi, carried_dpi
from keras_colorize.imaging.sources import SourceError, open_source
from keras_colorize.imaging.tiff_samples import is_left_to_pillow, kind_of

Source = str | Path | bytes | BinaryIO

DEFAULT_MAX_PIXELS = 200_000_000

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


class PixelLimitError(ImageError):
    """A picture has more pixels than the caller allows."""


class CutShortError(ImageError):
    """A JPEG is cut short; what there is could be decoded."""


@dataclass(frozen=True)
class Pixels:
    """A decoded picture in sRGB.

    Attributes:
        color: (H, W) grey or (H, W, 3) RGB, uint8 or uint16.
        alpha: (H, W) uint8, or None.
        exif: with the orientation reset, or None.
        dpi: dots per inch, (horizontal, vertical), or None.
        format: "JPEG", "PNG", "TIFF", "WEBP" or "BMP".
        turn: the EXIF orientation, 1 to 8, that is still to be applied.
        captions: what people wrote, or None.
    """

    color: NDArray[Any]
    alpha: NDArray[np.uint8] | None
    exif: bytes | None
    dpi: Dpi | None
    format: str
    turn: int = 1
    captions: Captions | None = None


def decode(
    source: Source, max_pixels: int, *, turned: bool = True, as_far_as_it_goes: bool = False
) -> Pixels:
    """Decodes a file, bytes or a stream.

    Args:
        source: path, the encoded bytes, or a stream at their start.
        max_pixels: the most pixels to decode; checked against the header, before decoding.
        turned: whether to make the picture upright.
        as_far_as_it_goes: whether to fill what is missing of a JPEG that is cut short.

    Returns:
        Its pixels with what is carried along.

    Raises:
        PixelLimitError: it has more than `max_pixels`.
        CutShortError: it is a JPEG with pixels missing.
        ImageError: for whatever else cannot be decoded.
    """
    name = _name(source)
    with _open_stream(source, name, max_pixels) as stream, quiet_pillow(), _in_sentences(name):
        start = stream.read(16)
        stream.seek(0)
        image_format = sniff(start, name)
        directory, facts = None, PngFacts()
        if image_format == "TIFF":
            image, directory = _open_tiff(stream, name)
        else:
            if image_format == "PNG":
                stream, facts = readable(stream)
            if image_format == "JPEG":
                check_scans(stream)
            image = _OPENERS[image_format](stream)
            if facts.profile:
                image.info["icc_profile"] = facts.profile
            if image_format != "JPEG" and getattr(image, "is_animated", False):
                raise ImageError(
                    f"{name} is animated; save one picture of it as a file of its own."
                )
        width, height = image.size if directory is None else directory.size
        if width < 1 or height < 1:
            raise ImageError(f"{name} has no pixels.")
        if width * height > max_pixels:
            raise PixelLimitError(
                f"{name} has {width} x {height} pixels, more than the limit of {max_pixels}."
            )
        check_sides(width, height)
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
    if not turned:
        return Pixels(color, alpha, exif, dpi, image_format, turn, captions)
    if alpha is not None:
        alpha = upright(alpha, turn)
    return Pixels(upright(color, turn), alpha, exif, dpi, image_format, 1, captions)


@contextmanager
def _in_sentences(name: str) -> Iterator[None]:
    """Turns what goes wrong in a decoder into an ImageError."""
    try:
        yield
    except (ImageError, MemoryError):
        raise
    except (PixelKindError, BoundsError) as error:
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


def _open_tiff(stream: BinaryIO, name: str) -> tuple[Any, tiff.Directory | None]:
    """Opens the only photograph in a TIFF.

    Returns:
        Pillow's image, and None where it decodes the photograph rightly. Elsewhere the photograph's
        directory, and an image that has the metadata alone.
    """
    check_pages(stream)
    directories = tiff.read_directories(stream)
    pages = tiff.photograph_pages(directories)
    if len(pages) > 1:
        raise ImageError(f"{name} has {len(pages)} pages; save each as a file of its own.")
    (page,) = pages
    if problem := tiff.problem_of(stream, directories, page):
        raise ImageError(f"{name} {problem}")
    directory = tiff.whole(stream, directories[page])
    stream.seek(0)
    if is_left_to_pillow(directory):
        try:
            image = TiffImageFile(stream)
            image.seek(page)
        except SyntaxError as error:  # what it says of kinds that it does not know
            raise ImageError(f"{name} {kind_of(directory)}, which is not supported.") from error
        return image, None
    metadata = tiff.stand_in(stream.read(), directory)
    try:
        return TiffImageFile(BytesIO(metadata)), directory
    except Exception:  # Pillow knows no big-endian BigTIFF; metadata must not cost the picture
        return Image.new("L", (1, 1)), directory


def sniff(start: bytes, name: str) -> str:
    """Says which format a picture has, from its first 16 bytes.

    Args:
        start: those bytes, fewer if there are no more.
        name: of the picture, for people.

    Returns:
        A name of `FORMATS`.

    Raises:
        ImageError: it has none of the formats that can be read.
    """
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


def _open_stream(source: Source, name: str, max_pixels: int) -> BinaryIO:
    try:
        return open_source(source, max_pixels)
    except SourceError as error:
        raise ImageError(f"{name} {error}") from error
    except FileNotFoundError as error:
        raise ImageError(f"{name} does not exist.") from error
    except IsADirectoryError as error:
        raise ImageError(f"{name} is a folder, not a picture.") from error
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path, a closed stream
        raise _unreadable(name, error) from error


def _unreadable(name: str, error: Exception) -> ImageError:
    reason = (getattr(error, "strerror", None) or str(error)).rstrip(".")
    return ImageError(f"{name} cannot be read: {reason}.")
