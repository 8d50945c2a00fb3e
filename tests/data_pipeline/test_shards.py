"""Shards: what is in them, and how they are refused."""

import hashlib
import json

import pytest
import tensorflow as tf

from keras_colorize.data.records import images_in
from keras_colorize.data.shard import Entry, ShardError
from keras_colorize.data.shards import ShardFolder

SETTINGS = {"split": "val", "shards": 2, "size": 64}


def records(path):
    return [
        tf.train.Example.FromString(record.numpy()) for record in tf.data.TFRecordDataset(str(path))
    ]


def test_a_shard_holds_images_and_names(tmp_path):
    shards = ShardFolder.begin(tmp_path / "shards", SETTINGS)
    entries = [
        Entry("a/1.jpg", b"one"),
        Entry("grey.jpg", b""),
        Entry("broken.jpg", b"", "cannot be read: it is broken."),
        Entry("b\udcff.jpg", b"two"),  # a name that is no UTF-8
    ]
    shards.write(1, entries)
    path = tmp_path / "shards/val-00001-of-00002.tfrecord"
    features = [example.features.feature for example in records(path)]
    assert [list(f["image"].bytes_list.value) for f in features] == [[b"one"], [b"two"]]
    assert [list(f["name"].bytes_list.value) for f in features] == [[b"a/1.jpg"], [b"b\xff.jpg"]]
    shard = shards.made(1)
    assert (shard.records, shard.near_grey, shard.photographs) == (2, 1, 4)
    assert shard.unreadable == {"broken.jpg": "cannot be read: it is broken."}
    assert shard.bytes == path.stat().st_size
    assert shard.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert sorted(file.name for file in path.parent.iterdir()) == ["unfinished.json", path.name]


def test_the_manifest_appears_with_the_last_shard(tmp_path):
    shards = ShardFolder.begin(tmp_path, SETTINGS)
    shards.write(1, [Entry("b", b"2"), Entry("c", b"33")])
    with pytest.raises(ShardError, match="not finished"):
        ShardFolder.open(tmp_path)
    again = ShardFolder.begin(tmp_path, SETTINGS)
    assert again.made(1) == shards.made(1)
    assert again.made(0) is None
    again.write(0, [Entry("a", b"1"), Entry("x", b""), Entry("y", b"", "why.")])
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "manifest.json",
        "val-00000-of-00002.tfrecord",
        "val-00001-of-00002.tfrecord",
    ]
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest["settings"] == SETTINGS
    size = sum(path.stat().st_size for path in tmp_path.glob("*.tfrecord"))
    assert manifest["totals"] == {"records": 3, "bytes": size, "near_grey": 1, "unreadable": 1}
    assert [shard["records"] for shard in manifest["shards"]] == [1, 2]
    opened = ShardFolder.open(tmp_path)
    assert opened.count == 3
    assert opened.examples(2) == [b"1", b"2"]


def test_shards_of_other_settings_are_refused(tmp_path):
    ShardFolder.begin(tmp_path / "shards", SETTINGS)
    before = (tmp_path / "shards/unfinished.json").read_bytes()
    with pytest.raises(ShardError, match=r"other settings \(different: size, seed\)"):
        ShardFolder.begin(tmp_path / "shards", {**SETTINGS, "size": 96, "seed": 1})
    with pytest.raises(ShardError, match=r"\(different: size\)"):
        ShardFolder.begin(tmp_path / "shards", {"split": "val", "shards": 2})
    assert (tmp_path / "shards/unfinished.json").read_bytes() == before


