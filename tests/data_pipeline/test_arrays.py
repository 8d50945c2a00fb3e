"""Batches for training on JAX: the colours and the guarantees of the TensorFlow pipeline."""

import threading

import numpy as np
import pytest
from PIL import Image, ImageOps
from skimage.color import rgb2lab

from keras_colorize.data import arrays
from keras_colorize.data.arrays import rgb_to_scaled_lab, training_batches
from keras_colorize.imaging.images import ImageError

OPTIONS = {"size": 16, "batch_size": 5, "seed": 3}


def as_numpy(batches):
    return [(np.array(lightness), np.array(ab)) for lightness, ab in batches]


@pytest.fixture(scope="module")
def files(photographs):
    return sorted(photographs.rglob("*.jpg"))


def test_lab_is_scikit_images():
    random = np.random.default_rng(0)
    rgb = random.integers(0, 256, (2, 64, 64, 3), np.uint8)
    rgb[0, 0] = 0
    rgb[0, 1] = 255
    rgb[0, 2, :3] = np.eye(3) * 255
    lightness, ab = map(np.array, rgb_to_scaled_lab(rgb))
    lab = rgb2lab(rgb)
    np.testing.assert_allclose((lightness[..., 0] + 1) * 50, lab[..., 0], atol=1e-3)
    np.testing.assert_allclose(ab * 110, lab[..., 1:], atol=1e-3)
    assert lightness.dtype == ab.dtype == np.float32


def test_batches_are_full_and_in_range(files):
    batches = as_numpy(training_batches(files, size=48, batch_size=5, steps=3))
    assert len(batches) == 3
    for lightness, ab in batches:
        assert (lightness.shape, ab.shape) == ((5, 48, 48, 1), (5, 48, 48, 2))
        assert lightness.min() >= -1 - 1e-5 and lightness.max() <= 1 + 1e-5
        assert lightness.std() > 0.1 and ab.std() > 0.1


@pytest.mark.parametrize("first_step", [1, 5, 13])
def test_a_later_start_sees_what_the_unbroken_stream_does(files, first_step):
    """24 photographs in batches of 5: passes end within batches, 16 steps are over three."""
    unbroken = as_numpy(training_batches(files, steps=16, **OPTIONS))
    rest = training_batches(files, steps=16 - first_step, first_step=first_step, **OPTIONS)
    for ours, theirs in zip(as_numpy(rest), unbroken[first_step:], strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(ours, theirs, strict=True))


def test_the_shares_of_a_batch_are_the_batch(files):
    options = {"size": 16, "batch_size": 6, "steps": 5, "first_step": 2, "seed": 3}
    parts = [as_numpy(training_batches(files, share=(k, 3), **options)) for k in range(3)]
    assert parts[0][0][0].shape == (2, 16, 16, 1)
    for step, whole in enumerate(as_numpy(training_batches(files, **options))):
        for k in range(2):
            together = np.concatenate([part[step][k] for part in parts])
            np.testing.assert_allclose(together, whole[k], atol=1e-6)


def test_each_pass_covers_every_file_once_in_an_order_of_its_own():
    order = [index for index, _ in zip(arrays._stream(10, 0, 1), range(40), strict=False)]
    indices = [index for index, _ in order]
    passes = [indices[k : k + 10] for k in range(0, 40, 10)]
    assert [sorted(each) for each in passes] == [list(range(10))] * 4
    assert len({tuple(each) for each in passes}) == 4
    assert [position for _, position in order] == list(range(40))


def test_crops_are_eight_ninths_somewhere_and_mirrored_half_of_the_time(tmp_path):
    """A picture whose red grows to the right and whose green grows downwards."""
    ramp = np.full((90, 180, 3), 200, np.uint8)
    ramp[..., 0] = np.arange(180)
    ramp[..., 1] = 60 + np.arange(90)[:, None]
    Image.fromarray(ramp).save(tmp_path / "ramp.png")
    places, mirrored = set(), 0
    for position in range(40):
        crop = arrays._load_crop(tmp_path / "ramp.png", 1, position, size=80, seed=0)
        if crop[0, 0, 0] > crop[0, -1, 0]:
            mirrored += 1
            crop = crop[:, ::-1]
        left, top = int(crop[0, 0, 0]), int(crop[0, 0, 1]) - 60
        np.testing.assert_array_equal(crop, ramp[top : top + 80, left : left + 80])
        places.add((left, top))
    assert 10 < mirrored < 30
    lefts, tops = zip(*places, strict=True)
    assert min(lefts) < 20 and 80 < max(lefts) <= 100
    assert len(set(tops)) >= 8 and min(tops) >= 0 and max(tops) <= 10


