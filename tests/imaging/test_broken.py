import errno
import os
import struct
import sys
import zlib
from io import BytesIO, FileIO

import cv2
import numpy as np
import pytest
from PIL import Image

from keras_colorize.imaging import decoding
from keras_colorize.imaging.images import (
    ImageError,
    PixelLimitError,
    photograph_from_pil,
    read_photograph,
    read_rgb,
)


def scene() -> np.ndarray:
    y, x = np.mgrid[0:40, 0:60]
    return np.stack([x * 4, y * 6, (x * y) % 256], axis=-1).astype(np.uint8)


def encoded(format: str, **options) -> bytes:
    stream = BytesIO()
    Image.fromarray(scene()).save(stream, format, **options)
    return stream.getvalue()


def png_header(width: int, height: int) -> bytes:
    body = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    empty = b"IDAT" + zlib.compress(b"")
    chunks = [
        struct.pack(">I", len(x) - 4) + x + struct.pack(">I", zlib.crc32(x)) for x in (body, empty)
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


EXAMPLES = {
    "jpeg": encoded("JPEG"),
    "progressive": encoded("JPEG", progressive=True, exif=b"Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0"),
    "png": encoded("PNG"),
    "deep png": cv2.imencode(".png", scene().astype(np.uint16) * 257)[1].tobytes(),
    "tiff": encoded("TIFF"),
    "lzw tiff": encoded("TIFF", compression="tiff_lzw"),
    "deep tiff": cv2.imencode(".tiff", scene().astype(np.uint16) * 257)[1].tobytes(),
    "webp": encoded("WEBP"),
    "bmp": encoded("BMP"),
}


@pytest.mark.parametrize("read", [read_photograph, read_rgb])
def test_files_that_are_no_pictures(tmp_path, read):
    (tmp_path / "empty.jpg").write_bytes(b"")
    (tmp_path / "text.png").write_text("Dear sir or madam")
    (tmp_path / "folder.png").mkdir()
    sentences = {
        "empty.jpg": "is empty",
        "text.png": "is not a JPEG, PNG, TIFF, WebP, BMP, GIF, JPEG 2000, AVIF or HEIC picture",
        "folder.png": "is a folder, not a picture",
        "missing.png": "does not exist",
    }
    for name, sentence in sentences.items():
        with pytest.raises(ImageError) as caught:
            read(tmp_path / name)
        assert str(caught.value) == f"{tmp_path / name} {sentence}."


@pytest.mark.parametrize("name", EXAMPLES)
def test_truncated(tmp_path, name):
    path = tmp_path / "cut"
    whole = EXAMPLES[name]
    for share in (0.3, 0.7):
        path.write_bytes(whole[: int(len(whole) * share)])
        with pytest.raises(ImageError) as caught:
            read_photograph(path)
        assert str(caught.value) == f"{path} is damaged or cut short and cannot be decoded."


def test_unreadable_sources(tmp_path, monkeypatch):
    def refuse(*args):
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr("builtins.open", refuse)
        with pytest.raises(ImageError, match=r"^a\.jpg cannot be read: Permission denied\.$"):
            read_photograph("a.jpg")
    with pytest.raises(ImageError, match="cannot be read"):
        read_photograph("nul\0byte.jpg")
    closed = BytesIO(EXAMPLES["jpeg"])
    closed.close()
    with pytest.raises(ImageError, match=r"^The picture cannot be read: .+ closed file\.$"):
        read_photograph(closed)


@pytest.mark.parametrize(
    ("name", "good"),
    [("jpeg", 0), ("tiff", 0), ("jpeg", 16), ("png", 16), ("webp", 12), ("bmp", 16)],
)
def test_a_disk_that_fails_is_not_called_damage(tmp_path, monkeypatch, name, good):
    path = tmp_path / "old"
    path.write_bytes(EXAMPLES[name])

    class Failing(FileIO):
        """Gives the start of the file, and then an error."""

        def read(self, size=-1):
            if self.tell() >= good:
                raise OSError(errno.EIO, "Input/output error")
            return super().read(size)

    monkeypatch.setattr("builtins.open", lambda path, mode: Failing(path))
    with pytest.raises(ImageError) as caught:
        read_photograph(path)
    assert str(caught.value) == f"{path} cannot be read: Input/output error."


def test_lack_of_memory_is_not_called_damage(monkeypatch):
    def fail(*args):
        raise MemoryError

    for where in ("file_pixels", "carried_exif"):
        with monkeypatch.context() as patch:
            patch.setattr(f"keras_colorize.imaging.decoding.{where}", fail)
            with pytest.raises(MemoryError):
                read_photograph(EXAMPLES["png"])
    monkeypatch.setattr(decoding, "_open", fail)
    with pytest.raises(MemoryError):
        read_photograph(EXAMPLES["png"])


def test_pipe():
    ends = os.pipe()
    with open(ends[0], "rb") as reader, open(ends[1], "wb") as writer:
        writer.write(EXAMPLES["jpeg"])
        writer.close()
        assert read_photograph(reader).size == (40, 60)


@pytest.mark.parametrize("size", [(0, 0), (0, 5), (5, 0)])
def test_zero_size(size):
    header = struct.pack("<2sIIIIiiHHIIiiII", b"BM", 54, 0, 54, 40, *size, 1, 24, 0, 0, 0, 0, 0, 0)
    for data in (header, png_header(*size)):
        with pytest.raises(ImageError, match=r"^The picture .*\.$"):
            read_photograph(data)
    with pytest.raises(ImageError, match="has no pixels"):
        photograph_from_pil(Image.new("L", size))


def test_decompression_bomb_is_stopped_by_its_header(tmp_path):
    path = tmp_path / "bomb.png"
    path.write_bytes(png_header(60000, 50000))
    with pytest.raises(PixelLimitError) as caught:
        read_photograph(path)
    assert str(caught.value) == (
        f"{path} has 60000 x 50000 pixels, more than the limit of 200000000."
    )


def test_limit_is_the_callers():
    assert read_photograph(EXAMPLES["png"], max_pixels=2400).size == (40, 60)
    for read in (read_photograph, read_rgb):
        with pytest.raises(ImageError, match=r"limit of 2399\.$"):
            read(EXAMPLES["png"], max_pixels=2399)


def test_large_picture_within_the_limit_needs_no_global_of_pillow(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)  # Pillow raises from twice of it on
    assert read_photograph(EXAMPLES["png"]).size == (40, 60)
    assert Image.MAX_IMAGE_PIXELS == 1000


def test_kinds_of_pixels_that_hold_no_picture():
    for values, kind in (
        (scene()[..., 0] / 10, np.float32),
        (scene()[..., 0] * 999999.0, np.int32),
    ):
        stream = BytesIO()
        image = Image.fromarray(values.astype(kind))
        image.save(stream, "TIFF")
        with pytest.raises(ImageError, match=r"^The picture has .* pixels.*; save it with 8 or 16"):
            read_photograph(stream.getvalue())
        with pytest.raises(ImageError, match=r"^The picture has .* pixels.*; save it with 8 or 16"):
            photograph_from_pil(image)


def test_pillow_image_that_turns_out_damaged():
    image = Image.open(BytesIO(EXAMPLES["png"][:-60]))
    with pytest.raises(ImageError, match="damaged or cut short"):
        photograph_from_pil(image)


@pytest.mark.parametrize("name", EXAMPLES)
def test_fuzz(name, capfd):
    """Any bytes give a picture or an ImageError."""
    generator = np.random.default_rng(sum(name.encode()))
    whole = np.frombuffer(EXAMPLES[name], np.uint8)
    errors = 0
    for _ in range(60):
        data = whole.copy()
        if generator.random() < 0.3:
            data = data[: generator.integers(1, len(data))]
        # Half of the flips hit the headers.
        reach = len(data) if generator.random() < 0.5 else min(len(data), 200)
        for _ in range(generator.integers(1, 8)):
            data[generator.integers(0, reach)] ^= 1 << generator.integers(0, 8)
        try:
            photograph = read_photograph(data.tobytes(), max_pixels=10**6)
        except ImageError as error:
            errors += 1
            assert str(error).startswith("The picture ")
            assert str(error).endswith(".")
            assert "\n" not in str(error)
        else:
            assert photograph.lightness.min() >= 0
            assert photograph.lightness.max() <= 100.001
    assert errors > 0
    sys.stderr.flush()
    captured = capfd.readouterr()
    assert captured.out == ""
    # libtiff, and OpenCV's libpng for 16-bit colour, speak of damage from C, past Python.
    if name not in ("deep png", "deep tiff", "lzw tiff"):
        assert captured.err == ""
