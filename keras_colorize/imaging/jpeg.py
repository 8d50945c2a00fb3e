"""JPEGs whose end is missing: whether all pixels are there, which libjpeg does not say.

It fills what is missing with the last tone it had. Whether it did shows when other bytes follow
those that there are: then what it fills differs, and what it read stays.
"""

import re
import struct
from io import BytesIO
from typing import Any, BinaryIO

import numpy as np
from PIL.JpegImagePlugin import jpeg_factory

_END = b"\xff\xd9"
_SCAN, _ENDS = 0xDA, 0xD9
_LINES = 8  # of a block
# A marker in entropy-coded data: no stuffed byte, no restart, no fill.
_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]", re.DOTALL)


class CutShortError(ValueError):
    """Pixels are missing."""


def load_jpeg(image: Any, stream: BinaryIO, *, as_far_as_it_goes: bool = False) -> Any:
    """Loads a JPEG that Pillow has opened from a stream; returns another image if it has no end.

    Raises:
        CutShortError: pixels are missing, and are not to be filled (`as_far_as_it_goes`).
        Exception: whatever Pillow raises.
    """
    try:
        image.load()
    except OSError as error:
        if error.errno is not None:  # the disk's, not the decoder's
            raise
        stream.seek(0)
        data = stream.read().rstrip(b"\xff")
        ended = _loaded(data + _END)
        if not as_far_as_it_goes and not _is_all_there(data, ended):
            raise CutShortError from error
        return ended
    if not as_far_as_it_goes and _is_flat_at_the_end(image):
        stream.seek(0)
        data = stream.read()
        if not _is_all_there(data[: _end_of_scans(data)], image):
            raise CutShortError
    return image


def _loaded(data: bytes) -> Any:
    image = jpeg_factory(BytesIO(data))
    image.load()
    return image


def _is_all_there(data: bytes, image: Any) -> bool:
    """Whether the pixels stay as they are whatever follows the data."""
    random = np.random.default_rng(0)
    pixels = image.tobytes()
    for _ in range(2):
        tail = random.integers(0, 255, 256, np.uint8).tobytes()  # none of them begins a marker
        try:
            if _loaded(data + tail + _END).tobytes() != pixels:
                return False
        except OSError:
            return False
    return True


def _is_flat_at_the_end(image: Any) -> bool:
    """Whether the last line of blocks is of one tone, as it is where it was filled."""
    width, height = image.size
    top = (height - 1) // _LINES * _LINES
    extrema = image.crop((0, top, width, height)).getextrema()
    bands = extrema if isinstance(extrema[0], tuple) else (extrema,)
    return all(low == high for low, high in bands)


def _end_of_scans(data: bytes) -> int:
    """Where the end marker of the first picture is; the end of the data if there is none."""
    place, in_scan = 2, False
    while True:
        if in_scan:
            if (found := _MARKER.search(data, place)) is None:
                return len(data)
            place = found.start()
        if place + 4 > len(data) or data[place] != 0xFF or data[place + 1] == _ENDS:
            return min(place, len(data))
        if data[place + 1] == 0xFF:  # fill
            place += 1
            continue
        in_scan = in_scan or data[place + 1] == _SCAN
        place += 2 + struct.unpack_from(">H", data, place + 2)[0]
