"""The pages of a TIFF: how many there are, and one of them opened."""

from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

from PIL import Image
from PIL.TiffImagePlugin import TiffImageFile

from keras_colorize.imaging import tiff
from keras_colorize.imaging.bounds import check_pages
from keras_colorize.imaging.errors import ImageError, PagesError
from keras_colorize.imaging.formats import START, sniff
from keras_colorize.imaging.tiff_samples import is_left_to_pillow, kind_of


def count_pages(source: Path) -> int:
    """Says how many pictures a TIFF holds; 1 for other files and for what `decode` will refuse."""
    try:
        with open(source, "rb") as stream:
            if sniff(stream.read(START), "") != "TIFF":
                return 1
            check_pages(stream)
            return len(tiff.photograph_pages(tiff.read_directories(stream)))
    except Exception:  # as a decoder of hostile bytes does
        return 1


def open_tiff(stream: BinaryIO, name: str, number: int | None) -> tuple[Any, tiff.Directory | None]:
    """Opens a photograph in a TIFF: the only one, or that of a number from 1 on.

    Returns:
        Pillow's image, and None where it decodes the photograph rightly. Elsewhere the photograph's
        directory, and an image that has the metadata alone.

    Raises:
        BoundError: there are too many.
        PagesError: there are several, and no number.
        ImageError: there is no such page, or it is not supported.
        ValueError: the file is damaged.
    """
    check_pages(stream)
    directories = tiff.read_directories(stream)
    pages = tiff.photograph_pages(directories)
    count = f"{len(pages)} page{'s' * (len(pages) > 1)}"
    if number is None and len(pages) > 1:
        raise PagesError(f"{name} has {count}.")
    if (number or 1) > len(pages):
        raise ImageError(f"{name} has {count}, and no page {number}.")
    page = pages[(number or 1) - 1]
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
