"""`keras-colorize train`: a whole small run, stopped in every way, and the sentences it says."""

import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from keras_colorize.cli.main import main
from keras_colorize.config import PRESETS
from keras_colorize.imaging.images import read_rgb
from keras_colorize.training import trainer
from keras_colorize.training.callbacks import DivergenceGuard

# Keras 3.15 reads TensorFlow's variables the old way when it saves; users do not see this one.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

RECIPE = (
    "--preset tiny --warm-up-epochs 1 --epochs 3 --seed 5 --ema 0.9 --schedule linear "
    "--label-smoothing 0.1"
).split()
COMMAND = "from keras_colorize.cli.main import main; main()"
# The same, but it ends itself by SIGKILL: where it stands is not left to chance.
MOMENTS = {
    "in the middle of an epoch": (
        "from keras_colorize.training.callbacks import DivergenceGuard as Where\n"
        "NAME, WHEN = 'on_train_batch_end', lambda self, batch, logs=None: "
        "self.model.adversarial and batch == 3\n"
    ),
    "between metrics and checkpoint": (
        "from keras_colorize.training.runs import Run as Where\n"
        "NAME, WHEN = 'save_checkpoint', lambda self, model, epochs_done: epochs_done == 2\n"
    ),
}
KILLED = """
import os, signal
usual = getattr(Where, NAME)
def method(self, *arguments, **options):
    if WHEN(self, *arguments, **options):
        os.kill(os.getpid(), signal.SIGKILL)
    return usual(self, *arguments, **options)
setattr(Where, NAME, method)
"""


@pytest.fixture(scope="module")
def val(tmp_path_factory, make_picture):
    folder = tmp_path_factory.mktemp("val")
    (folder / "0-broken.jpg").write_bytes(b"no image")
    for k in range(1, 4):
        make_picture(100 + k, 280, 260).save(folder / f"{k}.jpg")
    return folder


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


def train(*arguments):
    return CliRunner().invoke(main, ["train", *map(str, arguments)])


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory, photographs, val):
    run = tmp_path_factory.mktemp("runs") / "unbroken"
    result = train(photographs, "--val", val, "--run", run, *RECIPE)
    assert result.exit_code == 0, result.output
    return run, result


def metrics(run):
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    for line in lines:
        assert line.pop("seconds") >= 0
    return lines


def checkpoint(run):
    """All that the last checkpoint holds, by name."""
    found = {}
    with h5py.File(run / "checkpoints/epoch-0003.weights.h5") as file:
        file.visititems(
            lambda name, item: found.update({name: item[()]}) if hasattr(item, "shape") else None
        )
    return found


def test_a_run_leaves_all_of_it_in_its_folder(unbroken, photographs):
    run, result = unbroken
    config = json.loads((run / "config.json").read_text())
    assert config["preset"] == "tiny"
    assert config["training"]["seed"] == 5
    assert config["training"]["ema"] == 0.9
    assert config["photographs"] == 24
    assert set(config["about"]) >= {"started", "python", "tensorflow", "keras", "keras-colorize"}
    assert sorted(p.name for p in (run / "checkpoints").iterdir()) == [
        "epoch-0002.weights.h5",
        "epoch-0003.weights.h5",
    ]
    assert [p.name for p in sorted((run / "samples").iterdir())] == [
        f"epoch-{k:04d}.png" for k in (1, 2, 3)
    ]
    with Image.open(run / "curves.png") as curves:
        assert curves.size[0] > 1000
    assert list((run / "tensorboard").rglob("events.*"))
    assert not list(run.rglob("saving-*"))
    assert "24 photographs (0 near-grey and 0 unreadable ones left out)" in result.stderr
    assert "epoch 3: " in result.stderr
    assert result.stderr.endswith(f"Done. The generator is {run / 'generator.keras'}\n")
    assert result.stdout == ""


def test_metrics_have_a_line_an_epoch(unbroken):
    lines = metrics(unbroken[0])
    assert [line["epoch"] for line in lines] == [1, 2, 3]
    assert [line["images"] for line in lines] == [24, 48, 72]
    for line in lines:
        took_part = line["epoch"] > 1
        assert (line["discriminator_loss"] is not None) == took_part
        assert (line["adversarial_loss"] is not None) == took_part
        assert 0 < line["l1_loss"] < 2
        expected = 100 * line["l1_loss"] + (line["adversarial_loss"] or 0)
        assert line["generator_loss"] == pytest.approx(expected, rel=1e-3)
        assert line["val_psnr"] - line["val_psnr_gain"] == pytest.approx(
            lines[0]["val_psnr"] - lines[0]["val_psnr_gain"]
        )
        assert line["val_colorfulness_ratio"] > 0
    rates = [line["learning_rate"] for line in lines]
    assert rates == pytest.approx([1e-3 * 2 / 3, 1e-3 / 3, 0], abs=1e-9)


