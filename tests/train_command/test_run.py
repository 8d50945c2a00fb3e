"""`keras-colorize train`: a whole small run, and the sentences that it says."""

import json
import os
import re
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from keras_colorize.cli.main import main
from keras_colorize.config import PRESETS
from keras_colorize.evaluation.scoring import score_folder
from keras_colorize.evaluation.tables import score_table
from keras_colorize.imaging.images import read_rgb
from keras_colorize.inference.colorizer import Colorizer
from keras_colorize.training import backends, trainer
from keras_colorize.training.callbacks import DivergenceGuard

# Keras 3.15 reads TensorFlow's variables the old way when it saves; users do not see this one.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


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
    assert not list(run.rglob("saving-*"))
    assert "24 photographs (0 near-grey and 0 unreadable ones left out)" in result.stderr
    assert "epoch 3: " in result.stderr
    assert "gradient_norm" not in result.stderr
    assert f"How it went: {run / 'report.html'}\n" in result.stderr
    assert result.stderr.endswith(f"Done. The generator is {run / 'best.keras'}\n")
    assert result.stdout == ""


def test_metrics_have_a_line_an_epoch(unbroken, metrics):
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
        assert all(0 < line[f"gradient_norm_{scale}"] < 1e4 for scale in range(5))
    rates = [line["learning_rate"] for line in lines]
    assert rates == pytest.approx([1e-3 * 2 / 3, 1e-3 / 3, 0], abs=1e-9)


def test_tensorboard_shows_the_same_figures_and_the_samples(unbroken, metrics, logged):
    scalars, samples = logged(unbroken[0])
    lines = metrics(unbroken[0])
    shown = {tag.partition("/")[2]: points for tag, points in scalars.items()}
    assert set(shown) == {*lines[-1], "seconds"}
    assert {"losses/l1_loss", "gradient_norms/gradient_norm_4", "validation/val_psnr"} <= set(
        scalars
    )
    for name in lines[-1]:
        expected = [(line["epoch"], line[name]) for line in lines if line[name] is not None]
        assert shown[name] == [(epoch, pytest.approx(value)) for epoch, value in expected]
    assert samples == [1, 2, 3]


def test_weights_and_biases_gets_the_same_figures_and_the_samples(unbroken, metrics, wandb):
    run, _ = unbroken
    identity = json.loads((run / "wandb.json").read_text())["id"]
    (_, options), *logs, finish = wandb.calls[identity]
    assert options["config"]["training"]["seed"] == 5
    assert (options["name"], options["resume"], options["dir"]) == ("unbroken", "allow", str(run))
    assert "mode" not in options  # its own environment variables decide
    assert [(kind, step) for kind, step, _ in logs] == [("log", 1), ("log", 2), ("log", 3)]
    assert logs[1][2]["losses/l1_loss"] == metrics(run)[1]["l1_loss"]
    assert "losses/discriminator_loss" not in logs[0][2]
    assert logs[2][2]["samples"].path == str(run / "samples/epoch-0003.png")
    assert finish == ("finish", None)


def test_weights_and_biases_that_is_not_there_is_a_sentence(
    photographs, tmp_path, monkeypatch, train
):
    monkeypatch.setitem(sys.modules, "wandb", None)
    monkeypatch.setattr(
        "keras_colorize.cli.extras.requires", lambda _: ['wandb>=0.17; extra == "wandb"']
    )
    result = train(photographs, "--run", tmp_path / "run", "--wandb")
    assert result.exit_code == 1
    assert result.stderr == (
        "Error: This needs wandb, which is not installed. "
        'Install it with: pip install "keras-colorize[wandb]"\n'
    )
    assert not (tmp_path / "run").exists()


def test_report_shows_the_half_that_chose_nothing(unbroken, val):
    run, _ = unbroken
    report = (run / "report.html").read_text()
    scores = score_folder(val, Colorizer(run).predict_ab, part="report")
    assert scores.images == 2
    cells = score_table(scores.rows)
    for name, psnr, *_ in cells[1:]:
        assert f'<th scope="row">{name}</th><td>{psnr}</td>' in report
    best = re.search(r'<tr class="best"><th scope="row">(\d)</th>', report)[1]
    assert f"best.keras is the generator of epoch {best}. One half" in report
    assert "2 photographs, which chose nothing." in report
    assert f"keras-colorize evaluate {val} --weights {run} --part report" in report
    captions = re.findall("<figcaption>(.+?)</figcaption>", report)
    assert captions == ["grey", "epoch 1", "epoch 2", "epoch 3", "original"]


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


