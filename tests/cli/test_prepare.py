"""`keras-colorize prepare`: whole, broken off, resumed, refused."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from functools import partial
from io import BytesIO

import pytest
import tensorflow as tf
from click.testing import CliRunner
from PIL import Image

from keras_colorize.cli.main import main
from keras_colorize.data.shards import ShardFolder
from keras_colorize.imaging.locks import only_writer

OPTIONS = ("--shards", "4", "--size", "64", "--seed", "3", "--jobs", "2")


def prepare(*arguments):
    return CliRunner().invoke(main, ["prepare", *map(str, arguments)])


def contents(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.glob("[!.]*"))}


def examples(shards):
    """Image by name."""
    found = {}
    for record in tf.data.TFRecordDataset([str(path) for path in shards.paths]):
        feature = tf.train.Example.FromString(record.numpy()).features.feature
        (name,), (image,) = (feature[key].bytes_list.value for key in ("name", "image"))
        assert name.decode() not in found
        found[name.decode()] = image
    return found


@pytest.fixture(scope="module")
def source(tmp_path_factory, photographs, make_picture):
    """24 photographs, two near-grey pictures, twelve files that are none."""
    folder = tmp_path_factory.mktemp("source") / "photographs"
    shutil.copytree(photographs, folder)
    for k in range(2):
        make_picture(k).convert("L").save(folder / f"grey-{k}.png")
    for k in range(12):
        (folder / f"broken-{k:02d}.jpg").write_bytes(b"no image")
    return folder


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory, source):
    made = tmp_path_factory.mktemp("made") / "shards"
    result = prepare(source, made, *OPTIONS)
    assert result.exit_code == 0, result.output
    return made, result


def test_every_photograph_is_in_a_shard_and_small(unbroken, photographs):
    images = examples(ShardFolder.open(unbroken[0]))
    assert images.keys() == {
        path.relative_to(photographs).as_posix() for path in photographs.rglob("*.jpg")
    }
    for image in images.values():
        with Image.open(BytesIO(image)) as opened:
            assert opened.size == (80, 64)


def test_the_manifest_vouches_for_each_shard(unbroken):
    folder, _ = unbroken
    manifest = json.loads((folder / "manifest.json").read_text())
    files = [f"train-{number:05d}-of-00004.tfrecord" for number in range(4)]
    assert [shard["file"] for shard in manifest["shards"]] == files
    assert sorted(path.name for path in folder.iterdir()) == ["manifest.json", *files]
    for shard in manifest["shards"]:
        data = (folder / shard["file"]).read_bytes()
        assert shard["sha256"] == hashlib.sha256(data).hexdigest()
        assert shard["bytes"] == len(data)
    totals = manifest["totals"]
    assert (totals["records"], totals["near_grey"], totals["unreadable"]) == (24, 2, 12)
    settings = manifest["settings"]
    assert (settings["size"], settings["shards"], settings["seed"]) == (64, 4, 3)
    assert (settings["layout"], settings["photographs"]) == ("folder", 38)


def test_another_process_that_makes_them_is_a_sentence(source, tmp_path):
    with only_writer(tmp_path):
        result = prepare(source, tmp_path, *OPTIONS)
    assert result.exit_code == 1
    assert result.stderr.startswith(f"Error: Another process is writing to {tmp_path}; ")


def test_it_says_what_was_left_out(unbroken):
    _, result = unbroken
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    left_out = "2 near-grey, 12 unreadable and 0 missing ones left out"
    assert lines[0].startswith(f"24 photographs ({left_out})")
    assert sum(line.startswith("  left out: broken-") for line in lines) == 10
    assert lines[-1] == "  and 2 more"


def test_the_number_of_processes_and_the_place_make_no_difference(unbroken, source, tmp_path):
    moved = shutil.copytree(source, tmp_path / "moved")
    options = (*OPTIONS[:-1], "1")
    assert prepare(moved, tmp_path / "shards", *options).exit_code == 0
    assert contents(tmp_path / "shards") == contents(unbroken[0])


def test_the_same_command_again_makes_nothing_anew(unbroken, source):
    folder, first = unbroken
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    result = prepare(source, folder, *OPTIONS)
    assert (result.exit_code, result.stderr) == (0, first.stderr)
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == before


def test_a_damaged_shard_alone_is_made_again(unbroken, source, tmp_path):
    folder = shutil.copytree(unbroken[0], tmp_path / "shards")
    damaged = folder / "train-00002-of-00004.tfrecord"
    data = bytearray(damaged.read_bytes())
    data[100] ^= 1
    damaged.write_bytes(data)
    others = {p: p.stat().st_mtime_ns for p in folder.glob("*.tfrecord") if p != damaged}
    assert prepare(source, folder, *OPTIONS).exit_code == 0
    assert contents(folder) == contents(unbroken[0])
    assert {path: path.stat().st_mtime_ns for path in others} == others


# Ends itself while it writes the second shard: where it stands is not left to chance.
BROKEN_OFF = """
import os, signal
from keras_colorize.cli.main import main
from keras_colorize.data.shards import ShardFolder
from keras_colorize.imaging.locks import only_writer
write = ShardFolder.write
def broken_off(self, number, entries):
    def some():
        for place, entry in enumerate(entries):
            if number == 1 and place == 3:
                os.kill(os.getpid(), signal.{signal})
            yield entry
    write(self, number, some())