def test_crops_are_as_large_as_they_are_asked_to_be(tmp_path):
    ramp = np.zeros((90, 180, 3), np.uint8)
    ramp[..., 0] = np.arange(180)
    Image.fromarray(ramp).save(tmp_path / "ramp.png")
    spans = []
    for position in range(60):
        crop = arrays._load_crop(
            tmp_path / "ramp.png", 1, position, size=40, seed=0, crop=(0.5, 1.0)
        )
        spans.append(abs(int(crop[0, -1, 0]) - int(crop[0, 0, 0])) * 40 / 39)
    assert 43 < min(spans) < 50 < 85 < max(spans) < 92
    assert 60 < np.mean(spans) < 75


@pytest.mark.parametrize("orientation", range(1, 9))
def test_crops_are_upright(orientation, tmp_path):
    """Lightness that rises along the stored rows rises along the columns once it is turned."""
    ramp = np.broadcast_to(np.uint8(np.arange(0, 200, 2))[:, None, None], (100, 100, 3))
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(ramp).save(tmp_path / "a.png", exif=exif)
    with Image.open(tmp_path / "a.png") as image:
        upright = np.asarray(ImageOps.exif_transpose(image)).astype(int)[..., 0]
    crop = arrays._load_crop(tmp_path / "a.png", orientation, 0, size=64, seed=0)
    crop = crop.astype(int)[..., 0]
    assert np.sign(crop[-1, 0] - crop[0, 0]) == np.sign(upright[-1, 0] - upright[0, 0])
    assert (np.ptp(crop[0]) > 50) == (np.ptp(upright[0]) > 50)


def test_a_large_jpeg_gives_the_crop_of_its_reduction(tmp_path):
    """Decoded at an eighth, which is the anti-aliased reduction, to half a pixel."""
    random = np.random.default_rng(0)
    soft = Image.fromarray(random.integers(0, 256, (6, 8, 3), np.uint8))
    large = soft.resize((800, 600), Image.Resampling.BICUBIC)
    large.save(tmp_path / "large.jpg", quality=98, subsampling=0)
    large.save(tmp_path / "large.png")
    for position in range(4):
        jpeg, png = (
            arrays._load_crop(tmp_path / f"large.{kind}", 1, position, size=64, seed=0).astype(int)
            for kind in ("jpg", "png")
        )
        # The place is rounded to pixels of the reduction: the crop before or after is farther off.
        assert np.abs(jpeg - png).mean() < 6
        assert np.abs(jpeg[:, 4:] - png[:, :-4]).mean() > 8


@pytest.mark.parametrize("mode", ["L", "P", "CMYK", "RGBA", "LA"])
def test_all_kinds_of_pixels(mode, tmp_path, make_picture):
    suffix = "jpg" if mode == "CMYK" else "png"
    make_picture(0).convert(mode).save(tmp_path / f"a.{suffix}")
    crop = arrays._load_crop(tmp_path / f"a.{suffix}", 1, 0, size=32, seed=0)
    assert (crop.shape, crop.dtype) == ((32, 32, 3), np.uint8)


def test_small_photographs_are_enlarged(tmp_path, make_picture):
    make_picture(0, 20, 13).save(tmp_path / "a.png")
    ((_, ab),) = as_numpy(training_batches([tmp_path / "a.png"], size=64, batch_size=2, steps=1))
    assert ab.shape == (2, 64, 64, 2)
    assert ab.std() > 0.05


def test_threads_end_with_the_batches(files):
    before = set(threading.enumerate())
    batches = training_batches(files, steps=16, **OPTIONS)
    next(batches)
    ours = set(threading.enumerate()) - before
    assert ours
    batches.close()
    for thread in ours:
        thread.join(10)
        assert not thread.is_alive()


def test_a_file_that_is_gone_is_an_error_that_names_it(files, tmp_path):
    with pytest.raises(ImageError, match=r"gone\.jpg does not exist\.$"):
        list(training_batches([tmp_path / "gone.jpg"], size=16, batch_size=1, steps=1))


def test_no_files_is_an_error():
    with pytest.raises(ValueError, match="no photograph"):
        training_batches([], size=32, batch_size=1, steps=1)
