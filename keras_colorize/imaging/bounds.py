"""Limits of what a file may ask of a decoder, whatever its number of pixels; checked beforehand."""

import re
import struct
from typing import BinaryIO

MOST_SCANS = 100
"""Of a JPEG. Encoders write about ten; each costs a pass over all pixels, even an empty one."""

MOST_PAGES = 1000
"""Of a TIFF, smaller copies and masks included. Pillow reads each, however many there are."""

MOST_ASPECT = 100
"""Times that one side may be as long as the other. Only sides that are long are held to it."""

_LONG = 10_000  # pixels
_START_OF_FRAME = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
_ONE_PASS = {0xC0, 0xC1, 0xC9}  # of these, a decoder stops after a scan of all components
_SCAN, _END = 0xDA, 0xD9
# A marker with a length after it: no stuffed byte, no restart, no start, no fill.
_MARKER = re.compile(rb"\xff([^\x00\x01\xd0-\xd8\xff])", re.DOTALL)


class BoundsError(ValueError):
    """A file asks for too much, as the end of a sentence that names it."""


def check_scans(stream: BinaryIO) -> None:
    """Refuses a JPEG of too many scans; the stream is at its start before and after.

    Raises:
        BoundsError: it has more than `MOST_SCANS`.
    """
    stream.seek(0)
    data = stream.read()
    stream.seek(0)
    place, scans, components, in_one_pass = 2, 0, 0, False
    while (found := _MARKER.search(data, place)) and (marker := found[1][0]) != _END:
        place = found.end()
        segment = data[place : place + 8]
        if len(segment) < 8:
            return
        if marker in _START_OF_FRAME:
            components, in_one_pass = segment[7], marker in _ONE_PASS
        if marker == _SCAN:
            scans += 1
            if in_one_pass and segment[2] == components:
                return
            if scans > MOST_SCANS:
                raise BoundsError(f"has more than {MOST_SCANS} scans, which no photograph needs.")
        place += struct.unpack_from(">H", segment)[0]


def check_pages(stream: BinaryIO) -> None:
    """Refuses a TIFF of too many pages, of which only the links from each to the next are read.

    Raises:
        BoundsError: it has `MOST_PAGES` or more.
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
            if len(seen) >= MOST_PAGES:
                message = f"has {MOST_PAGES} or more pages; save each as a file of its own."
                raise BoundsError(message)
            stream.seek(place)
            (entries,) = struct.unpack(order + count, stream.read(struct.calcsize(count)))
            stream.seek(entry * entries, 1)
            (place,) = struct.unpack(order + link, stream.read(struct.calcsize(link)))
    except (struct.error, OverflowError, OSError):  # damage, which what reads the pages judges
        return


def check_sides(width: int, height: int) -> None:
    """Refuses a line: a row of 49 million pixels costs five times the memory of a square of them.

    Raises:
        BoundsError: a side is long, and more than `MOST_ASPECT` times the other.
    """
    longer, shorter = max(width, height), min(width, height)
    if longer > max(_LONG, MOST_ASPECT * shorter):
        raise BoundsError(
            f"has {width} x {height} pixels; one side is more than {MOST_ASPECT} times the other."
        )