def test_samples_show_grey_ours_and_truth_of_what_can_be_read(unbroken):
    strip = read_rgb(unbroken[0] / "samples/epoch-0003.png")
    assert strip.shape == (3 * 256 + 2 * 4, 3 * 256 + 2 * 4, 3)  # three of four can be read
    grey, ours, truth = strip[:256, :256], strip[:256, 260:516], strip[:256, 520:]
    assert np.ptp(grey.astype(int), axis=-1).max() <= 1
    assert np.ptp(truth.astype(int), axis=-1).mean() > 50
    assert 0 < np.ptp(ours.astype(int), axis=-1).max()


def test_generator_file_is_the_average_of_the_last_epoch(unbroken):
    run, _ = unbroken
    weights = keras.saving.load_model(run / "generator.keras", compile=False).get_weights()
    recipe = replace(PRESETS["tiny"].training, ema=0.9, schedule="linear")
    gan = trainer.build_gan(replace(PRESETS["tiny"], training=recipe), 6)
    gan.load_weights(run / "checkpoints/epoch-0003.weights.h5")
    averages = gan.ema_generator.get_weights()
    assert all(np.array_equal(a, b) for a, b in zip(weights, averages, strict=True))
    last = gan.generator.get_weights()
    assert not any(np.array_equal(a, b) for a, b in zip(weights, last, strict=True))


def test_best_file_is_there_and_works(unbroken):
    best = keras.saving.load_model(unbroken[0] / "best.keras", compile=False)
    assert tuple(best(np.zeros((1, 64, 64, 1), np.float32)).shape) == (1, 32, 32, 2)


@pytest.mark.parametrize(
    "moment",
    [
        "in the middle of an epoch",
        pytest.param("between metrics and checkpoint", marks=pytest.mark.slow),
    ],
)
def test_a_killed_run_goes_on_as_the_unbroken_one(moment, unbroken, photographs, val, tmp_path):
    run = tmp_path / "killed"
    arguments = ["train", str(photographs), "--val", str(val), "--run", str(run), *RECIPE]
    script = MOMENTS[moment] + KILLED + COMMAND
    killed = subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    kept = [path.name for path in (run / "checkpoints").iterdir()]
    assert kept == ["epoch-0001.weights.h5"]
    if "metrics" in moment:
        assert len(metrics(run)) == 2  # one more than there is a checkpoint for
    again = subprocess.run(
        [sys.executable, "-c", COMMAND, *arguments], capture_output=True, text=True
    )
    assert again.returncode == 0, again.stderr
    assert "epoch 1: " not in again.stderr
    assert metrics(run) == metrics(unbroken[0])
    ours, theirs = checkpoint(run), checkpoint(unbroken[0])
    assert ours.keys() == theirs.keys()
    assert [name for name in ours if not np.array_equal(ours[name], theirs[name])] == []
    final = [
        keras.saving.load_model(each / "generator.keras", compile=False).get_weights()
        for each in (run, unbroken[0])
    ]
    assert all(np.array_equal(a, b) for a, b in zip(*final, strict=True))


def test_a_finished_run_is_finished(unbroken, photographs, val):
    run, _ = unbroken
    before = metrics(run), (run / "generator.keras").stat().st_mtime_ns
    result = train(photographs, "--val", val, "--run", run, *RECIPE)
    assert result.exit_code == 0, result.output
    assert "epoch" not in result.stderr.replace("3 epochs", "")
    assert (metrics(run), (run / "generator.keras").stat().st_mtime_ns) == before


def test_refuses_a_run_of_another_configuration(unbroken, photographs, val):
    run, _ = unbroken
    before = metrics(run)
    options = ["--seed", 6, "--l1-weight", 10]
    result = train(photographs, "--val", val, "--run", run, *RECIPE, *options)
    assert result.exit_code == 1
    last = result.stderr.splitlines()[-1]
    assert last.startswith(f"Error: {run} holds a run of another configuration (different: ")
    assert "(different: training.l1_weight, training.seed)" in last
    assert metrics(run) == before


def test_refuses_a_run_on_other_photographs(unbroken, photographs, val, tmp_path):
    others = tmp_path / "others"
    shutil.copytree(photographs, others)
    (others / "a/00.jpg").rename(others / "a/renamed.jpg")
    result = train(others, "--val", val, "--run", unbroken[0], *RECIPE)
    assert result.exit_code == 1
    assert "different: photographs_digest" in result.stderr


