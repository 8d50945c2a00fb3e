"""The planes of a TIFF as whole numbers, of up to 16, of 32 or of 64 bits.

Strips and tiles are unpacked by Pillow's libtiff as if they were bytes of grey; what the bytes mean
is for NumPy. No buffer comes from a decoder that may leave a part of it as it was.
"""

import struct
from io import BytesIO
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL.TiffImagePlugin import TiffImageFile

from keras_colorize.imaging import tiff
from keras_colorize.imaging.tiff import Directory

_NONE, _LZW, _DEFLATE, _PACK_BITS, _OLD_DEFLATE = 1, 5, 8, 32773, 32946  # of COMPRESSION
_DIFFERENCES, _FLOAT_DIFFERENCES = 2, 3  # of PREDICTOR, which is 1 for none


def can_read(directory: Directory, bits: int, *, is_float: bool) -> bool:
    """Whether the samples, of so many bits, are packed as `read_plane` can unpack them."""
    predictor = directory.get(tiff.PREDICTOR, 1)
    packed = directory.get(tiff.COMPRESSION, _NONE)
    return packed in (_NONE, _LZW, _DEFLATE, _PACK_BITS, _OLD_DEFLATE) and (
        predictor == 1
        or (predictor == _DIFFERENCES and bits in (8, 16, 32, 64))
        or (predictor == _FLOAT_DIFFERENCES and is_float)
    )


