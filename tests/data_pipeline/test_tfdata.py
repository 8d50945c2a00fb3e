"""Batches for training: colours as in scikit-image, an order and crops that a seed decides."""

import functools

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageOps
from skimage.color import rgb2lab

from keras_colorize.data import tf_crops
from keras_colorize.data.folders import scan_folder
from keras_colorize.data.tfdata import to_lab, training_batches


def arrays(dataset):
    return [(lightness.numpy(), ab.numpy()) for lightness, ab in dataset]


def assert_same(ours, theirs):
    assert len(ours) == len(theirs)
    for (a, b), (c, d) in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(a, c)
        np.testing.assert_array_equal(b, d)


@pytest.fixture(scope="module")
def shades(tmp_path_factory):
    """Ten pictures, each of one colour, so that a crop says which one it is of."""
    folder = tmp_path_factory.mktemp("shades")
    for k in range(10):
        shade = (250 - 20 * k, 20 + 20 * k, 40)
        Image.new("RGB", (40, 40), shade).save(folder / f"{k}.png")
    return sorted(folder.iterdir())


def which(batches):
    """The number of the picture behind each crop of `shades`."""
    expected = rgb2lab(np.uint8([[(250 - 20 * k, 20 + 20 * k, 40) for k in range(10)]]))[0, :, 1:]
    means = np.concatenate([ab.mean((1, 2)) for _, ab in batches]) * 110
    return np.linalg.norm(means[:, None] - expected, axis=-1).argmin(1).tolist()


def test_lab_is_scikit_images():
    random = np.random.default_rng(0)
    rgb = random.integers(0, 256, (2, 64, 64, 3), np.uint8)
    rgb[0, 0] = 0
    rgb[0, 1] = 255
    rgb[0, 2, :3] = np.eye(3) * 255
    lightness, ab = to_lab(tf.constant(rgb))
    lab = rgb2lab(rgb)
    np.testing.assert_allclose((lightness.numpy()[..., 0] + 1) * 50, lab[..., 0], atol=1e-3)
    np.testing.assert_allclose(ab.numpy() * 110, lab[..., 1:], atol=1e-3)
    assert lightness.dtype == ab.dtype == tf.float32


def test_batches_are_full_scaled_and_in_range(photographs):
    scan = scan_folder(photographs)
    batches = arrays(training_batches(scan.files, size=48, batch_size=5, steps=3))
    assert len(batches) == 3
    for lightness, ab in batches:
        assert lightness.shape == (5, 48, 48, 1)
        assert ab.shape == (5, 48, 48, 2)
        assert lightness.min() >= -1 - 1e-5 and lightness.max() <= 1 + 1e-5
        assert np.abs(ab).max() <= 1
        assert lightness.std() > 0.1 and ab.std() > 0.1


def test_shapes_are_known_to_the_graph(shades):
    lightness, ab = training_batches(shades, size=32, batch_size=4, steps=1).element_spec
    assert lightness.shape.as_list() == [4, 32, 32, 1]
    assert ab.shape.as_list() == [4, 32, 32, 2]


@pytest.mark.parametrize("first_step", [1, 5, 6, 13])
def test_a_later_start_sees_what_the_unbroken_stream_does(photographs, first_step):
    """24 photographs in batches of 5: passes end within batches, 16 steps are over three."""
    files = scan_folder(photographs).files
    options = {"size": 16, "batch_size": 5, "seed": 3}
    unbroken = arrays(training_batches(files, steps=16, **options))
    rest = training_batches(files, steps=16 - first_step, first_step=first_step, **options)
    assert_same(arrays(rest), unbroken[first_step:])


def test_each_pass_covers_every_file_once_in_an_order_of_its_own(shades):
    order = which(arrays(training_batches(shades, size=8, batch_size=4, steps=10, seed=1)))
    passes = [order[k : k + 10] for k in range(0, 40, 10)]
    assert [sorted(each) for each in passes] == [list(range(10))] * 4
    assert len({tuple(each) for each in passes}) == 4
    assert list(range(10)) not in passes


def test_seeds_differ_in_order_and_crops(shades, photographs):
    orders = [
        which(arrays(training_batches(shades, size=8, batch_size=10, steps=1, seed=seed)))
        for seed in (0, 1, 2**32 - 1)
    ]
    assert len({tuple(order) for order in orders}) == 3
    one = scan_folder(photographs).files[:1]
    crops = [
        arrays(training_batches(one, size=16, batch_size=1, steps=1, seed=seed))[0][0]
        for seed in (0, 1)
    ]
    assert not np.array_equal(*crops)


