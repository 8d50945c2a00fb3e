import os
from io import BytesIO

import numpy as np
import pytest
import tifffile
from PIL import Image

from keras_colorize.imaging.images import ImageError, read_photograph, read_rgb, write_image

RGB = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
ALPHA = np.linspace(0, 255, 600).reshape(20, 30).astype(np.uint8)


def smooth(height: int = 64, width: int = 96) -> np.ndarray:
    y, x = np.mgrid[0:height, 0:width]
    return np.stack([x * 2, y * 3, 255 - x - y], axis=-1).astype(np.uint8)


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.TIFF", "a.bmp"])
def test_lossless(tmp_path, name):
    write_image(RGB, tmp_path / name)
    assert np.array_equal(read_rgb(tmp_path / name), RGB)
    assert os.listdir(tmp_path) == [name]


@pytest.mark.parametrize(
    ("name", "format"),
    [
        ("a.jpg", "JPEG"),
        ("a.jpeg", "JPEG"),
        ("a.JPE", "JPEG"),
        ("a.jfif", "JPEG"),
        ("a.webp", "WEBP"),
    ],
)
def test_lossy(tmp_path, name, format):
    write_image(smooth(), str(tmp_path / name))
    assert read_photograph(tmp_path / name).format == format
    assert np.abs(read_rgb(tmp_path / name).astype(int) - smooth()).mean() < 3


@pytest.mark.parametrize("format", ["JPEG", "PNG", "TIFF", "WEBP", "BMP", "jpg", "jfif", "tif"])
def test_streams(format):
    stream = BytesIO()
    write_image(smooth(), stream, format=format, alpha=None)
    data = stream.getvalue()
    assert np.abs(read_rgb(data).astype(int) - smooth()).mean() < 3


def test_format_overrules_the_suffix(tmp_path):
    write_image(RGB, tmp_path / "a.jpg", format="PNG")
    assert read_photograph(tmp_path / "a.jpg").format == "PNG"


@pytest.mark.parametrize(("quality", "sampling"), [(95, (1, 1)), (90, (1, 1)), (80, (2, 2))])
def test_jpeg_keeps_colour_at_full_resolution_when_good(quality, sampling):
    stream = BytesIO()
    write_image(smooth(), stream, format="JPEG", quality=quality)
    layers = Image.open(stream).layer
    assert (layers[0][1], layers[0][2]) == sampling


def test_quality_costs_bytes():
    sizes = []
    for quality in (50, 80, 95):
        stream = BytesIO()
        write_image(RGB, stream, format="JPEG", quality=quality)
        sizes.append(len(stream.getvalue()))
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[2]


@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_alpha_is_kept(format):
    stream = BytesIO()
    write_image(RGB, stream, format=format, alpha=ALPHA)
    assert np.array_equal(np.asarray(Image.open(stream)), np.dstack([RGB, ALPHA]))


@pytest.mark.parametrize("format", ["JPEG", "BMP"])
def test_alpha_without_a_place_is_over_white(format):
    flat = np.full((16, 16, 3), 100, np.uint8)
    stream = BytesIO()
    write_image(flat, stream, format=format, alpha=np.full((16, 16), 51, np.uint8))
    image = Image.open(stream)
    assert image.mode == "RGB"
    assert np.abs(np.asarray(image).astype(int) - (100 * 51 + 255 * 204) / 255).max() <= 1


@pytest.mark.parametrize("format", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_exif_is_kept(format):
    exif = Image.Exif()
    exif[0x010F] = "Maker"
    exif[0x0112] = 1
    exif.get_ifd(0x8769)[0x9003] = "1936:03:01 12:00:00"
    stream = BytesIO()
    write_image(RGB, stream, format=format, exif=exif.tobytes())
    kept = Image.Exif()
    kept.load(read_photograph(stream.getvalue()).exif)
    assert kept[0x010F] == "Maker"
    assert kept.get_ifd(0x8769)[0x9003] == "1936:03:01 12:00:00"


@pytest.mark.parametrize(
    "exif", [b"Exif\0\0" + bytes(70000), b"Exif\0\0II*\0\x08\0\0\0\xff\xff", b"??"]
)
@pytest.mark.parametrize("format", ["JPEG", "PNG", "TIFF", "WEBP", "BMP"])
def test_bad_exif_does_not_cost_the_picture(format, exif):
    stream = BytesIO()
    write_image(smooth(), stream, format=format, exif=exif)
    assert np.abs(read_rgb(stream.getvalue()).astype(int) - smooth()).mean() < 3


def test_unknown_formats():
    with pytest.raises(ImageError, match=r"^/x/a\.xyz names no format to write: JPEG, .*BMP\.$"):
        write_image(RGB, "/x/a.xyz")
    with pytest.raises(ImageError, match="GIF names no format"):
        write_image(RGB, BytesIO(), format="GIF")
    with pytest.raises(ImageError, match="needs a format"):
        write_image(RGB, BytesIO())


@pytest.mark.parametrize(("format", "side"), [("JPEG", 65536), ("WEBP", 16384)])
def test_too_long_a_side(format, side):
    with pytest.raises(ImageError, match=rf"{format} holds at most {side - 1} pixels a side"):
        write_image(np.zeros((1, side, 3), np.uint8), BytesIO(), format=format)


@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize("size", [(1, 1), (40, 60), (700, 501)])
def test_tiff_is_packed_without_loss_and_keeps_all_metadata(size, alpha):
    y, x = np.mgrid[: size[0], : size[1]]
    rgb = np.stack([x, y, x + y], axis=-1).astype(np.uint8)
    mask = (x * 3).astype(np.uint8) if alpha else None
    exif = Image.Exif()
    exif[0x010F] = "Camera"
    exif.get_ifd(0x8769)[0x9003] = "1930:01:01 00:00:00"
    stream = BytesIO()
    write_image(rgb, stream, format="TIFF", alpha=mask, exif=exif.tobytes(), dpi=(300, 200))
    expected = rgb if mask is None else np.dstack([rgb, mask])
    for pixels in (np.asarray(Image.open(stream)), tifffile.imread(BytesIO(stream.getvalue()))):
        assert np.array_equal(pixels, expected)
    with Image.open(stream) as image:
        assert image.info["compression"] == "tiff_adobe_deflate"
        assert image.info["dpi"] == (300, 200)
        assert image.getexif()[0x010F] == "Camera"
        assert image.getexif().get_ifd(0x8769)[0x9003] == "1930:01:01 00:00:00"
    if size[0] == 700:
        assert len(stream.getvalue()) < expected.nbytes / 10