def test_a_finished_run_is_finished(unbroken, photographs, val, train, metrics, recipe, wandb):
    run, _ = unbroken
    before = metrics(run), (run / "generator.keras").stat().st_mtime_ns
    logs = list((run / "tensorboard").iterdir())
    report = (run / "report.html").read_text()
    (run / "report.html").unlink()
    result = train(photographs, "--val", val, "--run", run, "--wandb", *recipe)
    assert result.exit_code == 0, result.output
    assert (run / "report.html").read_text() == report
    assert list((run / "tensorboard").iterdir()) == logs
    (calls,) = (c for c in wandb.calls.values() if c[0][1]["name"] == run.name)
    assert [kind for kind, *_ in calls].count("init") == 1
    assert "epoch 1: " not in result.stderr and "epoch 3: " not in result.stderr
    assert (metrics(run), (run / "generator.keras").stat().st_mtime_ns) == before


def test_a_finished_run_needs_no_network_to_be_built(
    unbroken, photographs, val, train, metrics, recipe, monkeypatch
):
    run, first = unbroken
    before = metrics(run)
    monkeypatch.setattr(trainer, "build_gan", None)
    result = train(photographs, "--val", val, "--run", run, *recipe)
    assert result.exit_code == 0, result.output
    assert result.stderr.splitlines()[-2:] == first.stderr.splitlines()[-2:]
    assert metrics(run) == before


def test_refuses_a_run_of_another_configuration(unbroken, photographs, val, train, metrics, recipe):
    run, _ = unbroken
    before = metrics(run)
    options = ["--seed", 6, "--l1-weight", 10]
    result = train(photographs, "--val", val, "--run", run, *recipe, *options)
    assert result.exit_code == 1
    last = result.stderr.splitlines()[-1]
    assert last.startswith(f"Error: {run} holds a run of another configuration (different: ")
    assert "(different: training.l1_weight, training.seed)" in last
    assert metrics(run) == before


def test_refuses_a_run_on_other_photographs(unbroken, photographs, val, tmp_path, train, recipe):
    others = tmp_path / "others"
    shutil.copytree(photographs, others)
    (others / "a/00.jpg").rename(others / "a/renamed.jpg")
    result = train(others, "--val", val, "--run", unbroken[0], *recipe)
    assert result.exit_code == 1
    assert "different: photographs_digest" in result.stderr


def test_refuses_a_folder_that_is_no_run(photographs, tmp_path, train, recipe):
    (tmp_path / "letter.txt").write_text("Dear")
    result = train(photographs, "--run", tmp_path, *recipe)
    assert result.exit_code == 1
    assert "is not a training run; name another folder" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_divergence_is_a_sentence(photographs, tmp_path, monkeypatch, train, recipe):
    def diverge(*arguments):
        for callback in arguments[-1]:
            callback.on_train_batch_end(3, {"l1_loss": np.nan})

    monkeypatch.setattr(trainer, "_fit", diverge)
    result = train(photographs, "--run", tmp_path / "run", *recipe)
    assert result.exit_code == 1
    last = result.stderr.splitlines()[-1]
    assert last.startswith("Error: l1_loss is not a finite number any more, in step 4 of the epoch")


@pytest.mark.slow
def test_stops_when_a_loss_is_no_number(photographs, tmp_path, train):
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


@pytest.mark.parametrize(
    "options", [["--batch-size", 25], ["--batch-size", 5, "--accumulation", 5]]
)
def test_fewer_photographs_than_a_batch(photographs, tmp_path, train, options):
    result = train(photographs, "--run", tmp_path / "run", "--preset", "tiny", *options)
    assert result.exit_code == 1
    assert result.stderr.splitlines()[-1] == (
        "Error: 24 photographs are fewer than one batch of 25."
    )
    assert not (tmp_path / "run").exists()


