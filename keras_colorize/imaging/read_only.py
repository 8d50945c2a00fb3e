"""Formats that are read but not written: GIF, JPEG 2000, AVIF, and HEIC with the extra `heic`."""

from typing import Any, BinaryIO


class MissingReaderError(ValueError):
    """A format is known, and what reads it is not installed; the end of a sentence."""


def open_read_only(stream: BinaryIO, image_format: str) -> Any:
    """Opens a picture in one of these formats; of several pictures the first, or the main one.

    Args:
        stream: the file.
        image_format: a key of `READ_ONLY_SUFFIXES_OF`.

    Returns:
        Pillow's image.

    Raises:
        MissingReaderError: it is HEIC, and pillow-heif is not installed.
        Exception: whatever Pillow raises.
    """
    if image_format == "GIF":
        from PIL.GifImagePlugin import GifImageFile

        return GifImageFile(stream)
    if image_format == "JPEG2000":
        from PIL.Jpeg2KImagePlugin import Jpeg2KImageFile

        return Jpeg2KImageFile(stream)
    if image_format == "AVIF":
        from PIL.AvifImagePlugin import AvifImageFile

        return AvifImageFile(stream)
    try:
        from pillow_heif import HeifImageFile
    except ImportError as error:
        raise MissingReaderError(
            'is a HEIC picture; what reads it is installed by: pip install "keras-colorize[heic]"'
        ) from error
    return HeifImageFile(stream)
