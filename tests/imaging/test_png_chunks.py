"""PNG: what stands beside the picture does not cost it, and gAMA is what browsers take it for."""

import struct
import zlib
from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageCms

from keras_colorize.imaging.color import gray_to_lightness, rgb_to_lightness
from keras_colorize.imaging.images import ImageError, read_photograph

GRAY = np.arange(30 * 40, dtype=np.uint32).reshape(30, 40)
GRAY = (GRAY * 255 // GRAY.max()).astype(np.uint8)
RGB = np.dstack([GRAY, GRAY[::-1], 255 - GRAY])
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def chunk(kind, content, damage=0):
    check = zlib.crc32(kind + content) ^ damage
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)


def png(*chunks, pixels=GRAY, **options):
    stream = BytesIO()
    Image.fromarray(pixels).save(stream, "PNG", **options)
    data = stream.getvalue()
    return data[:33] + b"".join(chunks) + data[33:]


def test_every_kind_of_chunk_beside_the_picture_may_be_damaged():
    for kind in (b"pHYs", b"gAMA", b"cHRM", b"tEXt", b"zTXt", b"iTXt", b"iCCP", b"tIME", b"eXIf"):
        for content, damage in ((b"some content", 1), (b"", 0)):
            data = png(chunk(kind, content, damage))
            assert np.array_equal(read_photograph(data).lightness, gray_to_lightness(GRAY))


def test_what_the_picture_needs_may_not():
    data = bytearray(png())
    data[data.index(b"IDAT") + 8] ^= 1
    with pytest.raises(ImageError, match="damaged"):
        read_photograph(bytes(data))


BOMB = zlib.compress(b"a" * 20_000_000)
LONG = [
    chunk(b"zTXt", b"Comment\0\0" + zlib.compress(b"a" * 3_000_000)),
    chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(b"<x/>" + b" " * 2_000_000)),
    chunk(b"zTXt", b"Comment\0\0" + BOMB),
    chunk(b"zTXt", b"Comment\0\0no zlib at all"),
    chunk(b"iTXt", b"Comment\0\1"),
    chunk(b"iCCP", b"none\0\0" + BOMB),
]


@pytest.mark.parametrize("beside", LONG)
def test_long_texts_and_profiles(beside):
    photograph = read_photograph(png(beside))
    assert np.array_equal(photograph.lightness, gray_to_lightness(GRAY))
    if b"adobe" in beside:
        assert photograph.captions.xmp.startswith(b"<x/>")


def test_many_texts_together():
    text = chunk(b"zTXt", b"Comment\0\0" + zlib.compress(b"a" * 1_000_000))
    assert read_photograph(png(*[text] * 40)).size == GRAY.shape


def test_a_long_profile_is_applied():
    """One of linear light, with some megabytes that nothing refers to."""
    profile = bytearray(SRGB)
    long = bytes(profile) + bytes(2_000_000)
    long = struct.pack(">I", len(long)) + long[4:]
    data = png(chunk(b"iCCP", b"long\0\0" + zlib.compress(long)), pixels=RGB)
    expected = read_photograph(png(pixels=RGB, icc_profile=SRGB)).lightness
    assert np.abs(read_photograph(data).lightness - expected).max() < 0.5


def gamma(value):
    return chunk(b"gAMA", struct.pack(">I", round(value * 100_000)))


@pytest.mark.parametrize("value", [1.0, 1 / 1.8, 0.25])
@pytest.mark.parametrize("kind", ["grey", "colour", "palette", "alpha", "deep"])
def test_gamma_is_applied(kind, value):
    pixels = {"grey": GRAY, "deep": GRAY.astype(np.uint16) * 257}.get(kind, RGB)
    stored = pixels
    if kind == "alpha":
        stored = np.dstack([RGB, np.full_like(GRAY, 9)])
    data = png(gamma(value), pixels=stored)
    if kind == "palette":
        stream = BytesIO()
        image = Image.fromarray(RGB).quantize(64)
        pixels = np.asarray(image.convert("RGB"))
        image.save(stream, "PNG")
        data = stream.getvalue()[:33] + gamma(value) + stream.getvalue()[33:]
    light = (pixels / np.iinfo(pixels.dtype).max) ** (1 / value)
    codes = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    to_lightness = gray_to_lightness if pixels.ndim == 2 else rgb_to_lightness
    expected = to_lightness(np.rint(codes * 65535).astype(np.uint16))
    photograph = read_photograph(data)
    assert np.abs(photograph.lightness - expected).max() < 0.5
    assert kind != "alpha" or (photograph.alpha == 9).all()


@pytest.mark.parametrize(
    "beside",
    [
        [gamma(1 / 2.2)],
        [gamma(0.46)],
        [gamma(0)],
        [gamma(0.00001)],
        [gamma(1.0), chunk(b"sRGB", b"\0")],
        [gamma(1.0), chunk(b"cICP", b"\1\x0d\0\1")],
        [gamma(1.0), chunk(b"iCCP", b"sRGB\0\0" + zlib.compress(SRGB))],
        [chunk(b"gAMA", struct.pack(">I", 100_000), damage=1)],
        [chunk(b"gAMA", b"\0\1")],
    ],
)
def test_gamma_that_says_nothing_new_is_ignored(beside):
    photograph = read_photograph(png(*beside, pixels=RGB))
    assert np.array_equal(photograph.lightness, rgb_to_lightness(RGB))


@pytest.mark.parametrize("opacity", [0, 1])
def test_a_bmp_of_nothing_but_transparency_is_opaque(opacity):
    height, width = GRAY.shape
    rgba = np.dstack([RGB[..., ::-1], np.zeros_like(GRAY)])
    rgba[0, 0, 3] = opacity
    masks = struct.pack("<4I", 0xFF0000, 0xFF00, 0xFF, 0xFF000000) + b"BGRs" + bytes(48)
    info = struct.pack("<IiiHHIIiiII", 108, width, -height, 1, 32, 3, 0, 0, 0, 0, 0) + masks
    info = info[:108]
    start = 14 + len(info)
    head = b"BM" + struct.pack("<IHHI", start + rgba.size, 0, 0, start)
    photograph = read_photograph(head + info + rgba.tobytes())
    assert np.array_equal(photograph.lightness, rgb_to_lightness(RGB))
    assert (photograph.alpha is None) == (not opacity)
