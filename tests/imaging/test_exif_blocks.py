"""The EXIF block of a turned photograph: upright, with its sizes, without its grey thumbnail."""

from io import BytesIO

import numpy as np
import piexif
import pytest
from PIL import Image
from tifffile import imwrite

from keras_colorize.imaging.images import read_photograph, write_image

GRAY = np.random.default_rng(0).integers(0, 256, (24, 36), dtype=np.uint8)


def thumbnail():
    stream = BytesIO()
    Image.fromarray(GRAY).save(stream, "JPEG")
    return stream.getvalue()


def block(orientation, order):
    data = piexif.dump(
        {
            "0th": {0x0112: orientation, 0x010F: b"Camera"},
            "Exif": {0xA002: 36, 0xA003: 24, 0x9003: b"1930:01:01 00:00:00"},
            "GPS": {1: b"N"},
            "1st": {0x0103: 6, 0x0112: orientation},
            "thumbnail": thumbnail(),
        }
    )
    assert data[6:8] == b"MM"
    return data


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_thumbnail_orientation_and_sizes(orientation, format):
    stream = BytesIO()
    Image.fromarray(GRAY).save(stream, format, exif=block(orientation, "MM"))
    read = read_photograph(stream.getvalue())
    assert b"\xff\xd8\xff" not in read.exif
    result = BytesIO()
    height, width = read.size
    write_image(np.zeros((height, width, 3), np.uint8), result, format=format, exif=read.exif)
    with Image.open(BytesIO(result.getvalue())) as image:
        exif = image.getexif()
        inner = exif.get_ifd(0x8769)
        assert (exif[0x0112], exif[0x010F]) == (1, "Camera")
        assert (inner[0xA002], inner[0xA003]) == (width, height)
        assert inner[0x9003] == "1930:01:01 00:00:00"
        assert exif.get_ifd(0x8825)[1] == "N"
        assert exif.get_ifd(1) == {}


def test_a_thumbnail_before_other_data_is_blanked():
    """Then what follows stays where its offsets say."""
    data = bytearray(block(6, "MM"))
    data += b"maker notes"
    stream = BytesIO()
    Image.fromarray(GRAY).save(stream, "JPEG", exif=bytes(data))
    exif = read_photograph(stream.getvalue()).exif
    assert len(exif) == len(data)
    assert exif.endswith(b"maker notes")
    assert b"\xff\xd8\xff" not in exif


@pytest.mark.parametrize("seed", range(40))
def test_damaged_blocks_cost_no_picture(seed):
    random = np.random.default_rng(seed)
    data = bytearray(block(6, "MM"))
    for _ in range(random.integers(1, 6)):
        data[random.integers(6, 200)] = random.integers(256)
    stream = BytesIO()
    Image.fromarray(GRAY).save(stream, "JPEG", exif=bytes(data[: random.integers(20, len(data))]))
    assert sorted(read_photograph(stream.getvalue()).size) == [24, 36]


@pytest.mark.parametrize("format", ["JPEG", "TIFF"])
def test_an_orientation_of_type_byte(format):
    raw = b"II*\0\x08\0\0\0\x01\0\x12\x01\x01\0\x01\0\0\0\x06\0\0\0\0\0\0\0"
    stream = BytesIO()
    if format == "JPEG":
        Image.fromarray(GRAY).save(stream, "JPEG", exif=b"Exif\0\0" + raw)
    else:
        tags = [(274, "B", 1, 6, True)]
        imwrite(stream, GRAY, photometric="minisblack", extratags=tags, metadata=None)
    read = read_photograph(stream.getvalue())
    assert read.size == (36, 24)
