"""Pixels of every kind become lightness."""

import struct
import zlib
from io import BytesIO

import cv2
import numpy as np
import pytest
from PIL import Image

from keras_colorize.imaging.color import gray_to_lightness, rgb_to_lightness
from keras_colorize.imaging.images import photograph_from_pil, read_photograph, read_rgb


def png(width: int, height: int, bits: int, color_type: int, rows: np.ndarray) -> bytes:
    """A PNG by hand: bits, and sizes, that Pillow does not write."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, bits, color_type, 0, 0, 0)
    raw = b"".join(b"\0" + row.tobytes() for row in rows)
    parts = [chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(raw)), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@pytest.mark.parametrize(
    ("format", "options"),
    [
        ("PNG", {}),
        ("TIFF", {}),
        ("TIFF", {"compression": "tiff_lzw"}),
        ("BMP", {}),
        ("WEBP", {"lossless": True}),
    ],
)
def test_color_becomes_its_lightness(format, options, scene, encoded):
    photograph = read_photograph(encoded(Image.fromarray(scene), format, **options))
    assert photograph.format == format
    assert photograph.size == (24, 36)
    assert photograph.alpha is None
    assert np.array_equal(photograph.lightness, rgb_to_lightness(scene))


def test_jpeg_of_path_bytes_and_stream(tmp_path, scene, encoded):
    data = encoded(Image.fromarray(scene), "JPEG", quality=95)
    path = tmp_path / "a photograph.jpg"
    path.write_bytes(data)
    photographs = [read_photograph(source) for source in (path, str(path), data, BytesIO(data))]
    with path.open("rb") as stream:
        photographs.append(read_photograph(stream))
    for photograph in photographs:
        assert photograph.format == "JPEG"
        assert np.array_equal(photograph.lightness, photographs[0].lightness)
    assert np.abs(photographs[0].lightness - rgb_to_lightness(scene)).mean() < 1


def test_camera_jpeg_with_several_pictures_gives_its_first(scene, encoded):
    other = Image.fromarray(scene[::-1])
    data = encoded(Image.fromarray(scene), "MPO", save_all=True, append_images=[other], quality=95)
    photograph = read_photograph(data)
    assert photograph.format == "JPEG"
    assert np.abs(photograph.lightness - rgb_to_lightness(scene)).mean() < 1


def test_rgb_may_be_written_to(scene, encoded):
    for format in ("JPEG", "PNG"):
        rgb = read_rgb(encoded(Image.fromarray(scene), format))
        rgb[0] = 7
        assert (rgb[0] == 7).all()


@pytest.mark.parametrize("format", ["JPEG", "PNG", "TIFF", "BMP"])
def test_gray(format, scene, encoded):
    gray = scene[..., 0]
    data = encoded(Image.fromarray(gray), format)
    decoded = np.asarray(Image.open(BytesIO(data)))
    assert np.array_equal(read_photograph(data).lightness, gray_to_lightness(decoded))
    assert np.array_equal(read_rgb(data), np.stack([decoded] * 3, axis=-1))


def test_one_bit(scene, encoded):
    bits = scene[..., 0] > 100
    lightness = read_photograph(encoded(Image.fromarray(bits), "PNG")).lightness
    assert np.array_equal(lightness > 50, bits)
    assert set(np.unique(lightness.round(3))) == {0, 100}


def test_palette_with_transparency(scene, encoded):
    image = Image.fromarray(scene).quantize(16)
    opaque = np.asarray(image.convert("RGB"))
    data = encoded(image, "PNG", transparency=bytes([0, 100]))
    photograph = read_photograph(data)
    index = np.asarray(image)
    assert np.array_equal(photograph.lightness, rgb_to_lightness(opaque))
    assert np.array_equal(photograph.alpha, np.choose(np.minimum(index, 2), [0, 100, 255]))
    assert (read_rgb(data)[index == 0] == 255).all()


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
@pytest.mark.parametrize("format", ["PNG", "TIFF", "WEBP"])
def test_alpha_is_kept(format, mode, scene, encoded):
    image = Image.fromarray(scene).convert(mode)
    alpha = scene[..., 1]
    image.putalpha(Image.fromarray(alpha))
    options = {"lossless": True, "exact": True} if format == "WEBP" else {}
    photograph = read_photograph(encoded(image, format, **options))
    assert np.array_equal(photograph.alpha, alpha)
    expected = rgb_to_lightness(np.asarray(image.convert("RGB")))
    np.testing.assert_allclose(photograph.lightness, expected, atol=0.002)


def test_cmyk_jpeg(scene, encoded):
    image = Image.fromarray(scene).convert("CMYK")
    data = encoded(image, "JPEG", quality=100)
    expected = np.asarray(Image.open(BytesIO(data)).convert("RGB"))
    assert np.array_equal(read_rgb(data), expected)
    assert np.abs(expected.astype(int) - scene).mean() < 4


@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_16_bit_gray_stays_fine(format, encoded, fine):
    photograph = read_photograph(encoded(Image.fromarray(fine), format))
    assert len(np.unique(photograph.lightness)) == fine.size
    assert np.array_equal(photograph.lightness, gray_to_lightness(fine))


@pytest.mark.parametrize("suffix", [".png", ".tiff"])
@pytest.mark.parametrize("channels", [3, 4])
def test_16_bit_color_stays_fine(suffix, channels, fine):
    deep = np.stack([fine, fine + 900, fine + 7000, fine[::-1]][:channels], axis=-1)
    data = cv2.imencode(suffix, deep)[1].tobytes()
    photograph = read_photograph(data)
    rgb = deep[..., 2::-1]
    assert np.array_equal(photograph.lightness, rgb_to_lightness(rgb))
    assert len(np.unique(photograph.lightness)) > 700
    if channels == 4:
        assert np.array_equal(photograph.alpha, deep[..., 3] // 257)
    else:
        assert photograph.alpha is None
        assert np.abs(read_rgb(data) - rgb / 257).max() <= 0.5


def test_16_bit_gray_with_alpha_stays_fine(fine):
    pair = np.stack([fine, fine[::-1]], axis=-1).astype(">u2")
    photograph = read_photograph(png(36, 24, 16, 4, pair))
    np.testing.assert_allclose(photograph.lightness, gray_to_lightness(fine), atol=0.003)
    assert np.array_equal(photograph.alpha, fine[::-1] // 257)


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "CMYK", "YCbCr"])
def test_pillow_images(mode, scene):
    image = Image.fromarray(scene).convert(mode)
    photograph = photograph_from_pil(image)
    expected = rgb_to_lightness(np.asarray(image.convert("RGB")))
    np.testing.assert_allclose(photograph.lightness, expected, atol=0.002)
    assert (photograph.alpha is None) == (mode != "RGBA")


def test_pillow_image_of_16_bits(fine):
    lightness = photograph_from_pil(Image.fromarray(fine)).lightness
    assert np.array_equal(lightness, gray_to_lightness(fine))