@pytest.mark.parametrize("name", ["notes.txt", "manifest.json"])
def test_a_folder_with_something_else_is_refused(tmp_path, name):
    (tmp_path / name).write_text('{"format": "another"}')
    assert not ShardFolder.is_at(tmp_path)
    with pytest.raises(ShardError, match="exists and holds no shards; name another folder"):
        ShardFolder.begin(tmp_path, SETTINGS)
    with pytest.raises(ShardError, match="holds no shards"):
        ShardFolder.open(tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == [name]


def test_a_shard_that_is_broken_off_leaves_nothing(tmp_path):
    def entries():
        yield Entry("a", b"1")
        raise KeyboardInterrupt

    shards = ShardFolder.begin(tmp_path, SETTINGS)
    with pytest.raises(KeyboardInterrupt):
        shards.write(0, entries())
    assert shards.made(0) is None
    assert [file.name for file in tmp_path.iterdir()] == ["unfinished.json"]


def test_a_shard_that_cannot_be_written_is_one_sentence(tmp_path):
    shards = ShardFolder.begin(tmp_path / "shards", SETTINGS)
    (tmp_path / "shards/unfinished.json").unlink()
    (tmp_path / "shards").rmdir()
    with pytest.raises(ShardError, match=r"/val-.* cannot be written or read: .*\.$"):
        shards.write(0, [Entry("a", b"1")])


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.999])
def test_on_a_full_disk_no_shard_appears(tmp_path, files_end_at, share):
    entries = [Entry(str(k), bytes([k]) * 5000) for k in range(20)]
    shards = ShardFolder.begin(tmp_path, SETTINGS)
    whole = sum(len(entry.jpeg) for entry in entries)
    with files_end_at(int(whole * share)):
        with pytest.raises(ShardError, match=r"/val-.* cannot be written or read: .*\.$"):
            shards.write(0, entries)
    assert [file.name for file in tmp_path.iterdir()] == ["unfinished.json"]


def test_what_a_kill_left_in_a_new_folder_is_no_other_use_of_it(tmp_path):
    (tmp_path / f".keras-colorize-{'0' * 16}.tmp").write_text("half")
    assert ShardFolder.begin(tmp_path, SETTINGS).shards == {}


def test_a_shard_that_reads_back_otherwise_is_refused(tmp_path, monkeypatch):
    """A writer that loses what it is given, or damages it."""

    class Losing(tf.io.TFRecordWriter):
        def write(self, record):
            if b"lost" not in record:
                super().write(record)

    class Damaging(tf.io.TFRecordWriter):
        def __init__(self, path):
            super().__init__(path)
            self.path = path

        def __exit__(self, *error):
            super().__exit__(*error)
            with open(self.path, "r+b") as stream:
                stream.seek(20)
                stream.write(b"?")

    shards = ShardFolder.begin(tmp_path, SETTINGS)
    for writer, sentence in ((Losing, "has 1 records instead of 2"), (Damaging, "cannot be")):
        monkeypatch.setattr(tf.io, "TFRecordWriter", writer)
        with pytest.raises(ShardError, match=sentence):
            shards.write(0, [Entry("a", b"1"), Entry("lost", b"2")])
        assert [file.name for file in tmp_path.iterdir()] == ["unfinished.json"]


def test_a_changed_or_lost_shard_is_noticed(photographs, make_shards, damage):
    shards = make_shards(sorted(photographs.rglob("*.jpg")), 3)
    first, second, third = shards.paths
    damage(first)
    assert shards.made(0) is None
    assert shards.made(1) is not None
    second.write_bytes(second.read_bytes()[:-1])
    with pytest.raises(ShardError, match=r"train-00001-of-00003\.tfrecord is not what"):
        ShardFolder.open(shards.folder)
    third.unlink()
    assert shards.made(2) is None


def test_a_digest_is_of_content(photographs, make_shards, tmp_path):
    files = sorted(photographs.rglob("*.jpg"))
    one, same = (make_shards(files[:6], 2, name) for name in ("one", "same"))
    other = make_shards(files[1:7], 2, "other")
    assert one.digest == same.digest != other.digest


def test_images_are_read_without_tensorflow_as_with_it(photographs, make_shards):
    """Of records as others may write them, too: further features, of any kind, in any order."""
    files = sorted(photographs.rglob("*.jpg"))
    shards = make_shards(files[:5], 2)
    assert shards.images_of(shards.made(0)) == [file.read_bytes() for file in files[:5:2]]
    path = shards.folder / "other.tfrecord"
    feature = {
        "width": tf.train.Feature(int64_list=tf.train.Int64List(value=[7])),
        "image": tf.train.Feature(bytes_list=tf.train.BytesList(value=[b"one", b"more"])),
        "a": tf.train.Feature(float_list=tf.train.FloatList(value=[1.5])),
    }
    example = tf.train.Example(features=tf.train.Features(feature=feature))
    with tf.io.TFRecordWriter(str(path)) as writer:
        writer.write(example.SerializeToString())
        writer.write(example.SerializeToString())
    assert images_in(path.read_bytes()) == [b"one", b"one"]


# The stream of batches, on TensorFlow and on JAX.
