"""EXIF and resolution: the orientation is applied to the pixels, all else is carried along."""

import struct
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixel = TypeVar("Pixel", bound=np.generic)
Dpi = tuple[float, float]

_ORIENTATION = 0x0112
# What describes the picture, in a TIFF whose first folder also holds how its pixels are stored.
_DESCRIPTIVE = (0x010E, 0x010F, 0x0110, 0x0131, 0x0132, 0x013B, 0x8298)
_EXIF = 0x8769
_FOLDERS = (_EXIF, 0x8825)  # and GPS
_WIDTH, _HEIGHT = 0xA002, 0xA003  # in Exif
_THUMBNAIL, _THUMBNAIL_BYTES = 0x0201, 0x0202  # in the second folder
_PREFIX = b"Exif\0\0"
_HIGHEST_DPI = 65535  # what a JPEG can say


def orientation(image: Image.Image) -> int:
    """Returns the orientation, 1 to 8, of an opened picture; 1 where there is no valid one."""
    try:
        value = image.getexif().get(_ORIENTATION, 1)
    except Exception:  # damaged metadata must not cost the picture
        return 1
    return turn_of(value)


def turn_of(value: object) -> int:
    """Returns the orientation that a tag's value means, 1 to 8; 1 where it is not valid."""
    if isinstance(value, bytes) and len(value) == 1:  # a byte, where the standard wants a short
        value = value[0]
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def upright(pixels: NDArray[Pixel], turn: int) -> NDArray[Pixel]:
    """Turns and mirrors (H, W, ...) as its EXIF orientation `turn` (1 to 8) asks for."""
    if turn >= 5:
        pixels = pixels.swapaxes(0, 1)
    if turn in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if turn in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)


def carried_exif(image: Image.Image, turn: int) -> bytes | None:
    """Returns the EXIF block to write beside the upright pixels of an opened picture, or None."""
    raw = image.info.get("exif")
    if isinstance(raw, bytes):
        return _upright_block(raw, turn)
    try:
        read = image.getexif()
        kept = Image.Exif()
        for tag in _DESCRIPTIVE:
            if tag in read:
                kept[tag] = read[tag]
        for folder in _FOLDERS:
            if folder in read:
                kept.get_ifd(folder).update(read.get_ifd(folder))
        sizes = kept.get_ifd(_EXIF)
        if turn >= 5 and _WIDTH in sizes and _HEIGHT in sizes:
            sizes[_WIDTH], sizes[_HEIGHT] = sizes[_HEIGHT], sizes[_WIDTH]
        return kept.tobytes() if len(kept) or any(kept.get_ifd(tag) for tag in _FOLDERS) else None
    except Exception:  # damaged metadata must not cost the picture
        return None


def carried_dpi(image: Image.Image, turn: int) -> Dpi | None:
    """Returns the dots per inch, (horizontal, vertical), of a picture once it is upright.

    None stands for a file that has none, or one that cannot be.
    """
    try:
        horizontal, vertical = (float(value) for value in image.info["dpi"])
    except (KeyError, TypeError, ValueError, ArithmeticError):  # none, or it is damaged
        return None
    # Pillow gives a TIFF that has no resolution 1 dot per inch.
    if not (1 < horizontal <= _HIGHEST_DPI and 1 < vertical <= _HIGHEST_DPI):
        return None
    return (vertical, horizontal) if turn >= 5 else (horizontal, vertical)


def _upright_block(raw: bytes, turn: int) -> bytes | None:
    """Changes what is wrong in place: re-writing the block would lose maker notes.

    The orientation is 1, the sizes are those of the turned picture, and the thumbnail, which would
    stay as it was, is cut off.
    """
    start = len(_PREFIX) if raw.startswith(_PREFIX) else 0
    block = bytearray(raw)
    order = {b"II": "<", b"MM": ">"}.get(bytes(raw[start : start + 2]))
    if order is None:
        return None

    def number(kind: str, offset: int) -> Any:
        return struct.unpack_from(order + kind, block, start + offset)[0]

    def entries(folder: int) -> dict[int, int]:
        """Where the value of each tag is."""
        count = number("H", folder)
        places = range(folder + 2, folder + 2 + 12 * count, 12)
        return {number("H", place): place for place in reversed(places)}

    try:
        first = number("I", 4)
        tags = entries(first)
        for entry in range(first + 2, first + 2 + 12 * number("H", first), 12):
            if number("H", entry) == _ORIENTATION:
                struct.pack_into(order + "HIHH", block, start + entry + 2, 3, 1, 1, 0)
    except struct.error:
        return None
    with suppress(struct.error):  # a block may end here
        link = first + 2 + 12 * number("H", first)
        second = number("I", link)
        struct.pack_into(order + "I", block, start + link, 0)
        if second:
            _forget(block, start, entries(second), second, number)
    if turn >= 5 and _EXIF in tags:
        with suppress(struct.error):
            sizes = entries(number("I", tags[_EXIF] + 8))
            if _WIDTH in sizes and _HEIGHT in sizes:
                one, other = (start + sizes[tag] + 2 for tag in (_WIDTH, _HEIGHT))
                block[one : one + 10], block[other : other + 10] = (
                    block[other : other + 10],
                    block[one : one + 10],
                )
    return bytes(block)


def _forget(
    block: bytearray, start: int, tags: dict[int, int], folder: int, number: Callable[..., Any]
) -> None:
    """Removes a thumbnail that nothing refers to any more."""
    if _THUMBNAIL not in tags or _THUMBNAIL_BYTES not in tags:
        return
    place, length = (number("I", tags[tag] + 8) for tag in (_THUMBNAIL, _THUMBNAIL_BYTES))
    begin, end = start + place, min(start + place + length, len(block))
    if place < folder + 2 + 12 * len(tags) or begin > end:
        return
    if end == len(block):
        del block[begin:]
    else:
        block[begin:end] = bytes(end - begin)
