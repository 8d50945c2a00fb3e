"""Runs that are stopped in every way, and go on as if they had not been."""

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from keras_colorize.training import checkpointer, trainer
from keras_colorize.training.callbacks import DivergenceGuard
from keras_colorize.training.report import REPORT
from keras_colorize.training.runs import Run

# `keras-colorize train` that ends itself by SIGKILL: where it stands is not left to chance.
MOMENTS = {
    "in the middle of an epoch": (
        "from keras_colorize.training.callbacks import DivergenceGuard as Where\n"
        "NAME, WHEN = 'on_train_batch_end', lambda self, batch, logs=None: "
        "self.model.adversarial and batch == 3\n"
    ),
    "between metrics and checkpoint": (
        "from keras_colorize.training.runs import Run as Where\n"
        "NAME, WHEN = 'save_checkpoint', lambda self, gan, epochs: epochs == 2\n"
    ),
}
KILLED = """
import os, signal, sys
usual = getattr(Where, NAME)
def method(self, *arguments, **options):
    if WHEN(self, *arguments, **options):
        os.kill(os.getpid(), signal.SIGKILL)
    return usual(self, *arguments, **options)
setattr(Where, NAME, method)

import runpy
runpy.run_path(sys.argv.pop(1), run_name="__main__")
"""
SMALL_TRAIN = str(Path(__file__).with_name("small_train.py"))


