"""The stream of batches from shards, on TensorFlow and on JAX."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from skimage.color import rgb2lab

from keras_colorize.data import arrays, tfdata
from keras_colorize.data.shard import Entry, ShardError
from keras_colorize.data.shards import ShardFolder


@pytest.fixture(params=[tfdata, arrays], ids=["tensorflow", "jax"])
def pipeline(request):
    return request.param


def as_numpy(batches):
    return [(np.array(lightness), np.array(ab)) for lightness, ab in batches]


SHADES = np.uint8([(250 - 20 * k, 20 + 20 * k, 40) for k in range(11)])


@pytest.fixture
def shades(tmp_path, make_shards):
    """Eleven pictures, each of one colour, in shards of 4, 4 and 3."""
    (tmp_path / "shades").mkdir()
    for k, shade in enumerate(SHADES):
        Image.new("RGB", (40, 40), tuple(shade.tolist())).save(tmp_path / f"shades/{k:02d}.png")
    return make_shards(sorted((tmp_path / "shades").iterdir()), 3)


def which(batches):
    """The number of the picture behind each crop of `shades`."""
    means = np.concatenate([ab.mean((1, 2)) for _, ab in batches]) * 110
    distances = np.linalg.norm(means[:, None] - rgb2lab(SHADES[None])[0, :, 1:], axis=-1)
    assert distances.min(1).max() < 2
    return distances.argmin(1).tolist()


def test_crops_are_those_of_the_files(pipeline, photographs, make_shards):
    """One shard of one photograph leaves no order to differ in."""
    files = sorted(photographs.rglob("*.jpg"))[:1]
    options = {"size": 48, "batch_size": 2, "steps": 3, "seed": 7}
    ours = as_numpy(pipeline.shard_batches(make_shards(files, 1), **options))
    theirs = as_numpy(pipeline.training_batches(files, **options))
    assert len(ours) == len(theirs) == 3
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(one[0], other[0])
        np.testing.assert_array_equal(one[1], other[1])


@pytest.mark.parametrize("first_step", [*range(1, 9), 13])
def test_a_later_start_sees_what_the_unbroken_stream_does(pipeline, shades, first_step):
    """11 photographs, batches of 3: starts within shards, at their ends and those of passes."""
    options = {"size": 16, "batch_size": 3, "seed": 5}
    unbroken = as_numpy(pipeline.shard_batches(shades, steps=16, **options))
    rest = as_numpy(
        pipeline.shard_batches(shades, steps=16 - first_step, first_step=first_step, **options)
    )
    assert len(rest) == 16 - first_step
    for ours, theirs in zip(rest, unbroken[first_step:], strict=True):
        np.testing.assert_array_equal(ours[0], theirs[0])
        np.testing.assert_array_equal(ours[1], theirs[1])


@pytest.mark.parametrize("source", ["shards", "files"])
def test_the_shares_of_a_batch_are_the_batch(pipeline, shades, tmp_path, source):
    options = {"size": 16, "batch_size": 6, "steps": 5, "first_step": 2, "seed": 3}
    files = sorted((tmp_path / "shades").iterdir())

    def batches(**share):
        if source == "shards":
            return as_numpy(pipeline.shard_batches(shades, **options, **share))
        return as_numpy(pipeline.training_batches(files, **options, **share))

    parts = [batches(share=(k, 3)) for k in range(3)]
    assert parts[0][0][0].shape == (2, 16, 16, 1)
    assert len(parts[2]) == 5
    for step, whole in enumerate(batches()):
        for k in range(2):
            together = np.concatenate([part[step][k] for part in parts])
            np.testing.assert_allclose(together, whole[k], atol=1e-6)


def test_each_pass_covers_every_record_once_in_an_order_of_its_own(pipeline, shades):
    order = which(as_numpy(pipeline.shard_batches(shades, size=8, batch_size=4, steps=11, seed=1)))
    passes = [order[k : k + 11] for k in range(0, 44, 11)]
    assert [sorted(each) for each in passes] == [list(range(11))] * 4
    assert len({tuple(each) for each in passes}) == 4
    # Shard k holds the pictures k, k + 3, ...: their order differs, and that within each.
    assert len({tuple(dict.fromkeys(k % 3 for k in each)) for each in passes}) > 1
    for shard in range(3):
        assert len({tuple(k for k in each if k % 3 == shard) for each in passes}) > 1


def test_seeds_differ_in_order(pipeline, shades):
    orders = [
        which(as_numpy(pipeline.shard_batches(shades, size=8, batch_size=11, steps=1, seed=seed)))
        for seed in (0, 1, 2**32 - 1)
    ]
    assert len({tuple(order) for order in orders}) == 3


def test_an_empty_shard_is_passed_over(pipeline, tmp_path, make_picture):
    shards = ShardFolder.begin(tmp_path, {"split": "train", "shards": 3})
    jpeg = BytesIO()
    make_picture(0).save(jpeg, "JPEG")
    for number in range(3):
        shards.write(number, [Entry("a", jpeg.getvalue() if number == 1 else b"")])
    batches = pipeline.shard_batches(ShardFolder.open(tmp_path), size=16, batch_size=2, steps=3)
    assert len(as_numpy(batches)) == 3


def test_no_photographs_are_an_error(pipeline, tmp_path):
    shards = ShardFolder.begin(tmp_path, {"split": "train", "shards": 1})
    shards.write(0, [Entry("grey", b"")])
    with pytest.raises(ValueError, match="no photograph"):
        pipeline.shard_batches(ShardFolder.open(tmp_path), size=16, batch_size=2, steps=3)


def test_a_shard_that_was_damaged_since_is_an_error(pipeline, shades, damage):
    damage(shades.paths[1])
    with pytest.raises(Exception, match="corrupted|is not what the manifest says; give the"):
        as_numpy(pipeline.shard_batches(shades, size=8, batch_size=11, steps=1))
    with pytest.raises(ShardError, match="train-00001-of-00003.* is not what the manifest says"):
        shades.check()
