"""A whole run on JAX without TensorFlow, stopped in the middle of an epoch and begun again."""

import json
import os
import subprocess
import sys

import keras
import numpy as np
import pytest

from keras_colorize.data.shard import Entry
from keras_colorize.data.shards import ShardFolder

SCRIPT = """
import os, sys
sys.modules["tensorflow"] = None
from dataclasses import replace
from pathlib import Path
from keras_colorize.config import PRESETS, GeneratorConfig
from keras_colorize.data.folders import scan_folder
from keras_colorize.data.shards import ShardFolder
from keras_colorize.training.callbacks import DivergenceGuard
from keras_colorize.training.trainer import train

photographs, folder = map(Path, sys.argv[1:])
tiny = PRESETS["tiny"]
preset = replace(
    tiny,
    generator=GeneratorConfig((2, 2, 2, 2, 2), 2, "unet"),
    training=replace(tiny.training, warm_up_epochs=1, steps_per_epoch=4, ema=0.9, seed=5),
)
scan = scan_folder(photographs)
train(preset, scan, folder / "unbroken", val=photographs / "a")
usual = DivergenceGuard.on_train_batch_end

def stop(self, batch, logs=None):
    usual(self, batch, logs)
    if self.model.adversarial and batch == 2:
        raise KeyboardInterrupt

DivergenceGuard.on_train_batch_end = stop
try:
    train(preset, scan, folder / "stopped", val=photographs / "a")
except KeyboardInterrupt:
    print(sorted(path.name for path in (folder / "stopped/checkpoints").iterdir()))
DivergenceGuard.on_train_batch_end = usual
train(preset, scan, folder / "stopped", val=photographs / "a")
train(preset, ShardFolder.open(folder / "shards"), folder / "sharded")
"""


@pytest.fixture(scope="module")
def runs(photographs, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    shards = ShardFolder.begin(folder / "shards", {"split": "train", "shards": 2})
    files = sorted(photographs.rglob("*.jpg"))
    for number in range(2):
        shards.write(number, [Entry(file.name, file.read_bytes()) for file in files[number::2]])
    environment = {
        **os.environ,
        "KERAS_BACKEND": "jax",
        "JAX_PLATFORMS": "cpu",
        "XLA_FLAGS": "--xla_backend_optimization_level=0",  # compiling is what takes the time
        # The second and the third run compile what the first one did.
        "JAX_COMPILATION_CACHE_DIR": str(tmp_path_factory.mktemp("compiled")),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    }
    result = subprocess.run(
        [sys.executable, "-W", "error::UserWarning", "-c", SCRIPT, str(photographs), str(folder)],
        capture_output=True,
        text=True,
        env=environment,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout == "['epoch-0001.weights.h5']\n"
    return folder


def metrics(run):
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    for line in lines:
        assert line.pop("seconds") >= 0
    return lines


def test_a_stopped_run_goes_on_as_the_unbroken_one(runs):
    ours, theirs = metrics(runs / "stopped"), metrics(runs / "unbroken")
    assert ours == theirs
    assert [line["images"] for line in ours] == [16, 32]
    assert ours[0]["discriminator_loss"] is None
    assert 0.5 < ours[1]["discriminator_loss"] < 5
    assert "val_psnr" in ours[1]


def test_it_trains_on_shards(runs):
    """The same photographs in another order: the same beginning, about the same end."""
    lines, others = metrics(runs / "sharded"), metrics(runs / "unbroken")
    assert [line["images"] for line in lines] == [16, 32]
    assert lines[0]["l1_loss"] != others[0]["l1_loss"]
    assert lines[1]["l1_loss"] == pytest.approx(others[1]["l1_loss"], rel=0.3)


def test_it_is_watched_and_reported_without_tensorflow(runs, logged):
    scalars, samples = logged(runs / "stopped")
    expected = [(line["epoch"], line["l1_loss"]) for line in metrics(runs / "stopped")]
    assert scalars["losses/l1_loss"] == [(e, pytest.approx(loss)) for e, loss in expected]
    assert len(scalars["gradient_norms/gradient_norm_3"]) == 2
    assert samples == [1, 2]
    for run in ("stopped", "unbroken"):
        assert '<th scope="row">grey</th>' in (runs / run / "report.html").read_text()


def test_its_generator_runs_on_tensorflow(runs):
    networks = [
        keras.saving.load_model(runs / run / "generator.keras", compile=False)
        for run in ("stopped", "unbroken")
    ]
    for a, b in zip(*(network.get_weights() for network in networks), strict=True):
        assert np.array_equal(a, b)
    ab = networks[0](np.zeros((1, 64, 96, 1), np.float32))
    assert tuple(ab.shape) == (1, 32, 48, 2)
    assert np.isfinite(np.array(ab)).all()
