"""Small files that went wrong once, after public reports: each is coloured rightly, or refused.

Without saturation the result has the lightness of the reference, in the size of the picture.
"""

import gzip
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from keras_colorize.imaging.images import CutShortError, ImageError, read_photograph
from keras_colorize.inference.colorizer import Colorizer

CASES = Path(__file__).parents[1] / "data" / "cases"
REFUSED = {
    "jpeg-20-bytes-short.jpg": "is damaged or cut short and cannot be decoded.",
}
ALPHA = {
    "rgba16-associated-alpha.tif": (127, 255),
    "cmyk8-with-alpha.tif": (255, 255),
    "grey16-with-alpha.tif": (255, 255),
}


@pytest.fixture(scope="module")
def colorizer():
    return Colorizer(saturation=0)


@pytest.fixture(scope="module")
def reference():
    return read_photograph(CASES / "reference-grey.png").lightness


def colored(colorizer, path, **options):
    result = BytesIO()
    colorizer.colorize_file(path, result, **options)
    return result.getvalue()


@pytest.mark.parametrize("path", sorted(CASES.iterdir()), ids=lambda path: path.name)
def test_cases(path, colorizer, reference):
    if sentence := REFUSED.get(path.name):
        with pytest.raises(ImageError) as caught:
            colored(colorizer, path)
        assert str(caught.value) == f"{path} {sentence}"
        return
    photograph = read_photograph(colored(colorizer, path))
    expected = reference
    if path.name.startswith("jpeg"):
        expected = cv2.resize(expected, (480, 320))
    if "orientation-6" in path.name:
        expected = np.rot90(expected, -1)
    assert photograph.size == expected.shape
    if path.name in ALPHA:
        assert (photograph.alpha.min(), photograph.alpha.max()) == ALPHA[path.name]
    else:
        assert photograph.alpha is None
    assert np.abs(photograph.lightness - expected).mean() < 1


def test_a_raw_file_is_refused_and_not_coloured_as_its_preview(tmp_path, colorizer):
    path = tmp_path / "raw-with-small-preview.dng"
    path.write_bytes(gzip.decompress((CASES.parent / f"{path.name}.gz").read_bytes()))
    with pytest.raises(ImageError) as caught:
        colored(colorizer, path)
    assert str(caught.value) == (
        f"{path} is a camera's raw file; develop it first, and colour the JPEG or TIFF."
    )


def test_a_jpeg_that_is_cut_short_is_coloured_as_far_as_it_goes_when_asked(colorizer, reference):
    path = CASES / "jpeg-20-bytes-short.jpg"
    with pytest.raises(CutShortError):
        colored(colorizer, path)
    photograph = read_photograph(colored(colorizer, path, as_far_as_it_goes=True))
    expected = cv2.resize(reference, (480, 320))
    assert np.abs(photograph.lightness - expected)[:300].mean() < 1


def test_no_thumbnail_stays_grey_and_lying(colorizer):
    result = colored(colorizer, CASES / "jpeg-exif-thumbnail-orientation-6.jpg")
    with Image.open(BytesIO(result)) as image:
        exif = image.getexif()
        assert exif.get_ifd(0x8769) or len(exif)  # the rest is there
        assert exif.get_ifd(1) == {}
        assert exif[0x0112] == 1
    assert result.count(b"\xff\xd8\xff") == 1


def test_what_people_wrote_is_kept(colorizer):
    path = CASES / "captioned-iptc-xmp-comment.jpg"
    with Image.open(path) as before, Image.open(BytesIO(colored(colorizer, path))) as after:
        assert after.info["comment"] == before.info["comment"]
        assert after.info["photoshop"][0x0404] == before.info["photoshop"][0x0404]
        assert after.info["xmp"] == before.info["xmp"]
