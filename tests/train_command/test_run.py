"""`keras-colorize train`: what a whole small run leaves, and that it is finished."""

import json
import re
from dataclasses import replace

import keras
import numpy as np
import pytest
from PIL import Image

from keras_colorize.config import PRESETS
from keras_colorize.evaluation.scoring import score_folder
from keras_colorize.evaluation.tables import score_table
from keras_colorize.imaging.images import read_rgb
from keras_colorize.inference.colorizer import Colorizer
from keras_colorize.training import trainer


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
    assert not list(run.rglob("*.tmp"))
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
    assert "the other half (report), 2 photographs." in report
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
