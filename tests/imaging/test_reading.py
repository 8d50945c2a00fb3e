import struct
import zlib
from io import BytesIO

import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps

from keras_colorize.imaging.color import gray_to_lightness, rgb_to_lightness
from keras_colorize.imaging.images import photograph_from_pil, read_photograph, read_rgb


def scene(height: int = 24, width: int = 36) -> np.ndarray:
    """Smooth colours, different in each corner."""
    y, x = np.mgrid[0:height, 0:width]
    channels = [x * 255 / (width - 1), y * 255 / (height - 1), 200 - x * 2 - y * 3]
    return np.stack(channels, axis=-1).astype(np.uint8)


def encoded(image: Image.Image, format: str, **options) -> bytes:
    stream = BytesIO()
    image.save(stream, format, **options)
    return stream.getvalue()


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
def test_color_becomes_its_lightness(format, options):
    photograph = read_photograph(encoded(Image.fromarray(scene()), format, **options))
    assert photograph.format == format
    assert photograph.size == (24, 36)
    assert photograph.alpha is None
    assert np.array_equal(photograph.lightness, rgb_to_lightness(scene()))


def test_jpeg_of_path_bytes_and_stream(tmp_path):
    data = encoded(Image.fromarray(scene()), "JPEG", quality=95)
    path = tmp_path / "a photograph.jpg"
    path.write_bytes(data)
    photographs = [read_photograph(source) for source in (path, str(path), data, BytesIO(data))]
    with path.open("rb") as stream:
        photographs.append(read_photograph(stream))
    for photograph in photographs:
        assert photograph.format == "JPEG"
        assert np.array_equal(photograph.lightness, photographs[0].lightness)
    assert np.abs(photographs[0].lightness - rgb_to_lightness(scene())).mean() < 1


def test_camera_jpeg_with_several_pictures_gives_its_first():
    other = Image.fromarray(scene()[::-1])
    data = encoded(
        Image.fromarray(scene()), "MPO", save_all=True, append_images=[other], quality=95
    )
    photograph = read_photograph(data)
    assert photograph.format == "JPEG"
    assert np.abs(photograph.lightness - rgb_to_lightness(scene())).mean() < 1


def test_rgb_may_be_written_to():
    for format in ("JPEG", "PNG"):
        rgb = read_rgb(encoded(Image.fromarray(scene()), format))
        rgb[0] = 7
        assert (rgb[0] == 7).all()


@pytest.mark.parametrize("format", ["JPEG", "PNG", "TIFF", "BMP"])
def test_gray(format):
    gray = scene()[..., 0]
    data = encoded(Image.fromarray(gray), format)
    decoded = np.asarray(Image.open(BytesIO(data)))
    assert np.array_equal(read_photograph(data).lightness, gray_to_lightness(decoded))
    assert np.array_equal(read_rgb(data), np.stack([decoded] * 3, axis=-1))


def test_one_bit():
    bits = scene()[..., 0] > 100
    lightness = read_photograph(encoded(Image.fromarray(bits), "PNG")).lightness
    assert np.array_equal(lightness > 50, bits)
    assert set(np.unique(lightness.round(3))) == {0, 100}


def test_palette_with_transparency():
    image = Image.fromarray(scene()).quantize(16)
    opaque = np.asarray(image.convert("RGB"))
    data = encoded(image, "PNG", transparency=bytes([0, 100]))
    photograph = read_photograph(data)
    index = np.asarray(image)
    assert np.array_equal(photograph.lightness, rgb_to_lightness(opaque))
    assert np.array_equal(photograph.alpha, np.choose(np.minimum(index, 2), [0, 100, 255]))
    assert (read_rgb(data)[index == 0] == 255).all()


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
@pytest.mark.parametrize("format", ["PNG", "TIFF", "WEBP"])
def test_alpha_is_kept(format, mode):
    image = Image.fromarray(scene()).convert(mode)
    alpha = scene()[..., 1]
    image.putalpha(Image.fromarray(alpha))
    options = {"lossless": True, "exact": True} if format == "WEBP" else {}
    photograph = read_photograph(encoded(image, format, **options))
    assert np.array_equal(photograph.alpha, alpha)
    expected = rgb_to_lightness(np.asarray(image.convert("RGB")))
    np.testing.assert_allclose(photograph.lightness, expected, atol=0.002)


