"""What passes the scan decodes in training, and to the right pixels."""

import sys
from io import BytesIO

import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms
from pillow_heif import from_pillow
from tifffile import imwrite

from keras_colorize.data.folders import scan_folder
from keras_colorize.data.tfdata import training_batches
from keras_colorize.imaging.images import read_rgb

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
EXCHANGED = SRGB.replace(b"rXYZ", b"????").replace(b"bXYZ", b"rXYZ").replace(b"????", b"bXYZ")


def save_16_bit(picture, path):
    cv2.imwrite(str(path), np.asarray(picture)[..., ::-1].astype(np.uint16) * 257)


def with_alpha(picture):
    return Image.merge("RGBA", (*picture.split(), picture.getchannel("R")))


WAYS = {
    "rgb.jpg": lambda p, path: p.save(path, quality=95),
    "progressive.jpg": lambda p, path: p.save(path, progressive=True),
    "cmyk.jpg": lambda p, path: p.convert("CMYK").save(path, quality=95),
    "several.jpg": lambda p, path: p.save(path, format="MPO", save_all=True, append_images=[p]),
    "png.jpg": lambda p, path: p.save(path, format="PNG"),
    "rgb.png": lambda p, path: p.save(path),
    "alpha.png": lambda p, path: with_alpha(p).save(path),
    "palette.png": lambda p, path: p.quantize(256).save(path),
    "palette16.png": lambda p, path: p.quantize(16).save(path, bits=4),
    "transparent.png": lambda p, path: p.quantize(64).save(path, transparency=0),
    "16bit.png": save_16_bit,
    "rgb.webp": lambda p, path: p.save(path, quality=95),
    "alpha.webp": lambda p, path: with_alpha(p).save(path, quality=95),
    "lossless.webp": lambda p, path: with_alpha(p).save(path, lossless=True),
    "rgb.bmp": lambda p, path: p.save(path),
    "palette.bmp": lambda p, path: p.quantize(256).save(path),
    "alpha.bmp": lambda p, path: with_alpha(p).save(path),
    "rgb.tif": lambda p, path: p.save(path),
    "16bit.tif": save_16_bit,
    "16bit-planar.tif": lambda p, path: imwrite(
        path, np.moveaxis(np.asarray(p), 2, 0).astype(np.uint16) * 257, **PLANAR
    ),
    "profile.jpg": lambda p, path: p.save(path, quality=95, icc_profile=EXCHANGED),
    "profile.png": lambda p, path: p.save(path, icc_profile=EXCHANGED),
    "float.tif": lambda p, path: imwrite(path, np.float32(p) / 255, photometric="rgb"),
    "first.gif": lambda p, path: p.save(path, save_all=True, append_images=[p.rotate(180)]),
    "rgb.jp2": lambda p, path: p.save(path),
    "rgb.avif": lambda p, path: p.save(path),
    "rgb.heic": lambda p, path: from_pillow(p).save(path),
    "premultiplied.tif": lambda p, path: imwrite(
        path, np.asarray(with_alpha(p)).astype(np.uint16) * 257, **PREMULTIPLIED
    ),
}
PLANAR = {"photometric": "rgb", "planarconfig": "separate"}
PREMULTIPLIED = {"photometric": "rgb", "extrasamples": ["assocalpha"]}


@pytest.mark.parametrize("name", WAYS)
def test_decodes(name, tmp_path, make_picture, decode):
    WAYS[name](make_picture(3), tmp_path / name)
    (file,) = scan_folder(tmp_path).files
    rgb = decode(file, 64)
    assert rgb.dtype == np.uint8
    expected = read_rgb(file)
    assert rgb.shape == expected.shape == (72, 90, 3)
    # JPEG decoders may differ a little, and TensorFlow's has those that have no profile.
    plain = name in ("rgb.jpg", "progressive.jpg", "several.jpg")
    assert np.abs(rgb.astype(int) - expected).mean() < (3 if plain else 0.01)


def test_a_profile_is_applied_at_any_scale(tmp_path, make_picture, decode):
    picture = make_picture(2, 400, 320)
    picture.save(tmp_path / "profile.jpg", quality=95, icc_profile=EXCHANGED)
    rgb = decode(tmp_path / "profile.jpg", 64)
    assert rgb.shape == (80, 100, 3)
    with Image.open(tmp_path / "profile.jpg") as image:
        unconverted = np.asarray(image.resize((100, 80), Image.Resampling.BOX), int)
    expected = Image.fromarray(read_rgb(tmp_path / "profile.jpg"))
    expected = np.asarray(expected.resize((100, 80), Image.Resampling.BOX), int)
    assert np.abs(rgb - expected).mean() < 2 < 8 < np.abs(rgb - unconverted).mean()


