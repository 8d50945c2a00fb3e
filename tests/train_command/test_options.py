"""`keras-colorize train`: what its options come to, and what it says of the folder."""

import json
import os
from pathlib import Path

import pytest
from PIL import Image

from keras_colorize.data.tf_lab import CONVERSION
from keras_colorize.training import trainer


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


def test_run_folder_is_named_after_the_preset(photographs, tmp_path, monkeypatch, train):
    monkeypatch.chdir(tmp_path)
    result = train(photographs, "--preset", "tiny", "--batch-size", 25)
    assert f"run folder {Path('runs/tiny')}" in result.stderr


@pytest.mark.slow
def test_an_epoch_may_be_given_in_images(photographs, tmp_path, train):
    options = ["--preset", "tiny", "--epochs", 1, "--warm-up-epochs", 1, "--images-per-epoch", 5]
    result = train(photographs, "--run", tmp_path / "run", *options)
    assert result.exit_code == 0, result.output
    said = f"2 steps an epoch, 2 in all\nPhotographs are converted to Lab by {CONVERSION}.\n"
    assert f"\n{said}" in result.stderr
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