def test_cmyk_jpeg():
    image = Image.fromarray(scene()).convert("CMYK")
    data = encoded(image, "JPEG", quality=100)
    expected = np.asarray(Image.open(BytesIO(data)).convert("RGB"))
    assert np.array_equal(read_rgb(data), expected)
    assert np.abs(expected.astype(int) - scene()).mean() < 4


FINE = (np.arange(24 * 36).reshape(24, 36) * 3 + 20000).astype(np.uint16)


@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_16_bit_gray_stays_fine(format):
    photograph = read_photograph(encoded(Image.fromarray(FINE), format))
    assert len(np.unique(photograph.lightness)) == FINE.size
    assert np.array_equal(photograph.lightness, gray_to_lightness(FINE))


@pytest.mark.parametrize("suffix", [".png", ".tiff"])
@pytest.mark.parametrize("channels", [3, 4])
def test_16_bit_color_stays_fine(suffix, channels):
    deep = np.stack([FINE, FINE + 900, FINE + 7000, FINE[::-1]][:channels], axis=-1)
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


def test_16_bit_gray_with_alpha_stays_fine():
    pair = np.stack([FINE, FINE[::-1]], axis=-1).astype(">u2")
    photograph = read_photograph(png(36, 24, 16, 4, pair))
    np.testing.assert_allclose(photograph.lightness, gray_to_lightness(FINE), atol=0.003)
    assert np.array_equal(photograph.alpha, FINE[::-1] // 257)


def stored(turn: int) -> Image.Image:
    """The scene as a camera stores it that asks for `turn`; Pillow's own reading is the judge."""
    for quarter in range(4):
        for mirrored in (False, True):
            image = Image.fromarray(np.rot90(scene()[:, ::-1] if mirrored else scene(), quarter))
            image.getexif()[0x0112] = turn
            if np.array_equal(np.asarray(ImageOps.exif_transpose(image)), scene()):
                return image
    raise AssertionError("no such turn")


@pytest.mark.parametrize("turn", range(1, 9))
@pytest.mark.parametrize("format", ["PNG", "TIFF", "WEBP"])
def test_orientation_is_applied_and_reset(format, turn):
    exif = Image.Exif()
    exif[0x0112] = turn
    exif[0x010F] = "Maker"
    exif.get_ifd(0x8769)[0x9003] = "1936:03:01 12:00:00"
    exif.get_ifd(0x8825)[1] = "N"
    options = {"lossless": True} if format == "WEBP" else {}
    data = encoded(stored(turn), format, exif=exif.tobytes(), **options)
    photograph = read_photograph(data)
    assert np.array_equal(photograph.lightness, rgb_to_lightness(scene()))
    assert np.array_equal(read_rgb(data), scene())
    kept = Image.Exif()
    kept.load(photograph.exif)
    assert kept.get(0x0112, 1) == 1
    assert kept[0x010F] == "Maker"
    assert kept.get_ifd(0x8769)[0x9003] == "1936:03:01 12:00:00"
    assert kept.get_ifd(0x8825)[1] == "N"
    assert 0x0100 not in kept or format != "TIFF"  # nothing of how the file stored its pixels


def test_orientation_turns_alpha():
    exif = Image.Exif()
    exif[0x0112] = 6
    image = stored(6).copy()
    image.putalpha(image.getchannel("G"))
    photograph = read_photograph(encoded(image, "PNG", exif=exif))
    assert np.array_equal(photograph.alpha, scene()[..., 1])


@pytest.mark.parametrize("order", ["<", ">"])
def test_exif_is_kept_to_the_byte(order):
    note = bytes(range(64))  # a maker's note, which Pillow would move
    mark = b"II*\0" if order == "<" else b"MM\0*"
    block = mark + struct.pack(order + "IH", 8, 2)
    block += struct.pack(order + "HHIHH", 0x0112, 3, 1, 8, 0)
    block += struct.pack(order + "HHII", 0x927C, 7, 64, 38) + struct.pack(order + "I", 0) + note
    exif = read_photograph(encoded(Image.fromarray(scene()), "JPEG", exif=b"Exif\0\0" + block)).exif
    assert exif == b"Exif\0\0" + block.replace(
        struct.pack(order + "HHIH", 0x0112, 3, 1, 8), struct.pack(order + "HHIH", 0x0112, 3, 1, 1)
    )


def test_damaged_exif_does_not_cost_the_picture(recwarn):
    for exif in (
        b"Exif\0\0II*\0\xff\xff\xff\x7f",
        b"Exif\0\0II*\0\x08\0\0\0\xff\xff",
        b"Exif\0\0??",
    ):
        data = encoded(Image.fromarray(scene()), "JPEG", exif=exif)
        assert read_photograph(data).size == (24, 36)
    assert not recwarn.list


def red_and_blue_exchanged() -> bytes:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return profile.replace(b"rXYZ", b"????").replace(b"bXYZ", b"rXYZ").replace(b"????", b"bXYZ")


@pytest.mark.parametrize("format", ["PNG", "TIFF", "JPEG"])
def test_profile_is_converted(format):
    data = encoded(Image.fromarray(scene()), format, icc_profile=red_and_blue_exchanged())
    plain = np.asarray(Image.open(BytesIO(data)))
    assert np.abs(read_rgb(data).astype(int) - plain[..., ::-1]).max() <= 2


def test_profile_is_converted_beside_alpha():
    image = Image.fromarray(scene())
    image.putalpha(255)
    data = encoded(image, "PNG", icc_profile=red_and_blue_exchanged())
    assert np.abs(read_rgb(data).astype(int) - scene()[..., ::-1]).max() <= 2


def test_profile_of_16_bit_color_keeps_fine_tones(tmp_path):
    rgb = np.stack([FINE, FINE + 900, FINE + 7000], axis=-1)
    path = tmp_path / "deep.png"
    path.write_bytes(cv2.imencode(".png", rgb[..., ::-1])[1].tobytes())
    data = bytearray(path.read_bytes())
    body = b"p\0\0" + zlib.compress(red_and_blue_exchanged())
    chunk = struct.pack(">I", len(body)) + b"iCCP" + body
    chunk += struct.pack(">I", zlib.crc32(b"iCCP" + body))
    data[33:33] = chunk  # after the header
    lightness = read_photograph(bytes(data)).lightness
    np.testing.assert_allclose(lightness, rgb_to_lightness(rgb[..., ::-1]), atol=0.6)
    assert len(np.unique(lightness)) > 700


def gray_profile(gamma: float) -> bytes:
    curve = b"curv" + struct.pack(">IIH", 0, 1, round(gamma * 256)) + b"\0\0"
    white = b"XYZ " + struct.pack(">IIII", 0, 63190, 65536, 54061)
    table, data, offset = b"", b"", 128 + 4 + 2 * 12
    for name, tag in ((b"kTRC", curve), (b"wtpt", white)):
        table += name + struct.pack(">II", offset + len(data), len(tag))
        data += tag
    body = struct.pack(">I", 2) + table + data
    header = struct.pack(
        ">I4sI4s4s4s", 128 + len(body), b"lcms", 0x02400000, b"mntr", b"GRAY", b"XYZ "
    )
    header += struct.pack(">6H4s", 2026, 1, 1, 0, 0, 0, b"acsp") + bytes(28)
    header += struct.pack(">III", 63190, 65536, 54061)
    return header.ljust(128, b"\0") + body


@pytest.mark.parametrize("deep", [False, True])
def test_gray_profile_is_converted(deep):
    gray = FINE if deep else (FINE >> 8).astype(np.uint8)
    data = encoded(Image.fromarray(gray), "PNG", icc_profile=gray_profile(1.0))
    linear = gray / (65535 if deep else 255)
    srgb = 1.055 * linear ** (1 / 2.4) - 0.055
    np.testing.assert_allclose(read_photograph(data).lightness, gray_to_lightness(srgb), atol=0.5)


@pytest.mark.parametrize("profile", [b"nonsense", red_and_blue_exchanged()[:200], gray_profile(1)])
def test_bad_profile_is_ignored(profile):
    data = encoded(Image.fromarray(scene()), "PNG", icc_profile=profile)
    assert np.array_equal(read_rgb(data), scene())


def test_srgb_profile_changes_nothing():
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    data = encoded(Image.fromarray(scene()), "PNG", icc_profile=profile)
    assert np.array_equal(read_rgb(data), scene())


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "CMYK", "YCbCr"])
def test_pillow_images(mode):
    image = Image.fromarray(scene()).convert(mode)
    photograph = photograph_from_pil(image)
    expected = rgb_to_lightness(np.asarray(image.convert("RGB")))
    np.testing.assert_allclose(photograph.lightness, expected, atol=0.002)
    assert (photograph.alpha is None) == (mode != "RGBA")


def test_pillow_image_with_orientation_and_16_bits():
    assert np.array_equal(photograph_from_pil(stored(7)).lightness, rgb_to_lightness(scene()))
    fine = photograph_from_pil(Image.fromarray(FINE)).lightness
    assert np.array_equal(fine, gray_to_lightness(FINE))
