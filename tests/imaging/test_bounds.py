"""Small input that would cost much memory is refused before it is unpacked."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from keras_colorize.data.folders import inspect
from keras_colorize.imaging.bounds import MOST_SIDE, BoundError, check_size, check_unpacked
from keras_colorize.imaging.images import ImageError, PixelLimitError, read_photograph, read_rgb


def grey_png(width: int, height: int, *, rows: int | None = None) -> bytes:
    """A PNG of one tone, of which `rows` are there."""
    rows = height if rows is None else rows
    body = zlib.compress(bytes((width + 1) * rows))
    chunks = {
        b"IHDR": struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0),
        b"IDAT": body,
        b"IEND": b"",
    }
    parts = [
        struct.pack(">I", len(content))
        + kind
        + content
        + struct.pack(">I", zlib.crc32(kind + content))
        for kind, content in chunks.items()
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def test_the_longest_sides_are_read():
    assert read_photograph(grey_png(MOST_SIDE, 2)).size == (2, MOST_SIDE)
    assert read_photograph(grey_png(2, MOST_SIDE)).size == (MOST_SIDE, 2)


@pytest.mark.parametrize("size", [(49_000_000, 1), (1, MOST_SIDE + 1)])
@pytest.mark.parametrize("read", [read_photograph, read_rgb])
def test_longer_ones_are_a_sentence(tmp_path, read, size):
    path = tmp_path / "line.png"
    path.write_bytes(grey_png(*size, rows=0))
    with pytest.raises(ImageError) as caught:
        read(path)
    said = f"has {size[0]} x {size[1]} pixels; a side may have at most 131072."
    assert str(caught.value) == f"{path} {said}"
    assert not isinstance(caught.value, PixelLimitError)  # for which --max-pixels is advised
    assert inspect(path).problem == f"cannot be read: it {said}"


def test_pillow_images_and_arrays_have_the_same_bound():
    from keras_colorize.imaging.images import photograph_from_pil
    from keras_colorize.inference.given import read_given

    pixels = np.zeros((1, MOST_SIDE + 1), np.uint8)
    said = r"^The picture has 131073 x 1 pixels; a side may have at most 131072\.$"
    with pytest.raises(ImageError, match=said):
        photograph_from_pil(Image.fromarray(pixels))
    with pytest.raises(ImageError, match=said):
        read_given(pixels, 10**9)


def test_too_many_pixels_go_before_too_long_sides():
    with pytest.raises(BoundError, match="more than the limit of 10"):
        check_size(MOST_SIDE + 1, 1, 10)


def test_what_unpacks_to_a_little_more_is_taken():
    check_unpacked(100, 2**26 + 1000)
    with pytest.raises(BoundError, match="would unpack to"):
        check_unpacked(100, 2**26 + 1001)
