"""JPEGs without an end: whole, or with pixels missing, which libjpeg fills in silence."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from keras_colorize.imaging.images import (
    CutShortError,
    ImageError,
    read_photograph,
    read_rgb,
    read_small,
)

Y, X = np.mgrid[0:100, 0:150]
SCENE = np.stack([X * 1.6, Y * 2, (X * Y * 4) % 256], axis=-1).astype(np.uint8)
WAYS = {
    "baseline": {},
    "progressive": {"progressive": True},
    "grey": {},
    "small chroma": {"subsampling": "4:2:0"},
    "restarts": {"restart_marker_rows": 1},
    "optimized": {"optimize": True},
}


def encoded(way, pixels=SCENE):
    stream = BytesIO()
    image = Image.fromarray(pixels)
    image = image.convert("L") if way == "grey" else image
    image.save(stream, "JPEG", **({"quality": 90} | WAYS[way]))
    return stream.getvalue()


@pytest.mark.parametrize("tail", [b"", b"\xff", b"\0\0\0", b"\xff\xd9"])
@pytest.mark.parametrize("way", WAYS)
def test_all_pixels_are_there(way, tail):
    whole = encoded(way)
    assert whole.endswith(b"\xff\xd9")
    assert np.array_equal(read_rgb(whole[:-2] + tail), read_rgb(whole))


@pytest.mark.parametrize("ending", [b"", b"\xff"])
@pytest.mark.parametrize("missing", [20, 200, 1500])
@pytest.mark.parametrize("way", WAYS)
def test_pixels_are_missing(way, missing, ending):
    cut = encoded(way)[:-missing] + ending
    with pytest.raises(CutShortError, match="is damaged or cut short and cannot be decoded"):
        read_photograph(cut)
    assert read_photograph(cut, as_far_as_it_goes=True).size == (100, 150)


@pytest.mark.parametrize("way", ["baseline", "grey", "small chroma", "optimized"])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.7])
def test_an_end_marker_does_not_make_it_whole(way, share):
    """Down to a file that is nothing but a header."""
    whole = encoded(way)
    start = whole.rindex(b"\xff\xda")
    start += 2 + int.from_bytes(whole[start + 2 : start + 4], "big")
    cut = whole[: start + int((len(whole) - start) * share)].rstrip(b"\xff") + b"\xff\xd9"
    with pytest.raises(CutShortError):
        read_photograph(cut)
    assert read_photograph(cut, as_far_as_it_goes=True).size == (100, 150)


def test_a_header_that_claims_much_is_no_grey_picture():
    stream = BytesIO()
    Image.new("L", (16, 16), 90).save(stream, "JPEG")
    data = bytearray(stream.getvalue())
    frame = data.index(b"\xff\xc0")
    data[frame + 5 : frame + 9] = (2000).to_bytes(2, "big") * 2
    with pytest.raises(CutShortError):
        read_photograph(bytes(data))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("margin", [8, 64, 100])
def test_white_margins_are_whole(way, margin):
    pixels = SCENE.copy()
    pixels[-margin:] = 255
    assert read_rgb(encoded(way, pixels) + b"what cameras append \xff\xd9").shape == pixels.shape


def test_pictures_smaller_than_a_block():
    for height, width in ((1, 1), (3, 50), (9, 2)):
        assert read_rgb(encoded("baseline", SCENE[:height, :width])).shape == (height, width, 3)


def test_what_has_no_pixels_at_all_is_damaged():
    whole = encoded("baseline")
    with pytest.raises(ImageError):
        read_photograph(whole[: whole.index(b"\xff\xda")], as_far_as_it_goes=True)


def test_training_leaves_them_out_or_sees_grey():
    rgb, turn = read_small(encoded("baseline"), 32)
    assert (rgb.shape, turn) == ((50, 75, 3), 1)
