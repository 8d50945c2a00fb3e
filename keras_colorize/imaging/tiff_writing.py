"""Pictures as TIFF, packed by Deflate without loss, with all of their metadata.

Pillow loses the Exif folder where libtiff packs. So it writes the metadata beside one pixel, and
the picture and a directory that tells of both come after.
"""

import struct
import zlib
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from keras_colorize.imaging import tiff
from keras_colorize.imaging.strips import available_cores

_DEFLATE, _DIFFERENCES = 8, 2
_LEVEL = 2  # higher ones take twice the time for a twentieth of the bytes
_STRIP = 2**18  # bytes
_SHORT, _LONG = 3, 4


def encode_tiff(pixels: NDArray[np.uint8], **options: Any) -> bytes:
    """Encodes (H, W, 3) or (H, W, 4) with options of Pillow's `save`, for metadata.

    Raises:
        Exception: whatever Pillow raises for metadata that it cannot write.
    """
    stream = BytesIO()
    Image.fromarray(pixels[:1, :1]).save(stream, "TIFF", **options)
    (old,) = tiff.read_directories(stream)
    height, width, channels = pixels.shape
    rows = max(1, _STRIP // (width * channels))

    def packed(top: int) -> bytes:
        lines = pixels[top : top + rows]
        differences = lines.copy()
        differences[:, 1:] -= lines[:, :-1]
        return zlib.compress(differences.tobytes(), _LEVEL)

    with ThreadPoolExecutor(available_cores()) as pool:  # zlib releases the interpreter's lock
        strips = list(pool.map(packed, range(0, height, rows)))
    start = len(stream.getbuffer())
    places = np.cumsum([start, *map(len, strips)]).tolist()
    end = places.pop()
    changed = {
        tiff.WIDTH: [width],
        tiff.HEIGHT: [height],
        tiff.COMPRESSION: [_DEFLATE],
        tiff.STRIP_OFFSETS: places,
        tiff.ROWS_PER_STRIP: [rows],
        tiff.STRIP_BYTES: [len(strip) for strip in strips],
        tiff.PREDICTOR: [_DIFFERENCES],
    }
    data = stream.getvalue()
    entries = {tag: data[place : place + 12] for tag, place in old.entries.items()}
    more = b""
    for tag, values in changed.items():
        kind = _SHORT if tag in (tiff.COMPRESSION, tiff.PREDICTOR) else _LONG
        content = struct.pack(f"{old.order}{len(values)}{'H' if kind == _SHORT else 'I'}", *values)
        if len(content) > 4:
            content, more = struct.pack(old.order + "I", end + len(more)), more + content
        head = struct.pack(old.order + "HHI", tag, kind, len(values))
        entries[tag] = head + content.ljust(4, b"\0")
    padding = b"\0" * ((end + len(more)) % 2)  # directories begin at even places
    directory = struct.pack(old.order + "H", len(entries))
    directory += b"".join(entries[tag] for tag in sorted(entries)) + bytes(4)
    header = data[:4] + struct.pack(old.order + "I", end + len(more) + len(padding))
    return b"".join([header, data[8:], *strips, more, padding, directory])
