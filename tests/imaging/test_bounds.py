"""Files that ask for more than their size says are refused: scans, pages, sides, packed weights."""

import re
import struct
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from keras_colorize.cli.main import main
from keras_colorize.data.folders import inspect
from keras_colorize.imaging.bounds import (
    FEW_SCANS,
    MOST_PAGES,
    MOST_SCANS,
    MOST_SIDE,
    BoundError,
    check_scans,
    check_size,
    check_unpacked,
)
from keras_colorize.imaging.images import (
    ImageError,
    PixelLimitError,
    read_photograph,
    read_rgb,
)
from keras_colorize.imaging.pages import count_pages

Encoded = Callable[..., bytes]


def with_scans(data: bytes, count: int) -> bytes:
    """Repeats the last scan of a progressive JPEG until there are so many."""
    *_, last = re.finditer(rb"\xff\xda", data)
    head, scan = data[: last.start()], data[last.start() : -2]
    return head + scan * (count - head.count(b"\xff\xda")) + data[-2:]


def with_pages(count: int, kind: int, order: str = "<", big: bool = False) -> bytes:
    """A TIFF of pages of one pixel, of which all but the first are of a kind."""
    word, size, entry = ("Q", 8, "HHQHHI") if big else ("I", 4, "HHIHH")
    start = struct.pack(order + "2sH", b"II" if order == "<" else b"MM", 43 if big else 42)
    start += struct.pack(order + "HHQ", 8, 0, 24) + bytes(8) if big else b""
    made = bytearray(start or b"")
    if not big:
        made += struct.pack(order + "II", 16, 0) + bytes(4)
    for page in range(count):
        values = {254: kind if page else 0, 256: 1, 257: 1, 258: 8, 259: 1, 262: 1}
        tags = values | {273: 12 if not big else 16, 277: 1, 278: 1, 279: 1}
        made += struct.pack(order + ("Q" if big else "H"), len(tags))
        for tag, value in tags.items():
            rest = (0, 0) if big else (0,)
            made += struct.pack(order + entry, tag, 3, 1, value, *rest)
        made += struct.pack(order + word, len(made) + size if page < count - 1 else 0)
    return bytes(made)


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


@pytest.mark.parametrize("colors", [1, 3])
def test_a_jpeg_of_many_scans_is_refused(encoded: Encoded, colors: int) -> None:
    shades = np.random.default_rng(0).integers(0, 255, (16, 24, colors), np.uint8).squeeze()
    progressive = encoded(Image.fromarray(shades), "JPEG", progressive=True)
    assert read_photograph(with_scans(progressive, MOST_SCANS)).size == (16, 24)
    for count in (MOST_SCANS + 1, 8000):
        with pytest.raises(
            ImageError, match=r"has more than 100 scans, which no photograph needs."
        ):
            read_photograph(with_scans(progressive, count))


@pytest.mark.parametrize(
    ("width", "height", "most"),
    [(2500, 4000, MOST_SCANS), (10_000, 2000, 50), (9000, 7000, FEW_SCANS), (65535, 65535, 20)],
)
def test_the_more_pixels_a_jpeg_has_the_fewer_scans_it_may_have(
    encoded: Encoded, width: int, height: int, most: int
) -> None:
    progressive = bytearray(encoded(Image.new("RGB", (16, 16), "teal"), "JPEG", progressive=True))
    struct.pack_into(">HH", progressive, progressive.index(b"\xff\xc2") + 5, height, width)
    check_scans(BytesIO(with_scans(progressive, most)))
    with pytest.raises(BoundError, match=f"has more than {most} scans, which no photograph"):
        check_scans(BytesIO(with_scans(progressive, most + 1)))


def test_what_only_looks_like_a_scan_does_not_count(encoded: Encoded) -> None:
    shades = Image.fromarray(np.full((16, 24), 99, np.uint8))
    for progressive in (False, True):
        data = encoded(shades, "JPEG", progressive=progressive, comment=b"\xff\xda" * 500)
        check_scans(BytesIO(data))
    # After the only scan that a decoder takes of these, nothing counts.
    check_scans(BytesIO(with_scans(encoded(shades, "JPEG"), 500)))


@pytest.mark.parametrize(
    "damage", [b"\xff\xd8", b"\xff\xd8\xff", b"\xff\xd8\xff\xda\0", b"\xff" * 99]
)
def test_damaged_jpegs_are_left_to_the_decoder(damage: bytes) -> None:
    check_scans(BytesIO(damage))


@pytest.mark.parametrize("kind", [0, 1, 4])
@pytest.mark.parametrize(("order", "big"), [("<", False), (">", False), ("<", True)])
def test_a_tiff_of_many_pages_is_refused_whatever_they_are(
    kind: int, order: str, big: bool
) -> None:
    with pytest.raises(ImageError, match="has more than 1000 pages; save each"):
        read_photograph(with_pages(MOST_PAGES + 1, kind, order, big))
    few = with_pages(3, kind, order, big)
    if kind:
        assert read_photograph(few).size == (1, 1)
    else:
        with pytest.raises(ImageError, match="has 3 pages"):
            read_photograph(few)


def test_pages_count_even_behind_one_that_is_damaged() -> None:
    pages = bytearray(with_pages(MOST_PAGES + 1, 1))
    second = 16 + 2 + 10 * 12 + 4
    struct.pack_into("<I", pages, second + 2 + 12 + 8, 0)  # it is 0 pixels wide
    with pytest.raises(ImageError, match="more than 1000 pages"):
        read_photograph(bytes(pages))


def test_colorize_refuses_them_in_one_sentence(tmp_path: Path, encoded: Encoded) -> None:
    progressive = encoded(Image.new("L", (24, 16), 99), "JPEG", progressive=True)
    (tmp_path / "scans.jpg").write_bytes(with_scans(progressive, 200))
    (tmp_path / "pages.tif").write_bytes(with_pages(MOST_PAGES + 1, 1))
    for name, words in (("scans.jpg", "100 scans"), ("pages.tif", "more than 1000 pages")):
        result = CliRunner().invoke(main, ["colorize", str(tmp_path / name)])
        assert result.exit_code == 1
        assert words in result.stderr and len(result.stderr.strip().splitlines()) == 1
    assert sorted(file.name for file in tmp_path.iterdir()) == ["pages.tif", "scans.jpg"]


def test_as_many_pages_as_are_allowed_can_be_chosen_from(tmp_path: Path) -> None:
    most, more = tmp_path / "most.tif", tmp_path / "more.tif"
    most.write_bytes(with_pages(MOST_PAGES, 0))
    more.write_bytes(with_pages(MOST_PAGES + 1, 0))
    assert count_pages(most) == MOST_PAGES
    assert read_photograph(most, page=MOST_PAGES).size == (1, 1)
    with pytest.raises(ImageError, match="more than 1000 pages"):
        read_photograph(more, page=1)


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
