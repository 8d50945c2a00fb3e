"""Kinds of TIFF that a library may take for others: each gives its picture, or a true sentence."""

import os
import subprocess
import sys
from io import BytesIO

import cv2
import numpy as np
import pytest
from tifffile import TiffWriter, imwrite

from keras_colorize.imaging.color import gray_to_lightness
from keras_colorize.imaging.images import ImageError, read_photograph, read_rgb

Y, X = np.mgrid[0:40, 0:70]
RGB = np.stack([X * 3, Y * 6, 255 - X - Y], axis=-1).astype(np.uint8)
GRAY = RGB[..., 1] // 2 + RGB[..., 0] // 2
ALPHA = np.where(X < 30, 128, 255).astype(np.uint8)
EXTRA = (X * 97 % 256).astype(np.uint8)
OPTIONS = {"little": {}, "big": {"byteorder": ">"}, "BigTIFF": {"bigtiff": True}}
OPTIONS["big BigTIFF"] = OPTIONS["big"] | OPTIONS["BigTIFF"]
OPTIONS["strips"] = {"rowsperstrip": 7}
OPTIONS["tiles"] = {"tile": (16, 32)}
OPTIONS["Deflate"] = {"compression": "zlib", "rowsperstrip": 9}
OPTIONS["differences"] = {"compression": "zlib", "predictor": 2, "byteorder": ">"}
OPTIONS["tiled differences"] = OPTIONS["tiles"] | OPTIONS["differences"]


def written(pixels, **options):
    stream = BytesIO()
    imwrite(stream, pixels, **({"photometric": "rgb"} | options))
    return stream.getvalue()


def planes(pixels):
    return np.moveaxis(pixels, 2, 0)


def deep(pixels):
    return pixels.astype(np.uint16) * 257


@pytest.mark.parametrize("planar", [False, True])
@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_colour(dtype, option, planar):
    pixels = RGB if dtype == np.uint8 else deep(RGB)
    layout = {"planarconfig": "separate" if planar else "contig"}
    data = written(planes(pixels) if planar else pixels, **layout, **OPTIONS[option])
    assert np.array_equal(read_rgb(data), RGB)


@pytest.mark.parametrize("planar", [False, True])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize(
    "kinds",
    [["unspecified"], ["unspecified", "unassalpha"], ["unassalpha", "unspecified"], ["unassalpha"]],
)
def test_extra_channels(kinds, dtype, planar):
    further = [ALPHA if kind == "unassalpha" else EXTRA for kind in kinds]
    pixels = np.dstack([RGB, *further])
    pixels = pixels if dtype == np.uint8 else deep(pixels)
    layout = {"planarconfig": "separate" if planar else "contig", "extrasamples": kinds}
    photograph = read_photograph(written(planes(pixels) if planar else pixels, **layout))
    expected = read_photograph(written(RGB if dtype == np.uint8 else deep(RGB)))
    assert np.array_equal(photograph.lightness, expected.lightness)
    if "unassalpha" in kinds:
        assert np.array_equal(photograph.alpha, ALPHA)
    else:
        assert photograph.alpha is None


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 3])
def test_premultiplied_alpha(channels, dtype):
    pixels = RGB if channels == 3 else GRAY[..., None]
    most = np.iinfo(dtype).max
    pixels, alpha = (each.astype(np.float64) / 255 * most for each in (pixels, ALPHA[..., None]))
    stored = np.rint(np.dstack([pixels * alpha / most, alpha])).astype(dtype)
    kind = {"photometric": "rgb" if channels == 3 else "minisblack", "extrasamples": ["assocalpha"]}
    photograph = read_photograph(written(stored, **kind))
    assert np.array_equal(photograph.alpha, ALPHA)
    expected = read_photograph(written(RGB) if channels == 3 else gray_of(GRAY, 8))
    assert np.abs(photograph.lightness - expected.lightness).max() < 0.6


def gray_of(values, bits, **options):
    """Grey of any bits, packed by hand: `values` are of 8 bits."""
    scaled = np.rint(values / 255 * (2**bits - 1)).astype(np.uint16)
    digits = (scaled[..., None] >> np.arange(bits - 1, -1, -1)) & 1
    rows = np.packbits(digits.reshape(len(values), -1).astype(np.uint8), axis=1)
    data = bytearray(written(rows, photometric="minisblack", metadata=None, **options))
    at = 8
    for k in range(int.from_bytes(data[at : at + 2], "little")):
        entry = at + 2 + 12 * k
        tag = int.from_bytes(data[entry : entry + 2], "little")
        if tag in (256, 258):
            size = values.shape[1] if tag == 256 else bits
            data[entry + 2 : entry + 12] = b"\3\0\1\0\0\0" + size.to_bytes(4, "little")
    return bytes(data)