@pytest.mark.parametrize(
    ("moment", "number"),
    [
        ("in the middle of an epoch", signal.SIGTERM),
        pytest.param("between metrics and checkpoint", signal.SIGINT, marks=pytest.mark.slow),
    ],
)
def test_a_run_that_is_killed_and_then_stopped_goes_on_as_the_unbroken_one(
    moment,
    number,
    unbroken,
    early,
    photographs,
    val,
    tmp_path,
    monkeypatch,
    train,
    metrics,
    logged,
    checkpoint,
    recipe,
):
    """In an adversarial epoch, after the first one: nothing is done twice, nothing is lost."""
    run = tmp_path / "run"
    shutil.copytree(early, run)
    arguments = [str(photographs), "--val", str(val), "--run", str(run), *recipe]
    command = [sys.executable, "-c", MOMENTS[moment] + KILLED, SMALL_TRAIN, "train", *arguments]
    killed = subprocess.run(command, capture_output=True, text=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    kept = [path.name for path in (run / "checkpoints").iterdir()]
    assert kept == ["epoch-0001.weights.h5"]
    if "metrics" in moment:
        assert len(metrics(run)) == 2  # one more than there is a checkpoint for

    usual = DivergenceGuard.on_train_batch_end

    def asked(self, batch, logs=None):
        usual(self, batch, logs)
        if self.model.adversarial and batch == 3:
            signal.raise_signal(number)

    with monkeypatch.context() as patch:
        patch.setattr(DivergenceGuard, "on_train_batch_end", asked)
        stopped = train(*arguments)
    assert stopped.exit_code == (0 if number == signal.SIGTERM else 130), stopped.output
    assert stopped.stderr.splitlines()[-1 if stopped.exit_code == 0 else -2] == (
        "Stopped. The same command goes on from there."
    )
    assert "Traceback" not in stopped.stderr and "epoch 1: " not in stopped.stderr
    assert sorted(path.name for path in (run / "checkpoints").iterdir()) == [
        "epoch-0001-step-0000004.weights.h5",
        "epoch-0001.weights.h5",
    ]

    seen = []

    def count(self, batch, logs=None):
        seen.append(self.model.adversarial)

    with monkeypatch.context() as patch:
        patch.setattr(DivergenceGuard, "on_train_batch_end", count)
        ended = train(*arguments)
    assert ended.exit_code == 0, ended.output
    assert seen == (2 + 6) * [True]  # the rest of the second epoch, and the third
    assert metrics(run) == metrics(unbroken[0])
    # When the folder was copied, the picture of epoch 1 may not have been in TensorBoard's file.
    assert [epoch for epoch in logged(run)[1] if epoch > 1] == [2, 3]
    ours, theirs = checkpoint(run), checkpoint(unbroken[0])
    assert ours.keys() == theirs.keys()
    assert [name for name in ours if not np.array_equal(ours[name], theirs[name])] == []
    final = [
        keras.saving.load_model(each / "generator.keras", compile=False).get_weights()
        for each in (run, unbroken[0])
    ]
    assert all(np.array_equal(a, b) for a, b in zip(*final, strict=True))


def _copy_unfinished(run, copy):
    shutil.copytree(run, copy)
    (copy / REPORT).unlink()  # which is written last


@pytest.mark.slow
def test_a_damaged_checkpoint_costs_no_more_than_its_epoch(
    unbroken, photographs, val, tmp_path, train, metrics, recipe
):
    run = tmp_path / "run"
    _copy_unfinished(unbroken[0], run)
    (run / "checkpoints/epoch-0003.weights.h5").write_bytes(b"half a file")
    result = train(photographs, "--val", val, "--run", run, *recipe)
    assert result.exit_code == 0, result.output
    assert "epoch-0003.weights.h5 cannot be read (" in result.stderr
    assert "); continuing from the one before." in result.stderr
    assert "epoch 3: " in result.stderr and "epoch 2: " not in result.stderr
    assert metrics(run) == metrics(unbroken[0])


def test_damaged_checkpoints_are_a_sentence(unbroken, photographs, val, tmp_path, train, recipe):
    run = tmp_path / "run"
    _copy_unfinished(unbroken[0], run)
    for path in (run / "checkpoints").iterdir():
        path.write_bytes(b"half a file")
    result = train(photographs, "--val", val, "--run", run, *recipe)
    assert result.exit_code == 1
    last = result.stderr.splitlines()[-1]
    assert last.startswith("Error: The checkpoint ")
    assert "epoch-0003.weights.h5 cannot be read, nor an earlier one: " in last


def test_ctrl_c_before_the_first_step_exits_130(photographs, tmp_path, monkeypatch, train, recipe):
    def interrupted(*_arguments, **_options):
        raise KeyboardInterrupt

    monkeypatch.setattr(trainer, "batches_of", interrupted)
    result = train(photographs, "--run", tmp_path / "run", *recipe)
    assert result.exit_code == 130
    assert "Traceback" not in result.stderr


@pytest.mark.slow
def test_saves_within_long_epochs(photographs, tmp_path, monkeypatch, train):
    monkeypatch.setattr(checkpointer, "SECONDS_BETWEEN_CHECKPOINTS", 0)
    names = []
    usual = Run.save_checkpoint

    def save(self, gan, epochs, steps=0):
        usual(self, gan, epochs, steps)
        names.append((epochs, steps))

    monkeypatch.setattr(Run, "save_checkpoint", save)
    options = ["--preset", "tiny", "--epochs", 1, "--warm-up-epochs", 1, "--steps-per-epoch", 3]
    assert train(photographs, "--run", tmp_path / "run", *options).exit_code == 0
    assert names == [(0, 1), (0, 2), (0, 3), (1, 0)]


def test_a_photograph_that_is_gone_is_a_sentence(photographs, tmp_path, monkeypatch, train, recipe):
    mine = tmp_path / "mine"
    shutil.copytree(photographs, mine)
    usual = trainer.batches_of

    def gone(photographs, **options):
        photographs.files[5].unlink()
        return usual(photographs, **options)

    def fit(gan, batches, **options):
        list(batches)

    monkeypatch.setattr(trainer, "batches_of", gone)
    monkeypatch.setattr(trainer.ColorizationGAN, "fit", fit)  # building its graph takes the time
    result = train(mine, "--run", tmp_path / "run", *recipe)
    assert result.exit_code == 1
    assert result.stderr.splitlines()[-1].endswith(
        f"{Path('a') / '10.jpg'} is gone; run the same command again when it is back."
    )