def read_plane(
    stream: BinaryIO, directory: Directory, number: int, planes: int, bits: int
) -> NDArray[Any]:
    """Reads a plane of a page that it `can_read`, or all samples where they lie side by side.

    Returns:
        (H, W, samples), of the smallest unsigned type that has the bits, each with its bits as they
        are.

    Raises:
        ValueError: the file is damaged.
    """
    width, height = directory.get(tiff.WIDTH, 0), directory.get(tiff.HEIGHT, 0)
    samples = directory.get(tiff.SAMPLES_PER_PIXEL, 1) if planes == 1 else 1
    tiled = tiff.TILE_OFFSETS in directory.tags
    if tiled:
        wide, high = directory.get(tiff.TILE_WIDTH, 0), directory.get(tiff.TILE_HEIGHT, 0)
        offsets, counts = directory.tags[tiff.TILE_OFFSETS], directory.tags[tiff.TILE_BYTES]
    else:
        wide, high = width, min(directory.get(tiff.ROWS_PER_STRIP, height), height)
        offsets = directory.tags[tiff.STRIP_OFFSETS]
        counts = directory.tags.get(tiff.STRIP_BYTES, ())
    if not (1 <= wide <= max(2 * width, 1024) and 1 <= high <= max(2 * height, 1024)):
        raise ValueError("Its tiles or strips have no size that fits.")
    across, down = -(-width // wide), -(-height // high)
    row = -(-wide * samples * bits // 8)
    first, each = number * across * down, across * down
    if not counts and len(offsets) == 1:  # old writers left it out
        counts = (row * height,)
    offsets, counts = offsets[first : first + each], counts[first : first + each]
    if len(offsets) < each or len(counts) < each:
        raise ValueError("Tiles or strips are missing.")
    packed = _unpacked(stream, directory, offsets, counts, (across, down, row, high, height, tiled))
    rows = packed.reshape(len(packed), across, row)
    predictor, order = directory.get(tiff.PREDICTOR, 1), directory.order
    if predictor == _FLOAT_DIFFERENCES:
        rows, order = _undone(rows, samples, bits // 8), ">"
    values = _numbers(rows, bits, wide * samples, order)
    values = values.reshape(len(packed), across, wide, samples)
    if predictor == _DIFFERENCES:
        values = np.add.accumulate(values, axis=2, dtype=values.dtype)
    return values.reshape(len(packed), across * wide, samples)[:height, :width]


def _unpacked(
    stream: BinaryIO,
    directory: Directory,
    offsets: tuple[int, ...],
    counts: tuple[int, ...],
    layout: tuple[int, int, int, int, int, bool],
) -> NDArray[np.uint8]:
    """(rows, bytes in a row) of a plane, decompressed."""
    across, down, row, high, height, tiled = layout
    blocks = []
    for offset, count in zip(offsets, counts, strict=True):
        stream.seek(offset)
        blocks.append(stream.read(count))
        if len(blocks[-1]) < count or not count:
            raise ValueError("A tile or strip is cut short.")
    compression = directory.get(tiff.COMPRESSION, _NONE)
    if compression == _NONE:
        rows = [high] * down if tiled else [min(high, height - k * high) for k in range(down)]
        for k, block in enumerate(blocks):
            if len(block) < (needed := rows[k // across] * row):
                raise ValueError("A tile or strip is cut short.")
            blocks[k] = block[:needed]
        found = np.frombuffer(b"".join(blocks), np.uint8)
        if directory.get(tiff.FILL_ORDER, 1) == 2:
            found = np.packbits(np.unpackbits(found).reshape(-1, 8)[:, ::-1])
        if not tiled:
            return found.reshape(height, row)
        found = found.reshape(down, across, high, row).swapaxes(1, 2)
        return found.reshape(down * high, across * row)
    with TiffImageFile(BytesIO(_bytes_as_grey(directory, blocks, layout))) as image:
        image.load()
        return np.array(image)


def _bytes_as_grey(
    directory: Directory, blocks: list[bytes], layout: tuple[int, int, int, int, int, bool]
) -> bytes:
    """A TIFF whose grey pixels are the bytes of a plane."""
    across, _, row, high, height, tiled = layout
    tags: dict[int, list[int]] = {
        tiff.WIDTH: [across * row],
        tiff.HEIGHT: [height],
        tiff.BITS_PER_SAMPLE: [8],
        tiff.COMPRESSION: [directory.get(tiff.COMPRESSION, _NONE)],
        tiff.PHOTOMETRIC: [tiff.BLACK_IS_ZERO],
        tiff.FILL_ORDER: [directory.get(tiff.FILL_ORDER, 1)],
        tiff.SAMPLES_PER_PIXEL: [1],
    }
    starts = np.cumsum([8, *map(len, blocks)]).tolist()
    lengths = [len(block) for block in blocks]
    if tiled:
        tags |= {tiff.TILE_WIDTH: [row], tiff.TILE_HEIGHT: [high]}
        tags |= {tiff.TILE_OFFSETS: starts[:-1], tiff.TILE_BYTES: lengths}
    else:
        tags |= {tiff.STRIP_OFFSETS: starts[:-1], tiff.ROWS_PER_STRIP: [high]}
        tags |= {tiff.STRIP_BYTES: lengths}
    entries, more, end = b"", b"", starts[-1]
    for tag, values in sorted(tags.items()):
        content = struct.pack(f"<{len(values)}I", *values)
        if len(values) > 1:
            content, more = struct.pack("<I", end + len(more)), more + content
        entries += struct.pack("<HHI", tag, 4, len(values)) + content
    directory_start = end + len(more)
    ifd = struct.pack("<H", len(tags)) + entries + bytes(4)
    return b"".join([b"II*\0", struct.pack("<I", directory_start), *blocks, more, ifd])


def _undone(rows: NDArray[np.uint8], samples: int, size: int) -> NDArray[np.uint8]:
    """Undoes Adobe's predictor of floating-point numbers, of `size` bytes each.

    A row has the first bytes of all numbers, the most significant, then the second ones, and so on;
    of these bytes it has the differences from pixel to pixel.
    """
    pixels = rows.reshape(*rows.shape[:2], -1, samples)
    summed = np.add.accumulate(pixels, axis=2, dtype=np.uint8)
    return summed.reshape(*rows.shape[:2], size, -1).swapaxes(2, 3).reshape(rows.shape)


def _numbers(rows: NDArray[np.uint8], bits: int, count: int, order: str) -> NDArray[Any]:
    """(rows, across, count) of packed bytes (rows, across, bytes)."""
    if bits % 8 == 0:
        size = bits // 8
        return (
            np.ascontiguousarray(rows[..., : size * count])
            .view(f"{order}u{size}")
            .astype(f"u{size}")
        )
    values = np.zeros((*rows.shape[:2], count), np.uint8 if bits < 8 else np.uint16)
    for value, line in zip(values, rows, strict=True):  # by lines: a bit takes a byte meanwhile
        digits = np.unpackbits(line, axis=1, count=count * bits).reshape(len(line), count, bits)
        for k in range(bits):
            value[:] = (value << 1) | digits[..., k]
    return values