@pytest.mark.parametrize("option", [{}, {"compression": "zlib"}, {"rowsperstrip": 11}])
@pytest.mark.parametrize("bits", [2, 3, 6, 9, 10, 12, 14, 15])
def test_grey_of_any_bits(bits, option):
    photograph = read_photograph(gray_of(GRAY, bits, **option))
    tones = np.rint(GRAY / 255 * (2**bits - 1)) / (2**bits - 1)
    assert np.abs(photograph.lightness - gray_to_lightness(tones)).max() < 0.3


@pytest.mark.parametrize("dtype", [np.int8, np.int16])
@pytest.mark.parametrize("kind", ["minisblack", "rgb"])
def test_signed(kind, dtype):
    bits = np.iinfo(dtype).bits
    pixels = (RGB if kind == "rgb" else GRAY).astype(np.int32)
    pixels = pixels if bits == 8 else pixels * 257
    data = written((pixels - 2 ** (bits - 1)).astype(dtype), photometric=kind)
    assert np.array_equal(read_rgb(data), RGB if kind == "rgb" else np.dstack([GRAY] * 3))


WIDE = {
    "u4": RGB.astype(np.uint32) * 0x01010101,
    "i4": (RGB.astype(np.int64) * 0x01010101 - 2**31).astype(np.int32),
} | {kind: (RGB / 255).astype(kind) for kind in ("f2", "f4", "f8")}


@pytest.mark.parametrize("option", [*list(OPTIONS)[3:7], "separate planes"])
@pytest.mark.parametrize("kind", WIDE)
def test_floating_point_and_32_bits(kind, option):
    planar = option not in OPTIONS
    pixels = planes(WIDE[kind]) if planar else WIDE[kind]
    options = {"planarconfig": "separate"} if planar else OPTIONS[option]
    assert np.array_equal(read_rgb(written(pixels, **options)), RGB)


@pytest.mark.parametrize("predictor", [2, 3])
def test_differences_of_floating_point_numbers(predictor):
    options = [cv2.IMWRITE_TIFF_COMPRESSION, 8, cv2.IMWRITE_TIFF_PREDICTOR, predictor]
    data = cv2.imencode(".tif", WIDE["f4"][..., ::-1], options)[1].tobytes()
    assert b"\x3d\1\3\0\1\0\0\0" + bytes([predictor]) in data  # the tag
    assert np.array_equal(read_rgb(data), RGB)


@pytest.mark.parametrize(
    ("dtype", "kind", "black", "white"),
    [("f4", "f", -3, 12), ("f8", "d", 0, 1e9), ("u4", "I", 0, 4000), ("i4", "i", -900, 900)],
)
def test_the_ends_of_the_range_that_a_file_names(dtype, kind, black, white):
    values = RGB / 255 * (white - black) + black
    values = (values.round() if dtype[1:] == "4" and kind != "f" else values).astype(dtype)
    tags = [(340, kind, 1, black, True), (341, kind, 1, white, True)]
    assert np.abs(read_rgb(written(values, extratags=tags)).astype(int) - RGB).max() <= 0
    # Ends that make no range are as none.
    tags = [(340, kind, 1, 5, True), (341, kind, 1, 5, True)]
    assert np.array_equal(read_rgb(written(WIDE[dtype], extratags=tags)), RGB)


def test_sharpened_floating_point_is_cut_at_its_ends():
    pixels = (RGB / 255 * 1.018 - 0.009).astype(np.float32)
    expected = np.clip(RGB * 1.018 - 0.009 * 255, 0, 255)
    assert np.abs(read_rgb(written(pixels)) - expected).max() <= 0.51


