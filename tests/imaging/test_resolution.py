import struct
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from keras_colorize.imaging.images import photograph_from_pil, read_photograph, write_image

RGB = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)


def encoded(format: str, **options) -> bytes:
    stream = BytesIO()
    Image.fromarray(RGB).save(stream, format, **options)
    return stream.getvalue()


@pytest.mark.parametrize("format", ["JPEG", "PNG", "TIFF", "BMP"])
def test_is_read_and_written(format):
    dpi = read_photograph(encoded(format, dpi=(300, 150))).dpi
    assert dpi == pytest.approx((300, 150), abs=0.05)
    stream = BytesIO()
    write_image(RGB, stream, format=format, dpi=dpi)
    assert Image.open(stream).info["dpi"] == pytest.approx((300, 150), abs=0.05)
    assert read_photograph(stream.getvalue()).dpi == pytest.approx((300, 150), abs=0.05)


def test_goes_with_exif():
    exif = Image.Exif()
    exif[0x010F] = "Maker"
    for format in ("JPEG", "PNG", "TIFF"):
        stream = BytesIO()
        write_image(RGB, stream, format=format, exif=exif.tobytes(), dpi=(300, 150))
        with Image.open(stream) as image:
            assert image.info["dpi"] == pytest.approx((300, 150), abs=0.05)
            assert image.getexif()[0x010F] == "Maker"


def test_of_a_webp_stays_in_its_exif_block():
    stream = BytesIO()
    write_image(RGB, stream, format="WEBP", dpi=(300, 300))
    assert read_photograph(stream.getvalue()).dpi is None


@pytest.mark.parametrize("format", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_none_stays_none(format):
    assert read_photograph(encoded(format)).dpi is None


def test_turns_with_the_picture():
    exif = Image.Exif()
    exif[0x0112] = 6
    data = encoded("JPEG", exif=exif, dpi=(300, 150))
    assert read_photograph(data).dpi == (150, 300)
    assert photograph_from_pil(Image.open(BytesIO(data))).dpi == (150, 300)


@pytest.mark.parametrize("dpi", [(0, 0), (1e9, 1e9), (300, 0), (0.5, 300), (-3, 300)])
def test_what_cannot_be_is_none(dpi):
    image = Image.fromarray(RGB)
    image.info["dpi"] = dpi
    assert photograph_from_pil(image).dpi is None


@pytest.mark.parametrize("dpi", [None, 300, ("x", "y"), (float("nan"),) * 2, (300,), 5j])
def test_what_is_no_resolution_does_not_cost_the_picture(dpi):
    image = Image.fromarray(RGB)
    image.info["dpi"] = dpi
    assert photograph_from_pil(image).dpi is None


def test_a_fraction_over_zero_does_not_cost_the_picture():
    data = bytearray(encoded("TIFF", dpi=(300, 300)))
    whole = struct.pack("<II", 300, 1)
    assert data.count(whole) == 2
    broken = bytes(data).replace(whole, struct.pack("<II", 300, 0))
    assert read_photograph(broken).dpi is None
