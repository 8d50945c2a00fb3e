"""What TIFF has that Pillow leaves to its callers: white that is 0, 12 bits, pages."""

import struct

import numpy as np
import pytest

from keras_colorize.imaging.color import gray_to_lightness
from keras_colorize.imaging.images import ImageError, photograph_from_pil, read_photograph

GRAY = (np.arange(24 * 36).reshape(24, 36) * 75).astype(np.uint16)
REDUCED, PAGE, MASK = 1, 2, 4


def packed(values: np.ndarray, bits: int) -> bytes:
    if bits == 12:  # two pixels in three bytes
        even, odd = values[:, ::2].astype(int), values[:, 1::2].astype(int)
        triples = np.stack([even >> 4, (even & 15) << 4 | odd >> 8, odd & 255], axis=-1)
        return triples.astype(np.uint8).tobytes()
    return values.astype(f"<u{bits // 8}").tobytes()


def page(values: np.ndarray, *, bits: int = 16, photometric: int = 1, kind: int = 0) -> tuple:
    height, width = values.shape
    tags = {254: kind, 256: width, 257: height, 258: bits, 259: 1, 262: photometric, 278: height}
    return tags, packed(values, bits)


def tiff(*pages: tuple) -> bytes:
    """A little-endian TIFF by hand: kinds of pages that Pillow does not write."""
    data, link = b"II*\0" + bytes(4), 4
    for tags, strip in pages:
        tags = tags | {273: len(data), 279: len(strip)}
        data += strip
        directory = struct.pack("<H", len(tags))
        for tag, value in sorted(tags.items()):
            directory += struct.pack("<HHII", tag, 4, 1, value)
        data = data[:link] + struct.pack("<I", len(data)) + data[link + 4 :] + directory
        link = len(data)
        data += bytes(4)
    return data


def test_16_bits_whose_white_is_0():
    expected = gray_to_lightness(GRAY)
    data = tiff(page(65535 - GRAY, photometric=0))
    assert np.array_equal(read_photograph(data).lightness, expected)


def test_a_pillow_image_whose_white_is_0(tmp_path):
    from PIL import Image

    path = tmp_path / "negative.tif"
    path.write_bytes(tiff(page(65535 - GRAY, photometric=0)))
    with Image.open(path) as image:
        assert np.array_equal(photograph_from_pil(image).lightness, gray_to_lightness(GRAY))


def test_12_bits_reach_from_black_to_white():
    values = np.linspace(0, 4095, GRAY.size).reshape(GRAY.shape).astype(np.uint16)
    lightness = read_photograph(tiff(page(values, bits=12))).lightness
    np.testing.assert_allclose(lightness, gray_to_lightness(values / 4095), atol=0.01)
    assert (lightness.min(), lightness.max()) == (0, pytest.approx(100, abs=0.01))


def test_several_pages_are_refused(tmp_path):
    path = tmp_path / "album.tif"
    path.write_bytes(tiff(page(GRAY, kind=PAGE), page(GRAY // 2, kind=PAGE), page(GRAY)))
    with pytest.raises(ImageError) as caught:
        read_photograph(path)
    assert str(caught.value) == f"{path} has 3 pages."


@pytest.mark.parametrize("kinds", [[0], [0, REDUCED], [REDUCED, 0], [0, MASK, REDUCED | MASK]])
def test_reduced_copies_and_masks_are_no_pages(kinds):
    pages = [page(GRAY if kind == 0 else GRAY[:9, :9] // 3, kind=kind) for kind in kinds]
    assert np.array_equal(read_photograph(tiff(*pages)).lightness, gray_to_lightness(GRAY))


def test_a_file_of_nothing_but_reduced_images_gives_its_first():
    data = tiff(page(GRAY, kind=REDUCED), page(GRAY[:9], kind=REDUCED))
    assert read_photograph(data).size == GRAY.shape


@pytest.mark.parametrize("link", [0xFFFFFF00, 2])
def test_a_damaged_further_page_does_not_cost_the_first(link):
    data = tiff(page(GRAY))[:-4] + struct.pack("<I", link)
    assert np.array_equal(read_photograph(data).lightness, gray_to_lightness(GRAY))


def test_pages_in_a_circle_are_counted_once():
    data = bytearray(tiff(page(GRAY), page(GRAY)))
    data[-4:] = data[4:8]
    with pytest.raises(ImageError, match="has 2 pages"):
        read_photograph(bytes(data))


def test_so_many_pages_are_not_counted():
    data = tiff(*[page(GRAY[:1, :1])] * 1100)
    with pytest.raises(ImageError, match="has more than 1000 pages"):
        read_photograph(data)
