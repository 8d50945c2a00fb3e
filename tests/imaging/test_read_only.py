"""Pictures in formats that are read but not written, and of animations the first."""

import struct
import sys
from io import BytesIO

import numpy as np
import pytest
from PIL import Image, features

from keras_colorize.imaging.formats import sniff
from keras_colorize.imaging.images import ImageError, PixelLimitError, read_photograph, read_rgb

EXACT = {"GIF": {}, "JPEG2000": {"irreversible": False}}
LIKE = {"AVIF": {"quality": 95, "subsampling": "4:4:4"}}


def test_this_pillow_reads_them():
    assert features.check("avif") and features.check("jpg_2000")


@pytest.mark.parametrize("format", [*EXACT, *LIKE])
def test_grey_pictures(scene, encoded, format):
    grey = Image.fromarray(scene).convert("L")
    data = encoded(grey, format, **(EXACT | LIKE)[format])
    difference = np.abs(read_rgb(data).astype(int) - np.asarray(grey, int)[..., None])
    assert difference.max() <= (0 if format in EXACT else 6)
    photograph = read_photograph(data)
    assert (photograph.size, photograph.format, photograph.several) == ((24, 36), "PNG", False)
    assert photograph.alpha is None


@pytest.mark.parametrize("format", ["JPEG2000", "AVIF"])
def test_colour(scene, encoded, format):
    data = encoded(Image.fromarray(scene), format, **(EXACT | LIKE)[format])
    assert np.abs(read_rgb(data).astype(int) - scene).max() <= (0 if format in EXACT else 12)


def test_a_bare_codestream_is_jpeg_2000(scene):
    stream = BytesIO()
    stream.name = "a.j2k"
    Image.fromarray(scene).save(stream, "JPEG2000", irreversible=False, no_jp2=True)
    assert stream.getvalue().startswith(b"\xff\x4f\xff\x51")
    np.testing.assert_array_equal(read_rgb(stream.getvalue()), scene)


def test_16_bits_of_grey_stay_fine_in_jpeg_2000(fine, encoded):
    lightness = read_photograph(encoded(Image.fromarray(fine), "JPEG2000")).lightness
    assert len(np.unique(lightness)) > 256
    assert (np.diff(lightness.ravel()) >= 0).all()


@pytest.mark.parametrize("format", ["GIF", "JPEG2000", "AVIF"])
def test_transparency(scene, encoded, format):
    alpha = np.zeros((24, 36), np.uint8)
    alpha[:, 18:] = 255
    image = Image.fromarray(np.dstack([scene, alpha]))
    photograph = read_photograph(encoded(image, format, **(EXACT | LIKE)[format]))
    np.testing.assert_array_equal(photograph.alpha, alpha)


def test_avif_is_turned_and_keeps_its_exif(scene, encoded):
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "a bridge"
    photograph = read_photograph(encoded(Image.fromarray(scene), "AVIF", exif=exif, quality=95))
    expected = read_photograph(encoded(Image.fromarray(np.rot90(scene, -1).copy()), "PNG"))
    assert photograph.size == (36, 24)
    assert np.abs(photograph.lightness - expected.lightness).mean() < 1.5
    kept = Image.Exif()
    kept.load(photograph.exif)
    assert kept[0x010E] == "a bridge" and kept.get(0x0112, 1) == 1


@pytest.mark.parametrize("format", ["GIF", "PNG", "WEBP", "AVIF"])
def test_of_an_animation_it_is_the_first_picture(scene, encoded, format):
    pictures = [Image.fromarray(each).convert("L").convert("RGB") for each in (scene, 255 - scene)]
    options = {"lossless": True} if format == "WEBP" else {}
    data = encoded(pictures[0], format, save_all=True, append_images=pictures[1:], **options)
    photograph = read_photograph(data)
    assert photograph.several
    expected = read_photograph(encoded(pictures[0], "PNG")).lightness
    assert np.abs(photograph.lightness - expected).mean() < 2


@pytest.mark.parametrize("format", ["GIF", "JPEG2000", "AVIF"])
def test_what_is_damaged_or_too_large_is_a_sentence(tmp_path, scene, encoded, format):
    data = encoded(Image.fromarray(scene).convert("L"), format, **(EXACT | LIKE)[format])
    path = tmp_path / "a"
    path.write_bytes(data)
    with pytest.raises(PixelLimitError, match="has 36 x 24 pixels, more than the limit of 100"):
        read_photograph(path, max_pixels=100)
    path.write_bytes(data[: len(data) // 3])
    with pytest.raises(ImageError) as caught:
        read_photograph(path)
    assert str(caught.value) == f"{path} is damaged or cut short and cannot be decoded."


@pytest.mark.parametrize(
    ("major", "others", "expected"),
    [
        (b"heic", [], "HEIF"),
        (b"mif1", [b"mif1", b"heic"], "HEIF"),
        (b"mif1", [b"mif1", b"avif"], "AVIF"),
        (b"avis", [], "AVIF"),
        (b"isom", [b"mp42"], None),
    ],
)
def test_brands_tell_heic_from_avif_and_films(major, others, expected):
    box = b"ftyp" + major + bytes(4) + b"".join(others)
    start = struct.pack(">I", len(box) + 4) + box + b"heic" * 9  # none of the brands
    if expected:
        assert sniff(start, "it") == expected
    else:
        with pytest.raises(ImageError, match=r"^it is not a JPEG, .* AVIF or HEIC picture\.$"):
            sniff(start, "it")


def test_heic_without_its_reader_says_what_to_install(tmp_path, monkeypatch):
    path = tmp_path / "phone.heic"
    path.write_bytes(b"\0\0\0\x10ftypheic\0\0\0\0" + bytes(100))
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(ImageError) as caught:
        read_photograph(path)
    assert str(caught.value) == (
        f"{path} is a HEIC picture; what reads it is installed by: "
        'pip install ".[heic]" in a clone of keras-colorize'
    )


def test_heic_with_its_reader(tmp_path, scene):
    import pillow_heif  # imported here: some tests of this file hide it

    exif = Image.Exif()
    exif[0x0112] = 6
    path = tmp_path / "phone.heic"
    pillow_heif.from_pillow(Image.fromarray(scene)).save(path, quality=95, exif=exif.tobytes())
    photograph = read_photograph(path)
    expected = read_rgb(path)
    assert photograph.format == "PNG"
    assert photograph.size == (36, 24)
    assert np.abs(expected.astype(int) - np.rot90(scene, -1)).mean() < 4
    path.write_bytes(path.read_bytes()[:-400])
    with pytest.raises(ImageError, match="is damaged or cut short"):
        read_photograph(path)