ShardFolder.write = broken_off
if __name__ == "__main__":
    main()
"""


@pytest.mark.parametrize(("signal", "code"), [("SIGINT", 130), ("SIGKILL", -9)])
def test_what_was_broken_off_goes_on(unbroken, source, tmp_path, signal, code):
    script, folder = tmp_path / "script.py", tmp_path / "shards"
    script.write_text(BROKEN_OFF.format(signal=signal))
    command = [sys.executable, str(script), "prepare", str(source), str(folder), *OPTIONS]
    # Its processes hold the pipes, too: this ends only when all of them have.
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == code
    if signal == "SIGINT":
        assert done.stderr.splitlines() == [
            "Stopped. The same command goes on from the last whole shard.",
            "Interrupted.",
        ]
        assert len(list(folder.iterdir())) == 2
    assert json.loads((folder / "unfinished.json").read_text())["shards"]
    whole = folder / "train-00000-of-00004.tfrecord"
    made = whole.stat().st_mtime_ns
    assert prepare(source, folder, *OPTIONS).exit_code == 0
    assert whole.stat().st_mtime_ns == made
    assert contents(folder) == contents(unbroken[0])


@pytest.mark.parametrize(
    ("option", "value", "name"),
    [("--size", "96", "size"), ("--shards", "3", "shards"), ("--seed", "4", "seed")],
)
def test_other_settings_are_refused(unbroken, source, option, value, name):
    folder, _ = unbroken
    before = contents(folder)
    result = prepare(source, folder, *OPTIONS, option, value)
    assert result.exit_code == 1
    assert result.stderr == (
        f"Error: {folder} holds shards of other settings (different: {name}); name another "
        "folder, or give the same options to go on.\n"
    )
    assert contents(folder) == before


def test_other_photographs_are_refused(unbroken, photographs):
    folder, _ = unbroken
    before = contents(folder)
    result = prepare(photographs, folder, *OPTIONS)
    assert "(different: photographs, photographs_digest)" in result.stderr
    assert contents(folder) == before


def test_a_split_of_a_known_layout(tmp_path, make_picture):
    (tmp_path / "places/val_256").mkdir(parents=True)
    names = [f"Places365_val_{number:08d}.jpg" for number in range(1, 5)]
    for number, name in enumerate(names[:3]):
        make_picture(number).save(tmp_path / "places/val_256" / name)
    (tmp_path / "places/places365_val.txt").write_text("".join(f"{n} 165\n" for n in names))
    folder = tmp_path / "shards"
    result = prepare(tmp_path / "places", folder, "--split", "val", "--shards", "2", "--jobs", "1")
    assert result.exit_code == 0
    assert "and 1 missing ones left out) of layout Places365, in 2 shards" in result.stderr
    shards = ShardFolder.open(folder)
    assert sorted(shards.shards) == [f"val-0000{k}-of-00002.tfrecord" for k in range(2)]
    assert examples(shards).keys() == set(names[:3])


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ("{source}", "{full}", "--shards", "4"),
            "full exists and holds no shards; name another folder.",
        ),
        (("{source}", "{new}", "--shards", "39"), "39 shards are more than the 38 photographs."),
        (("{source}", "{new}", "--split", "val"), "has no split 'val'."),
        (("{full}", "{new}"), "There is no photograph in "),
        (("nowhere", "{new}"), "nowhere is not a folder."),
        (("{shards}", "{new}"), "holds shards, which `keras-colorize train` reads as they are."),
    ],
)
def test_mistakes_are_one_sentence(arguments, sentence, source, unbroken, tmp_path):
    full, new = tmp_path / "full", tmp_path / "new"
    full.mkdir()
    (full / "letter.txt").write_text("mine")
    places = {"source": source, "full": full, "new": new, "shards": unbroken[0]}
    result = prepare(*(argument.format(**places) for argument in arguments), "--size", "64")
    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1
    assert sentence in result.stderr
    assert contents(full) == {"letter.txt": b"mine"}
    assert not new.exists()


def test_a_process_that_dies_is_one_sentence(tmp_path, source, monkeypatch):
    """As the system ends one for want of memory: before it takes up work, here."""
    monkeypatch.setattr("keras_colorize.preparation._start_worker", partial(os._exit, 1))
    result = prepare(source, tmp_path / "shards", *OPTIONS)
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: A process ended before its work")
    assert len(result.stderr.splitlines()) == 1


def test_tensorflow_datasets_is_an_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_datasets", None)
    result = prepare("tfds:imagenette", tmp_path / "shards")
    assert result.exit_code == 1
    assert result.stderr == (
        "Error: This needs tensorflow_datasets, which is not installed. Install it with: "
        'pip install ".[tfds]" in a clone of keras-colorize\n'
    )
