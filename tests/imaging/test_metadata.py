"""What a file says of its pixels: orientation, EXIF, colour profile."""

import struct
import zlib
from io import BytesIO

import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps

from keras_colorize.imaging.color import gray_to_lightness, rgb_to_lightness
from keras_colorize.imaging.images import photograph_from_pil, read_photograph, read_rgb


def stored(scene: np.ndarray, turn: int) -> Image.Image:
    """The scene as a camera stores it that asks for `turn`; Pillow's own reading is the judge."""
    for quarter in range(4):
        for mirrored in (False, True):
            image = Image.fromarray(np.rot90(scene[:, ::-1] if mirrored else scene, quarter))
            image.getexif()[0x0112] = turn
            if np.array_equal(np.asarray(ImageOps.exif_transpose(image)), scene):
                return image
    raise AssertionError("no such turn")


@pytest.mark.parametrize("turn", range(1, 9))
@pytest.mark.parametrize("format", ["PNG", "TIFF", "WEBP"])
def test_orientation_is_applied_and_reset(format, turn, scene, encoded):
    exif = Image.Exif()
    exif[0x0112] = turn
    exif[0x010F] = "Maker"
    exif.get_ifd(0x8769)[0x9003] = "1936:03:01 12:00:00"
    exif.get_ifd(0x8825)[1] = "N"
    options = {"lossless": True} if format == "WEBP" else {}
    data = encoded(stored(scene, turn), format, exif=exif.tobytes(), **options)
    photograph = read_photograph(data)
    assert np.array_equal(photograph.lightness, rgb_to_lightness(scene))
    assert np.array_equal(read_rgb(data), scene)
    kept = Image.Exif()
    kept.load(photograph.exif)
    assert kept.get(0x0112, 1) == 1
    assert kept[0x010F] == "Maker"
    assert kept.get_ifd(0x8769)[0x9003] == "1936:03:01 12:00:00"
    assert kept.get_ifd(0x8825)[1] == "N"
    assert 0x0100 not in kept or format != "TIFF"  # nothing of how the file stored its pixels


def test_orientation_turns_alpha(scene, encoded):
    exif = Image.Exif()
    exif[0x0112] = 6
    image = stored(scene, 6).copy()
    image.putalpha(image.getchannel("G"))
    photograph = read_photograph(encoded(image, "PNG", exif=exif))
    assert np.array_equal(photograph.alpha, scene[..., 1])


def test_pillow_image_with_orientation(scene):
    assert np.array_equal(photograph_from_pil(stored(scene, 7)).lightness, rgb_to_lightness(scene))


@pytest.mark.parametrize("order", ["<", ">"])
def test_exif_is_kept_to_the_byte(order, scene, encoded):
    note = bytes(range(64))  # a maker's note, which Pillow would move
    mark = b"II*\0" if order == "<" else b"MM\0*"
    block = mark + struct.pack(order + "IH", 8, 2)
    block += struct.pack(order + "HHIHH", 0x0112, 3, 1, 8, 0)
    block += struct.pack(order + "HHII", 0x927C, 7, 64, 38) + struct.pack(order + "I", 0) + note
    exif = read_photograph(encoded(Image.fromarray(scene), "JPEG", exif=b"Exif\0\0" + block)).exif
    assert exif == b"Exif\0\0" + block.replace(
        struct.pack(order + "HHIH", 0x0112, 3, 1, 8), struct.pack(order + "HHIH", 0x0112, 3, 1, 1)
    )


def test_damaged_exif_does_not_cost_the_picture(recwarn, scene, encoded):
    for exif in (
        b"Exif\0\0II*\0\xff\xff\xff\x7f",
        b"Exif\0\0II*\0\x08\0\0\0\xff\xff",
        b"Exif\0\0??",
    ):
        data = encoded(Image.fromarray(scene), "JPEG", exif=exif)
        assert read_photograph(data).size == (24, 36)
    assert not recwarn.list


def red_and_blue_exchanged() -> bytes:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return profile.replace(b"rXYZ", b"????").replace(b"bXYZ", b"rXYZ").replace(b"????", b"bXYZ")


@pytest.mark.parametrize("format", ["PNG", "TIFF", "JPEG"])
def test_profile_is_converted(format, scene, encoded):
    data = encoded(Image.fromarray(scene), format, icc_profile=red_and_blue_exchanged())
    plain = np.asarray(Image.open(BytesIO(data)))
    assert np.abs(read_rgb(data).astype(int) - plain[..., ::-1]).max() <= 2


def test_profile_is_converted_beside_alpha(scene, encoded):
    image = Image.fromarray(scene)
    image.putalpha(255)
    data = encoded(image, "PNG", icc_profile=red_and_blue_exchanged())
    assert np.abs(read_rgb(data).astype(int) - scene[..., ::-1]).max() <= 2


def test_profile_of_16_bit_color_keeps_fine_tones(tmp_path, fine):
    rgb = np.stack([fine, fine + 900, fine + 7000], axis=-1)
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
def test_gray_profile_is_converted(deep, encoded, fine):
    gray = fine if deep else (fine >> 8).astype(np.uint8)
    data = encoded(Image.fromarray(gray), "PNG", icc_profile=gray_profile(1.0))
    linear = gray / (65535 if deep else 255)
    srgb = 1.055 * linear ** (1 / 2.4) - 0.055
    np.testing.assert_allclose(read_photograph(data).lightness, gray_to_lightness(srgb), atol=0.5)


@pytest.mark.parametrize("profile", [b"nonsense", red_and_blue_exchanged()[:200], gray_profile(1)])
def test_bad_profile_is_ignored(profile, scene, encoded):
    data = encoded(Image.fromarray(scene), "PNG", icc_profile=profile)
    assert np.array_equal(read_rgb(data), scene)


def test_srgb_profile_changes_nothing(scene, encoded):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    data = encoded(Image.fromarray(scene), "PNG", icc_profile=profile)
    assert np.array_equal(read_rgb(data), scene)