def test_a_photographs_crops_differ_from_pass_to_pass(photographs):
    one = scan_folder(photographs).files[:1]
    crops = [x.tobytes() for x, _ in arrays(training_batches(one, size=16, batch_size=1, steps=6))]
    assert len(set(crops)) == 6


def test_crops_are_eight_ninths_somewhere_and_mirrored_half_of_the_time(tmp_path):
    """A picture whose red grows to the right and whose green grows downwards."""
    ramp = np.zeros((90, 180, 3), np.uint8)
    ramp[..., 0] = np.arange(180)
    ramp[..., 1] = 60 + np.arange(90)[:, None]
    ramp[..., 2] = 200
    crops = []
    size = 80  # 8/9 of the short side: no resizing
    Image.fromarray(ramp).save(tmp_path / "ramp.png")
    load = tf.function(tf_crops.random_crop)
    contents = tf.io.read_file(str(tmp_path / "ramp.png"))
    for position in range(40):
        crop = load(contents, tf.constant(1), tf.constant(position, tf.int64), size=size, seed=0)
        crops.append(crop.numpy())
    mirrored = [int(crop[0, 0, 0]) > int(crop[0, -1, 0]) for crop in crops]
    assert 10 < sum(mirrored) < 30
    places = set()
    for crop, flipped in zip(crops, mirrored, strict=True):
        upright = crop[:, ::-1] if flipped else crop
        left, top = int(upright[0, 0, 0]), int(upright[0, 0, 1]) - 60
        np.testing.assert_array_equal(upright, ramp[top : top + size, left : left + size])
        places.add((left, top))
    lefts, tops = zip(*places, strict=True)
    assert min(lefts) < 20 and max(lefts) > 80 and max(lefts) <= 100
    assert len(set(tops)) >= 8 and min(tops) >= 0 and max(tops) <= 10


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied_as_pillow_does(orientation, tmp_path):
    random = np.random.default_rng(orientation)
    picture = Image.fromarray(random.integers(0, 256, (6, 9, 3), np.uint8))
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture.save(tmp_path / "a.png", exif=exif)
    with Image.open(tmp_path / "a.png") as image:
        expected = np.asarray(ImageOps.exif_transpose(image))
    ours = tf_crops._upright(tf.constant(np.asarray(picture)), tf.constant(orientation)).numpy()
    np.testing.assert_array_equal(ours, expected)


def test_orientations_go_with_their_files(tmp_path, shades):
    """Pictures dark above and light below, stored upside down: the batch shows them upright."""
    ramp = np.broadcast_to(np.uint8(np.arange(10, 190, 2))[:, None, None], (90, 90, 3)).copy()
    ramp[..., 2] //= 2
    Image.fromarray(ramp).save(tmp_path / "a.png")
    exif = Image.Exif()
    exif[0x0112] = 3
    Image.fromarray(ramp[::-1, ::-1]).save(tmp_path / "b.png", exif=exif)
    scan = scan_folder(tmp_path)
    assert scan.orientations == [1, 3]
    ((lightness, _),) = arrays(
        training_batches(scan.files, orientations=scan.orientations, size=32, batch_size=8, steps=1)
    )
    assert (lightness[:, -1].mean((1, 2)) > lightness[:, 0].mean((1, 2)) + 0.5).all()


def test_crops_are_as_large_as_they_are_asked_to_be(tmp_path):
    ramp = np.zeros((90, 180, 3), np.uint8)
    ramp[..., 0] = np.arange(180)
    Image.fromarray(ramp).save(tmp_path / "ramp.png")
    contents = tf.io.read_file(str(tmp_path / "ramp.png"))
    load = tf.function(functools.partial(tf_crops.random_crop, size=40, seed=0, crop=(0.5, 1.0)))
    spans = []
    for position in range(60):
        crop = load(contents, tf.constant(1), tf.constant(position, tf.int64)).numpy()
        spans.append(abs(int(crop[0, -1, 0]) - int(crop[0, 0, 0])) * 40 / 39)
    assert 43 < min(spans) < 50 < 85 < max(spans) < 92
    assert 60 < np.mean(spans) < 75


def test_small_photographs_are_enlarged(tmp_path, make_picture):
    make_picture(0, 20, 13).save(tmp_path / "a.png")
    ((lightness, ab),) = arrays(
        training_batches([tmp_path / "a.png"], size=64, batch_size=2, steps=1)
    )
    assert lightness.shape == (2, 64, 64, 1)
    assert ab.std() > 0.05


def test_no_files_is_an_error():
    with pytest.raises(ValueError, match="no photograph"):
        training_batches([], size=32, batch_size=1, steps=1)