def test_what_training_leaves_out_though_colouring_reads_it(tmp_path, make_picture):
    """Its reason is given: pages, of which nobody chooses one, and an end that is missing."""
    make_picture(0).save(tmp_path / "fine.jpg")
    pages = [make_picture(k) for k in range(2)]
    pages[0].save(tmp_path / "pages.tif", save_all=True, append_images=pages[1:])
    whole = BytesIO()
    make_picture(1).save(whole, "JPEG")
    (tmp_path / "end.jpg").write_bytes(whole.getvalue()[:-2])
    assert read_rgb(tmp_path / "end.jpg").shape == (72, 90, 3)
    scan = scan_folder(tmp_path)
    assert [file.name for file in scan.files] == ["fine.jpg"]
    assert {file.name: why for file, why in scan.unreadable.items()} == {
        "pages.tif": "cannot be read: it has 2 pages.",
        "end.jpg": "cannot be read: it is damaged or cut short and cannot be decoded.",
    }


def test_heic_without_its_reader_is_left_out_with_the_reason(tmp_path, make_picture, monkeypatch):
    make_picture(0).save(tmp_path / "fine.jpg")
    WAYS["rgb.heic"](make_picture(1), tmp_path / "a.heic")
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    scan = scan_folder(tmp_path)
    assert [file.name for file in scan.files] == ["fine.jpg"]
    assert scan.unreadable == {
        tmp_path / "a.heic": "cannot be read: it is a HEIC picture; what reads it is installed by: "
        'pip install ".[heic]" in a clone of keras-colorize'
    }


@pytest.mark.parametrize("name", ["rgb.jpg", "rgb.png", "palette.png", "rgb.webp"])
def test_damaged_files_that_pass_the_scan_decode(name, tmp_path, make_picture):
    """A run must not die of a file after hours: both decode, or the scan has left it out."""
    WAYS[name](make_picture(4), tmp_path / name)
    whole = (tmp_path / name).read_bytes()
    (tmp_path / name).unlink()
    make_picture(0).save(tmp_path / "fine.jpg")
    random = np.random.default_rng(0)
    for k in range(24):
        broken = bytearray(whole)
        for _ in range(1 + k % 3):
            broken[random.integers(len(broken) // 8, len(broken))] ^= 1 << random.integers(8)
        if k % 4 == 0:
            del broken[random.integers(len(broken)) :]
        (tmp_path / f"{k:02d}-{name}").write_bytes(broken)
    scan = scan_folder(tmp_path)
    assert len(scan.unreadable) >= 5
    files = len(scan.files)
    assert tmp_path / "fine.jpg" in scan.files
    steps = -(-files // 4)  # a pass; XLA compiles for a batch of 4 once
    assert len(list(training_batches(scan.files, size=32, batch_size=4, steps=steps))) == steps


@pytest.mark.parametrize(
    ("short_side", "scale"), [(400, 1), (143, 1), (144, 2), (287, 2), (288, 4), (576, 8), (700, 8)]
)
def test_big_jpegs_are_decoded_small_but_never_too_small(
    short_side, scale, tmp_path, make_picture, decode
):
    """Crops of 8/9 of the short side must hold 64 pixels; at 400 the side asked for is 300."""
    side = 300 if short_side == 400 else 64
    make_picture(5, short_side + 60, short_side).save(tmp_path / "a.jpg", quality=95)
    rgb = decode(tmp_path / "a.jpg", side)
    assert rgb.shape == (-(-short_side // scale), -(-(short_side + 60) // scale), 3)
    assert min(rgb.shape[:2]) * 8 / 9 >= side or scale == 1
    with Image.open(tmp_path / "a.jpg") as image:
        small = image.resize(rgb.shape[1::-1], Image.Resampling.BOX)
    assert np.abs(rgb.astype(int) - np.asarray(small)).mean() < 2.5


def test_batches_mix_formats(tmp_path, make_picture):
    for k, name in enumerate(("alpha.webp", "palette.bmp", "16bit.tif", "cmyk.jpg")):
        WAYS[name](make_picture(k), tmp_path / name)
    files = scan_folder(tmp_path).files
    (batch,) = training_batches(files, size=32, batch_size=4, steps=1)
    assert tuple(batch[1].shape) == (4, 32, 32, 2)
    assert np.ptp(batch[1].numpy(), axis=(1, 2)).min() > 0.2  # each of them in colour


def test_a_file_lost_after_the_scan_is_named(tmp_path, make_picture):
    make_picture(0).save(tmp_path / "a.jpg")
    batches = training_batches([tmp_path / "b.jpg"], size=32, batch_size=1, steps=1)
    with pytest.raises(Exception, match=r"b\.jpg"):
        next(iter(batches))
