"""Formats that are read but not written: GIF, JPEG 2000, AVIF, and HEIC with the extra `heic`."""

from typing import Any, BinaryIO

_START = 64  # bytes in which a file of one of them says so
_GIF = (b"GIF87a", b"GIF89a")
_JPEG2000 = (b"\0\0\0\x0cjP  \r\n\x87\n", b"\xff\x4f\xff\x51")  # a file, a bare codestream
_HEIF = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"}


class MissingReaderError(ValueError):
    """A format is known, and what reads it is not installed; the end of a sentence."""


def read_only_format(stream: BinaryIO) -> str | None:
    """Says which of these formats a picture has, by Pillow's name; None for all others.

    Args:
        stream: the file, which is left at its start.
    """
    stream.seek(0)
    start = stream.read(_START)
    stream.seek(0)
    if start.startswith(_GIF):
        return "GIF"
    if start.startswith(_JPEG2000):
        return "JPEG2000"
    if start[4:8] != b"ftyp":
        return None
    end = min(int.from_bytes(start[:4], "big"), len(start))
    brands = {start[8:12], *(start[k : k + 4] for k in range(16, end - 3, 4))}
    if brands & {b"avif", b"avis"}:
        return "AVIF"
    return "HEIF" if brands & _HEIF else None


def open_read_only(stream: BinaryIO, image_format: str) -> Any:
    """Opens a picture in one of these formats; of several pictures the first, or the main one.

    Args:
        stream: the file.
        image_format: of `read_only_format`.

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
