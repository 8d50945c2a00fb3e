"""`keras-colorize train` on shards."""

import json
import shutil

import pytest
from click.testing import CliRunner
from PIL import Image

from keras_colorize.cli.main import main
from keras_colorize.data.shards import ShardFolder
from keras_colorize.training import trainer
from keras_colorize.training.checkpointer import TrainingStopped


@pytest.fixture(scope="module")
def shards(tmp_path_factory, photographs):
    folder = tmp_path_factory.mktemp("prepared") / "shards"
    options = ["--shards", "2", "--size", "64", "--jobs", "2"]
    result = CliRunner().invoke(main, ["prepare", str(photographs), str(folder), *options])
    assert result.exit_code == 0, result.output
    return folder


def test_trains_on_shards(shards, tmp_path, train):
    options = ["--preset", "tiny", "--epochs", 1, "--warm-up-epochs", 1, "--steps-per-epoch", 2]
    result = train(shards, "--run", tmp_path / "run", *options)
    assert result.exit_code == 0, result.output
    assert "24 photographs in 2 shards\n1 epochs, batches of 4; run folder" in result.stderr
    assert 0 < json.loads((tmp_path / "run/metrics.jsonl").read_text())["l1_loss"] < 2
    assert json.loads((tmp_path / "run/config.json").read_text())["photographs"] == 24
    with Image.open(tmp_path / "run/samples/epoch-0001.png") as samples:
        assert samples.height > 6 * 256


def test_a_damaged_shard_is_a_sentence(shards, tmp_path, train, monkeypatch):
    def fit(gan, batches, **options):
        next(iter(batches))

    monkeypatch.setattr(trainer.ColorizationGAN, "fit", fit)  # building its graph takes the time
    mine = shutil.copytree(shards, tmp_path / "shards")
    path = mine / "train-00001-of-00002.tfrecord"
    contents = bytearray(path.read_bytes())
    contents[len(contents) // 2] ^= 1
    path.write_bytes(contents)
    result = train(mine, "--run", tmp_path / "run", "--preset", "tiny", "--batch-size", 24)
    assert result.exit_code == 1
    assert result.stderr.splitlines()[-1] == (
        f"Error: {path} is not what the manifest says; "
        "give the `keras-colorize prepare` command that made them again."
    )


def test_a_stop_does_not_wait_for_a_look_at_the_shards(shards, tmp_path, train, monkeypatch):
    """They may be many gigabytes, and who sends SIGTERM gives some seconds."""

    def stop(gan, batches, **options):
        raise TrainingStopped

    looked = []
    monkeypatch.setattr(trainer.ColorizationGAN, "fit", stop)
    monkeypatch.setattr(ShardFolder, "check", looked.append)
    result = train(shards, "--run", tmp_path / "run", "--preset", "tiny", "--batch-size", 24)
    assert result.exit_code == 0
    assert result.stderr.splitlines()[-1] == "Stopped. The same command goes on from there."
    assert looked == []
