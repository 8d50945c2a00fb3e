"""Limits of what a file may cost, whatever its size; they are checked before it is decoded."""

import re
import struct
from typing import BinaryIO

DEFAULT_MAX_PIXELS = 200_000_000

MOST_SIDE = 2**17
"""Pixels. Work is done in strips of rows, so only this bounds the memory that a long row takes."""

MOST_SCANS, FEW_SCANS, MOST_SCANNED = 100, 20, 10**9
"""Of a JPEG. Encoders write about ten; each costs a pass over all pixels, even an empty one.

A file may have few scans whatever its size, and more as far as scans times pixels are not too many.
"""

MOST_PAGES = 1000
"""Of a TIFF, smaller copies and masks included. Pillow reads each, however many there are."""

# Weights hardly get smaller when they are packed, and Keras does not pack them.
_UNPACKED, _BESIDE = 10, 2**26

_START_OF_FRAME = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
_ONE_PASS = {0xC0, 0xC1, 0xC9}  # of these, a decoder stops after a scan of all components
_SCAN, _END = 0xDA, 0xD9
# A marker with a length after it: no stuffed byte, no restart, no start, no fill.
_MARKER = re.compile(rb"\xff([^\x00\x01\xd0-\xd8\xff])", re.DOTALL)


class BoundError(ValueError):
    """A file asks for too much, as the end of a sentence that names it."""


class PixelBoundError(BoundError):
    """There are more pixels than the caller allows."""


def check_size(width: int, height: int, max_pixels: int | None = None) -> None:
    """Refuses pictures that would take more memory than others of as many pixels, or too many.

    Raises:
        PixelBoundError: there are more than `max_pixels`, which None allows.
        BoundError: a side is longer than `MOST_SIDE`.
    """
    if max_pixels is not None and width * height > max_pixels:
        raise PixelBoundError(
            f"has {width} x {height} pixels, more than the limit of {max_pixels}."
        )
    if max(width, height) > MOST_SIDE:
        raise BoundError(f"has {width} x {height} pixels; a side may have at most {MOST_SIDE}.")


def check_unpacked(packed: int, unpacked: int) -> None:
    """Refuses files of networks that unpack to many more bytes than there are in them.

    Raises:
        BoundError: they are too many.
    """
    if unpacked > _UNPACKED * packed + _BESIDE:
        raise BoundError(f"has {packed} bytes and would unpack to {unpacked}: it is no network.")


def check_scans(stream: BinaryIO) -> None:
    """Refuses a JPEG of too many scans; the stream is at its start before and after.

    Raises:
        BoundError: it has more than `MOST_SCANS`, or fewer that are too many for its pixels.
    """
    stream.seek(0)
    data = stream.read()
    stream.seek(0)
    place, scans, most, components, in_one_pass = 2, 0, MOST_SCANS, 0, False
    while (found := _MARKER.search(data, place)) and (marker := found[1][0]) != _END:
        place = found.end()
        segment = data[place : place + 8]
        if len(segment) < 8:
            return
        if marker in _START_OF_FRAME:
            components, in_one_pass = segment[7], marker in _ONE_PASS
            height, width = struct.unpack_from(">HH", segment, 3)
            most = min(MOST_SCANS, max(FEW_SCANS, MOST_SCANNED // max(1, height * width)))
        if marker == _SCAN:
            scans += 1
            if in_one_pass and segment[2] == components:
                return
            if scans > most:
                raise BoundError(f"has more than {most} scans, which no photograph needs.")
        place += struct.unpack_from(">H", segment)[0]


def check_pages(stream: BinaryIO) -> None:
    """Refuses a TIFF of too many pages, of which only the links from each to the next are read.

    Raises:
        BoundError: it has more than `MOST_PAGES`.
    """
    stream.seek(0)
    header = stream.read(16)
    order = {b"II": "<", b"MM": ">"}[header[:2]]
    big = struct.unpack(order + "H", header[2:4])[0] == 43
    count, link, entry = ("Q", "Q", 20) if big else ("H", "I", 12)
    try:
        (place,) = struct.unpack_from(order + link, header, 8 if big else 4)
        seen: set[int] = set()
        while place and place not in seen:
            seen.add(place)
            if len(seen) > MOST_PAGES:
                message = f"has more than {MOST_PAGES} pages; save each as a file of its own."
                raise BoundError(message)
            stream.seek(place)
            (entries,) = struct.unpack(order + count, stream.read(struct.calcsize(count)))
            stream.seek(entry * entries, 1)
            (place,) = struct.unpack(order + link, stream.read(struct.calcsize(link)))
    except (struct.error, OverflowError, OSError):  # damage, which what reads the pages judges
        return
