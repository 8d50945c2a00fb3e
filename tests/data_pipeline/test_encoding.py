"""What becomes of a photograph on its way into a shard."""

from io import BytesIO

import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms

from keras_colorize.data.folders import scan_folder
from keras_colorize.imaging.images import read_rgb
from keras_colorize.preparation import encode

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def exif(turn):
    block = Image.Exif()
    block[0x0112] = turn
    block[0x010F] = "A maker"
    return block


STAY = {
    "plain.jpg": {"quality": 60},
    "progressive.jpg": {"progressive": True},
    "upright.jpg": {"exif": exif(1)},
    "subsampled.JPEG": {"subsampling": "4:2:0"},
}


@pytest.mark.parametrize("name", STAY)
@pytest.mark.parametrize("size", [72, 500])
def test_a_small_upright_jpeg_stays_byte_for_byte(name, size, tmp_path, make_picture):
    path = tmp_path / name
    make_picture(0).save(path, "JPEG", **STAY[name])
    assert encode("its/name", path, size) == ("its/name", path.read_bytes(), "")
    assert encode("its/name", path.read_bytes(), size) == encode("its/name", path, size)


CHANGE = {
    "big.jpg": lambda p, path: p.save(path, quality=95),
    "turned.jpg": lambda p, path: p.save(path, quality=95, exif=exif(6)),
    "mirrored.jpg": lambda p, path: p.save(path, quality=95, exif=exif(2)),
    "profile.jpg": lambda p, path: p.save(path, quality=95, icc_profile=SRGB),
    "cmyk.jpg": lambda p, path: p.convert("CMYK").save(path, quality=95),
    "several.jpg": lambda p, path: p.save(path, "MPO", save_all=True, append_images=[p]),
    "png.jpg": lambda p, path: p.save(path, "PNG"),
    "alpha.png": lambda p, path: Image.merge("RGBA", (*p.split(), p.getchannel("R"))).save(path),
    "palette.png": lambda p, path: p.quantize(256).save(path),
    "16bit.png": lambda p, path: cv2.imwrite(
        str(path), np.asarray(p)[..., ::-1].astype(np.uint16) * 257
    ),
    "picture.webp": lambda p, path: p.save(path, lossless=True),
    "picture.bmp": lambda p, path: p.save(path),
    "picture.tif": lambda p, path: p.save(path),
}


@pytest.mark.parametrize("name", CHANGE)
@pytest.mark.parametrize("size", [36, 72])
def test_others_become_plain_upright_jpegs(name, size, tmp_path, make_picture):
    path = tmp_path / name
    CHANGE[name](make_picture(1), path)
    entry = encode(name, path, size)
    if name == "big.jpg" and size == 72:
        assert entry.jpeg == path.read_bytes()
        return
    with Image.open(BytesIO(entry.jpeg)) as image:
        assert (image.format, image.mode, min(image.size)) == ("JPEG", "RGB", size)
        assert not image.info.keys() & {"exif", "icc_profile"}
        got = np.asarray(image).astype(int)
    expected = read_rgb(path).astype(int)
    if size == 36:  # means of squares of four
        height, width = expected.shape[:2]
        expected = expected.reshape(height // 2, 2, width // 2, 2, 3).mean((1, 3))
    assert np.abs(got - expected).mean() < (3.5 if name == "palette.png" else 1.5)  # dithered


@pytest.mark.parametrize(("width", "height"), [(301, 97), (97, 301), (97, 97)])
def test_the_short_side_is_reduced_and_the_shape_kept(width, height, tmp_path, make_picture):
    make_picture(2, width, height).save(tmp_path / "a.png")
    with Image.open(BytesIO(encode("a", tmp_path / "a.png", 32).jpeg)) as image:
        assert min(image.size) == 32
        assert image.width / image.height == pytest.approx(width / height, rel=0.01)


def test_a_small_photograph_is_not_enlarged(tmp_path, make_picture):
    make_picture(2, 50, 30).save(tmp_path / "a.png")
    with Image.open(BytesIO(encode("a", tmp_path / "a.png", 288).jpeg)) as image:
        assert image.size == (50, 30)


def test_what_the_scan_leaves_out_is_left_out(tmp_path, make_picture):
    make_picture(0).save(tmp_path / "good.jpg")
    make_picture(0).convert("L").save(tmp_path / "gray.jpg")
    tinted = np.full((60, 60, 3), 120, np.uint8) + np.uint8([4, 2, 0])
    Image.fromarray(tinted).save(tmp_path / "sepia.png")
    (tmp_path / "broken.jpg").write_bytes(b"no image")
    (tmp_path / "cut.jpg").write_bytes((tmp_path / "good.jpg").read_bytes()[:-200])
    (tmp_path / "link.png").symlink_to("nowhere.png")
    scan = scan_folder(tmp_path)
    entries = [encode(path.name, path, 288) for path in sorted(tmp_path.iterdir())]
    assert [entry.name for entry in entries if entry.jpeg] == ["good.jpg"]
    assert [e.name for e in entries if not e.jpeg and not e.problem] == ["gray.jpg", "sepia.png"]
    problems = {tmp_path / entry.name: entry.problem for entry in entries if entry.problem}
    assert problems.keys() == scan.unreadable.keys()
    assert problems == scan.unreadable
