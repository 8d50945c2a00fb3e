"""XMP, IPTC and comments go from a photograph to its coloured file, put right."""

import struct
from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from tifffile import imwrite

from keras_colorize.imaging.captions import Captions
from keras_colorize.imaging.images import read_photograph, write_image

GRAY = np.random.default_rng(0).integers(0, 256, (24, 36), dtype=np.uint8)
EXIF = b"Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0"
IPTC = b"\x1c\x02\x78\x00\x0dMarket square"
XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="6" '
    b'tiff:ImageWidth="36" tiff:ImageLength="24"><dc:title>Market</dc:title>'
    b"<exif:PixelXDimension>36</exif:PixelXDimension>"
    b"<exif:PixelYDimension>24</exif:PixelYDimension>"
    b"<xmp:Thumbnails><rdf:Alt>\n<xmpGImg:image>/9j/4AAQ</xmpGImg:image></rdf:Alt>"
    b"</xmp:Thumbnails></rdf:Description></x:xmpmeta>"
)
RIGHT = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="1" '
    b'tiff:ImageWidth="24" tiff:ImageLength="36"><dc:title>Market</dc:title>'
    b"<exif:PixelXDimension>24</exif:PixelXDimension>"
    b"<exif:PixelYDimension>36</exif:PixelYDimension>"
    b"</rdf:Description></x:xmpmeta>"
)


def block(iptc):
    data = b"8BIM" + struct.pack(">HHI", 0x0404, 0, len(iptc)) + iptc + b"\0" * (len(iptc) % 2)
    return b"8BIM\x03\xed\0\0\0\0\0\x02ab" + data


def turned():
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif


def photograph(format):
    stream, image = BytesIO(), Image.fromarray(GRAY)
    if format == "JPEG":
        photoshop = b"Photoshop 3.0\0" + block(IPTC)
        extra = b"\xff\xed" + struct.pack(">H", len(photoshop) + 2) + photoshop
        image.save(stream, "JPEG", exif=turned(), xmp=XMP, comment=b"A comment", extra=extra)
    elif format == "PNG":
        texts = PngInfo()
        texts.add_itxt("XML:com.adobe.xmp", XMP.decode(), zip=True)
        image.save(stream, "PNG", exif=turned(), pnginfo=texts)
    elif format == "WEBP":
        image.save(stream, "WEBP", exif=turned(), xmp=XMP, lossless=True)
    else:
        iptc = (34377, "B", 0, block(IPTC)) if format == "blocks" else (33723, "B", 0, IPTC)
        tags = [(700, "B", len(XMP), XMP, True), (*iptc[:2], len(iptc[3]), iptc[3], True)]
        tags.append((274, "H", 1, 6, True))
        pixels = GRAY.astype(np.uint16) * 257 if format != "blocks" else GRAY
        pixels = np.dstack([pixels] * 3) if format == "deep" else pixels
        kind = "rgb" if format == "deep" else "minisblack"
        imwrite(stream, pixels, photometric=kind, extratags=tags, metadata=None)
    return read_photograph(stream.getvalue())


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF", "deep", "blocks"])
def test_they_are_read_and_put_right(format):
    read = photograph(format)
    assert read.size == (36, 24)
    comment = b"A comment" if format == "JPEG" else None
    iptc = None if format in ("PNG", "WEBP") else IPTC
    assert read.captions == Captions(RIGHT, iptc, comment)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_they_are_written(format):
    written = Captions(RIGHT, IPTC, b"A comment")
    stream = BytesIO()
    rgb = np.dstack([GRAY] * 3)
    write_image(rgb, stream, format=format, captions=written, exif=EXIF)
    read = read_photograph(stream.getvalue()).captions
    assert read.xmp == RIGHT
    if format in ("JPEG", "TIFF"):
        assert read.iptc == IPTC
    if format == "JPEG":
        assert read.comment == b"A comment"
    if format == "PNG":
        with Image.open(BytesIO(stream.getvalue())) as image:
            assert image.text["Comment"] == "A comment"
            assert IPTC.hex() in image.text["Raw profile type iptc"]


def test_nothing_makes_nothing():
    stream = BytesIO()
    write_image(np.dstack([GRAY] * 3), stream, format="JPEG")
    assert read_photograph(stream.getvalue()).captions is None


def test_what_is_too_long_does_not_cost_the_rest():
    stream = BytesIO()
    captions = Captions(b"x" * 70000, IPTC * 5000, b"A comment")
    write_image(np.dstack([GRAY] * 3), stream, format="JPEG", captions=captions, exif=EXIF)
    read = read_photograph(stream.getvalue())
    assert read.captions == Captions(comment=b"A comment")
    assert read.exif is not None


@pytest.mark.parametrize("junk", [b"8BIM", b"8BIM\x04\x04\xff", b"\xff" * 9])
def test_damaged_blocks_do_not_cost_the_picture(junk):
    stream = BytesIO()
    tags = [(34377, "B", len(junk), junk, True)]
    imwrite(stream, GRAY, photometric="minisblack", extratags=tags, metadata=None)
    assert read_photograph(stream.getvalue()).size == (24, 36)
