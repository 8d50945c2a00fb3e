"""EXIF: the orientation is applied to the pixels and reset, everything else is carried along."""

import struct
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixel = TypeVar("Pixel", bound=np.generic)

_ORIENTATION = 0x0112
# What describes the picture, in a TIFF whose first folder also holds how its pixels are stored.
_DESCRIPTIVE = (0x010E, 0x010F, 0x0110, 0x0131, 0x0132, 0x013B, 0x8298)
_FOLDERS = (0x8769, 0x8825)  # Exif, GPS


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


def carried_exif(image: Image.Image) -> bytes | None:
    """Returns the EXIF block to write beside upright pixels, or None."""
    raw = image.info.get("exif")
    if isinstance(raw, bytes):
        return _with_orientation_reset(raw)
    try:
        read = image.getexif()
        kept = Image.Exif()
        for tag in _DESCRIPTIVE:
            if tag in read:
                kept[tag] = read[tag]
        for folder in _FOLDERS:
            if folder in read:
                kept.get_ifd(folder).update(read.get_ifd(folder))
        return kept.tobytes() if len(kept) or any(kept.get_ifd(tag) for tag in _FOLDERS) else None
    except Exception:  # damaged metadata must not cost the picture
        return None


def _with_orientation_reset(raw: bytes) -> bytes | None:
    """Changes the one number in place: re-writing the block would lose maker notes."""
    prefix = b"Exif\0\0"
    start = len(prefix) if raw.startswith(prefix) else 0
    block = bytearray(raw)
    order = {b"II": "<", b"MM": ">"}.get(bytes(raw[start : start + 2]))
    if order is None:
        return None

    def number(kind: str, offset: int) -> Any:
        return struct.unpack_from(order + kind, block, start + offset)[0]

    try:
        first = number("I", 4)
        for entry in range(first + 2, first + 2 + 12 * number("H", first), 12):
            if number("H", entry) == _ORIENTATION:
                struct.pack_into(order + "HIHH", block, start + entry + 2, 3, 1, 1, 0)
    except struct.error:
        return None
    return bytes(block)