@pytest.mark.parametrize("highest", [255, 65535])
@pytest.mark.parametrize("option", [{}, {"compression": "zlib"}, {"tile": (16, 32)}])
def test_palettes(option, highest):
    table = np.stack([np.arange(256), np.arange(256)[::-1], np.full(256, 90)])
    indices = GRAY.astype(np.uint8)
    scaled = (table * (highest // 255)).astype(np.uint16)
    data = written(indices, photometric="palette", colormap=scaled, **option)
    assert np.array_equal(read_rgb(data), table.T[indices])


def test_cmyk_with_further_channels():
    ink = np.dstack([255 - RGB, np.zeros_like(GRAY)])
    for dtype in (np.uint8, np.uint16):
        for kind in ("unassalpha", "unspecified"):
            pixels = np.dstack([ink, ALPHA])
            pixels = pixels if dtype == np.uint8 else deep(pixels)
            data = written(pixels, photometric="separated", extrasamples=[kind])
            photograph = read_photograph(data)
            assert (photograph.alpha is not None) == (kind == "unassalpha")
            expected = read_photograph(written(RGB)).lightness
            assert np.abs(photograph.lightness - expected).max() < 0.6


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["B", "H", "I"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_orientations_of_any_type(dtype, kind, orientation):
    from keras_colorize.imaging.exif import upright

    pixels = RGB if dtype == np.uint8 else deep(RGB)
    data = written(pixels, extratags=[(274, kind, 1, orientation, True)])
    assert np.array_equal(read_rgb(data), upright(RGB, orientation))


@pytest.mark.parametrize(
    ("pixels", "options", "sentence"),
    [
        (RGB.astype(np.float32), {}, "has floating-point pixels from 0 to 255 instead of 0 to 1;"),
        (RGB / 250 - 0.5, {}, "has floating-point pixels from -0.5 to 0.52 instead of 0 to 1;"),
        (np.where(Y[..., None] < 3, np.nan, RGB / 255), {}, "has pixels that are infinite or no"),
        (
            np.where(X > 3, np.inf, GRAY),
            {"photometric": 1},
            "has pixels that are infinite or no numbers",
        ),
        (RGB.astype(np.uint32), {}, "has only a part of the range of 32-bit pixels; save it with"),
        (RGB.astype(np.int32) << 22, {}, "has only a part of the range of 32-bit pixels; save it"),
        (RGB.astype(np.complex64), {}, "has 3 samples of 64 bits .* not supported"),
        (np.dstack([RGB / 255] * 2), {}, "has 6 samples of 64 bits .* not supported"),
        (GRAY.astype(np.uint64), {"photometric": 1}, "has 64 bits a channel; save it with 8 or 16"),
        (deep(RGB), {"photometric": "cielab"}, ".* photometric interpretation 8 .* not supported"),
        (np.dstack([RGB] * 6), {"photometric": "rgb"}, "has 18 samples of 8 bits .* not supported"),
    ],
)
def test_what_is_not_supported_is_said_truly(pixels, options, sentence):
    with pytest.raises(ImageError, match=f"^The picture {sentence}.*\\.$"):
        read_photograph(written(pixels, **options))


def raw(tag=None, photometric=32803, deeper=True):
    """A preview with the photograph in a SubIFD, as cameras write."""
    stream = BytesIO()
    with TiffWriter(stream) as writer:
        extra = [(tag, "B", 4, (1, 4, 0, 0), True)] if tag else []
        below = {"subifds": 1} if deeper else {}
        writer.write(RGB, photometric="rgb", subfiletype=1, extratags=extra, metadata=None, **below)
        if deeper:
            large = np.repeat(np.repeat(deep(GRAY), 4, axis=0), 4, axis=1)
            cells = [(33421, "H", 2, (2, 2), True)] if photometric == 32803 else []
            writer.write(large, photometric=photometric, extratags=cells, metadata=None)
    return stream.getvalue()


@pytest.mark.parametrize(
    "data",
    [raw(50706), raw(), raw(50706, deeper=False), b"II*\0\x10\0\0\0CR\2\0" + bytes(4) + raw()[8:]],
)
def test_raw_files_are_not_coloured_as_their_previews(tmp_path, data):
    path = tmp_path / "photograph.tif"
    path.write_bytes(data)
    with pytest.raises(ImageError) as caught:
        read_photograph(path)
    sentence = "is a camera's raw file; develop it first, and colour the JPEG or TIFF."
    assert str(caught.value) == f"{path} {sentence}"


def test_a_small_copy_of_a_picture_elsewhere_is_not_taken_for_it():
    with pytest.raises(ImageError, match="a small copy of a picture in a SubIFD"):
        read_photograph(raw(photometric=1))


READ = """
import hashlib, sys
from keras_colorize.imaging.color import gray_to_lightness
from keras_colorize.imaging.images import ImageError, read_photograph
for path in sys.argv[1:]:
    for _ in range(2):
        try:
            read = read_photograph(path)
            alpha = b"" if read.alpha is None else read.alpha.tobytes()
            print(path, hashlib.sha256(read.lightness.tobytes() + alpha).hexdigest())
        except ImageError as error:
            print(error)
"""


def test_no_pixel_is_what_the_memory_held_before(tmp_path, repository):
    """With freed and new memory full of one number, and then of another, all is the same."""
    paths = sorted((repository / "tests/data/cases").iterdir())
    for name in OPTIONS:
        for planar in (False, True):
            for dtype in (np.uint8, np.uint16, np.float32):
                if dtype == np.float32 and "differences" in name:  # tifffile writes none
                    continue
                pixels = RGB.astype(dtype) if dtype != np.float32 else WIDE["f4"]
                layout = {"planarconfig": "separate" if planar else "contig"}
                path = tmp_path / f"{name}-{planar}-{np.dtype(dtype)}.tif"
                pixels = planes(pixels) if planar else pixels
                path.write_bytes(written(pixels, **layout, **OPTIONS[name]))
                whole = path.read_bytes()
                cut = tmp_path / f"cut-{path.name}"
                cut.write_bytes(whole[: len(whole) * 2 // 3])
                paths += [path, cut]
    said = [
        subprocess.run(
            [sys.executable, "-c", READ, *map(str, paths)],
            env=os.environ | {"MALLOC_PERTURB_": number},
            stdout=subprocess.PIPE,
            check=True,
            text=True,
        ).stdout.splitlines()
        for number in ("90", "165")
    ]
    assert said[0] == said[1]
    assert said[0][::2] == said[0][1::2]
    assert len(said[0]) == 2 * len(paths)