def test_refuses_a_folder_that_is_no_run(photographs, tmp_path):
    (tmp_path / "letter.txt").write_text("Dear")
    result = train(photographs, "--run", tmp_path, *RECIPE)
    assert result.exit_code == 1
    assert "is not a training run; name another folder" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_a_damaged_checkpoint_is_a_sentence(unbroken, photographs, val, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(unbroken[0], run)
    (run / "checkpoints/epoch-0003.weights.h5").write_bytes(b"half a file")
    result = train(photographs, "--val", val, "--run", run, *RECIPE)
    assert result.exit_code == 1
    last = result.stderr.splitlines()[-1]
    assert last.startswith("Error: The checkpoint ")
    assert "epoch-0003.weights.h5 cannot be read: " in last


def test_ctrl_c_exits_130_with_a_word(photographs, tmp_path, monkeypatch):
    def interrupted(*_arguments, **_options):
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(trainer, "training_batches", interrupted)
    result = train(photographs, "--run", tmp_path / "run", *RECIPE)
    assert result.exit_code == 130
    assert "Stopped. The same command goes on from the last whole epoch." in result.stderr
    assert "Traceback" not in result.stderr
    assert (tmp_path / "run/config.json").exists()


def test_divergence_is_a_sentence(photographs, tmp_path, monkeypatch):
    def diverge(*arguments):
        for callback in arguments[-1]:
            callback.on_train_batch_end(3, {"l1_loss": np.nan})

    monkeypatch.setattr(trainer, "_fit", diverge)
    result = train(photographs, "--run", tmp_path / "run", *RECIPE)
    assert result.exit_code == 1
    last = result.stderr.splitlines()[-1]
    assert last.startswith("Error: l1_loss is not a finite number any more, in step 4 of the epoch")


@pytest.mark.slow
def test_stops_when_a_loss_is_no_number(photographs, tmp_path):
    options = ["--preset", "tiny", "--warm-up-epochs", 9, "--learning-rate", 1e30]
    result = train(photographs, "--run", tmp_path / "run", *options)
    assert result.exit_code == 1
    last = result.stderr.splitlines()[-1]
    assert last.startswith("Error: ") and "is not a finite number any more, in step " in last
    assert "Traceback" not in result.stderr
    assert not list((tmp_path / "run/checkpoints").iterdir())


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_guard_names_the_loss(value):
    with pytest.raises(ArithmeticError, match=r"^l1_loss is not a finite number.*step 8 of"):
        DivergenceGuard().on_train_batch_end(7, {"generator_loss": 1.0, "l1_loss": value})
    DivergenceGuard().on_train_batch_end(7, {"generator_loss": 1.0, "l1_loss": 0.1})


def test_fewer_photographs_than_a_batch(photographs, tmp_path):
    result = train(photographs, "--run", tmp_path / "run", "--preset", "tiny", "--batch-size", 25)
    assert result.exit_code == 1
    assert result.stderr.splitlines()[-1] == (
        "Error: 24 photographs are fewer than one batch of 25."
    )
    assert not (tmp_path / "run").exists()


def test_names_what_it_leaves_out(make_picture, tmp_path):
    folder = tmp_path / "photographs"
    folder.mkdir()
    for k in range(3):
        make_picture(k).save(folder / f"{k}.jpg")
    for k in range(12):
        (folder / f"broken-{k:02d}.jpg").write_bytes(b"no image")
    Image.new("RGB", (80, 80), "gray").save(folder / "gray.png")
    result = train(folder, "--run", tmp_path / "run", "--preset", "tiny")
    assert result.exit_code == 1  # three are fewer than a batch
    lines = result.stderr.splitlines()
    assert "3 photographs (1 near-grey and 12 unreadable ones left out)" in lines[0]
    assert [line.split(":")[1].rpartition(os.sep)[2] for line in lines[1:11]] == [
        f"broken-{k:02d}.jpg" for k in range(10)
    ]
    assert lines[11] == "  and 2 more"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--preset", "tiny", "--size", "100"], "sides must be multiples of 32 for tiny."),
        (["--preset", "mobile", "--size", "96"], "sides must be multiples of 64 for mobile."),
        (["--preset", "tiny", "--grow", "1:72"], "sides must be multiples of 32 for tiny."),
        (["--preset", "tiny", "--grow", "64"], "'64' is not EPOCHS:SIZE, for example 6:192."),
        (["--seed", "-1"], "--seed"),
        (["--seed", str(2**32)], "--seed"),
        (["--ema", "1"], "--ema"),
        (["--preset", "huge"], "'huge' is not one of"),
    ],
)
def test_usage_errors(photographs, tmp_path, options, sentence):
    result = train(photographs, "--run", tmp_path / "run", *options)
    assert result.exit_code == 2
    assert sentence in result.stderr
    assert not (tmp_path / "run").exists()


def test_says_that_a_folder_holds_no_photograph(tmp_path):
    (tmp_path / "empty").mkdir()
    result = train(tmp_path / "empty", "--run", tmp_path / "run")
    assert result.exit_code == 1
    assert result.stderr.startswith(f"Error: There is no photograph in {tmp_path / 'empty'}")


def test_run_folder_is_named_after_the_preset(photographs, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = train(photographs, "--preset", "tiny", "--batch-size", 25)
    assert f"run folder {Path('runs/tiny')}" in result.stderr


def test_help_ends_in_an_example():
    result = train("--help")
    assert result.exit_code == 0
    assert "keras-colorize train photographs --preset mobile" in result.stdout.split("Example:")[1]
