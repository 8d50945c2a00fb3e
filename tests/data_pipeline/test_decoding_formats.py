"""What passes the scan decodes in training, and to the right pixels."""

import cv2
import numpy as np
import pytest
from PIL import Image
from tifffile import imwrite

from keras_colorize.data.folders import scan_folder
from keras_colorize.data.tfdata import training_batches
from keras_colorize.imaging.images import read_rgb


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
    # JPEG decoders may differ a little; TensorFlow's CMYK conversion is its own.
    assert np.abs(rgb.astype(int) - expected).mean() < (3 if name.endswith("jpg") else 0.01)


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
    (batch,) = training_batches(scan.files, size=32, batch_size=files, steps=1)
    assert batch[0].shape[0] == files


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