def test_names_what_it_leaves_out(make_picture, tmp_path, train):
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
        (["--crop", "0.6"], "'0.6' is not LEAST:GREATEST, for example 0.6:1."),
        (["--crop", "0.9:0.6"], "crop must be shares of a side, 0 to 1, the least first"),
        (["--seed", "-1"], "--seed"),
        (["--seed", str(2**32)], "--seed"),
        (["--ema", "1"], "--ema"),
        (["--steps-per-epoch", "3", "--images-per-epoch", "9"], "say the same thing"),
        (["--preset", "huge"], "'huge' is not one of"),
        (
            ["--accumulation", "4", "--steps-per-epoch", "6"],
            "multiple of accumulation, 4, got 6.",
        ),
    ],
)
def test_usage_errors(photographs, tmp_path, options, sentence, train):
    result = train(photographs, "--run", tmp_path / "run", *options)
    assert result.exit_code == 2
    assert sentence in result.stderr
    assert not (tmp_path / "run").exists()


def test_says_that_a_folder_holds_no_photograph(tmp_path, train):
    (tmp_path / "empty").mkdir()
    result = train(tmp_path / "empty", "--run", tmp_path / "run")
    assert result.exit_code == 1
    assert result.stderr.startswith(f"Error: There is no photograph in {tmp_path / 'empty'}")


def test_run_folder_is_named_after_the_preset(photographs, tmp_path, monkeypatch, train):
    monkeypatch.chdir(tmp_path)
    result = train(photographs, "--preset", "tiny", "--batch-size", 25)
    assert f"run folder {Path('runs/tiny')}" in result.stderr


def test_help_ends_in_an_example(train):
    result = train("--help")
    assert result.exit_code == 0
    assert "keras-colorize train photographs --preset mobile" in result.stdout.split("Example:")[1]


@pytest.mark.slow
def test_an_epoch_may_be_given_in_images(photographs, tmp_path, train):
    options = ["--preset", "tiny", "--epochs", 1, "--warm-up-epochs", 1, "--images-per-epoch", 5]
    result = train(photographs, "--run", tmp_path / "run", *options)
    assert result.exit_code == 0, result.output
    assert "\n2 steps an epoch, 2 in all\n" in result.stderr
    assert json.loads((tmp_path / "run/metrics.jsonl").read_text())["images"] == 8


@pytest.mark.slow
def test_batches_in_parts_and_activations_twice(photographs, tmp_path, train, metrics):
    """An epoch holds whole accumulations; the configuration knows what decides the result."""
    options = ["--preset", "tiny", "--epochs", 2, "--warm-up-epochs", 1, "--images-per-epoch", 7]
    options += ["--batch-size", 2, "--accumulation", 3, "--rematerialize"]
    result = train(photographs, "--run", tmp_path / "run", *options)
    assert result.exit_code == 0, result.output
    assert "\n6 steps an epoch, 12 in all\n" in result.stderr
    assert [line["images"] for line in metrics(tmp_path / "run")] == [12, 24]
    config = json.loads((tmp_path / "run/config.json").read_text())["training"]
    assert config["accumulation"] == 3 and "rematerialize" not in config


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
        raise trainer.TrainingStopped

    looked = []
    monkeypatch.setattr(trainer.ColorizationGAN, "fit", stop)
    monkeypatch.setattr(backends.ShardFolder, "check", looked.append)
    result = train(shards, "--run", tmp_path / "run", "--preset", "tiny", "--batch-size", 24)
    assert result.exit_code == 0
    assert result.stderr.splitlines()[-1] == "Stopped. The same command goes on from there."
    assert looked == []


def test_a_data_set_by_name_is_prepared_first(tmp_path, train):
    result = train("tfds:imagenette", "--run", tmp_path / "run")
    assert result.exit_code == 1
    assert "keras-colorize prepare tfds:imagenette" in result.stderr


@pytest.mark.parametrize(
    ("options", "frozen"),
    [
        ([], False),
        (["--freeze-statistics"], True),
        (["--fine-tune", "mobile"], True),
        (["--fine-tune", "mobile", "--no-freeze-statistics"], False),
    ],
)
def test_statistics_are_frozen_in_fine_tuning(
    photographs, tmp_path, monkeypatch, train, options, frozen
):
    class Enough(Exception):
        """What was looked for has been seen."""

    def look(preset, *arguments, **keywords):
        raise Enough(preset.training.frozen_statistics)

    monkeypatch.setattr(trainer, "train", look)
    result = train(photographs, "--run", tmp_path / "run", *options)
    assert repr(result.exception) == repr(Enough(frozen))
