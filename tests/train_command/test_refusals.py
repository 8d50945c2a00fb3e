"""`keras-colorize train`: what it refuses, and the sentences that it says then."""

import os
import shutil
import subprocess
import sys

import numpy as np
import pytest

from keras_colorize.imaging.locks import only_writer
from keras_colorize.training import trainer
from keras_colorize.training.callbacks import DivergenceGuard


def test_weights_and_biases_that_is_not_there_is_a_sentence(
    photographs, tmp_path, monkeypatch, train
):
    monkeypatch.setitem(sys.modules, "wandb", None)
    monkeypatch.setattr("keras_colorize.cli.extras.declared_extras", lambda: {"wandb": ["wandb"]})
    result = train(photographs, "--run", tmp_path / "run", "--wandb")
    assert result.exit_code == 1
    assert result.stderr == (
        "Error: This needs wandb, which is not installed. "
        'Install it with: pip install ".[wandb]" in a clone of keras-colorize\n'
    )
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("options", [[], ["--model", "pix2pix"]])
def test_an_empty_folder_is_one_sentence_and_no_note_of_tensorflow(tmp_path, options):
    environment = {k: v for k, v in os.environ.items() if k != "TF_CPP_MIN_LOG_LEVEL"}
    command = [sys.executable, "-c", "from keras_colorize.cli.main import main; main()", "train"]
    done = subprocess.run(
        [*command, tmp_path, *options], capture_output=True, text=True, env=environment
    )
    assert done.returncode == 1
    assert done.stderr.startswith(f"Error: There is no photograph in {tmp_path} (")
    assert done.stderr.count("\n") == 1


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


def test_refuses_a_run_that_another_process_trains(
    early, photographs, val, tmp_path, train, recipe
):
    run = tmp_path / "run"
    shutil.copytree(early, run)
    before = {path: path.stat().st_mtime_ns for path in run.rglob("[!.]*") if path.is_file()}
    with only_writer(run):
        result = train(photographs, "--val", val, "--run", run, *recipe)
    assert result.exit_code == 1
    sentence = f"Another process is writing to {run}; wait for its end, or name another folder."
    assert result.stderr.endswith(f"\nError: {sentence}\n")
    assert {
        path: path.stat().st_mtime_ns for path in run.rglob("[!.]*") if path.is_file()
    } == before


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
    assert last.startswith("Error: l1_loss is no longer a finite number, in step 4 of the epoch")


@pytest.mark.slow
def test_stops_when_a_loss_is_no_number(photographs, tmp_path, train):
    options = ["--preset", "tiny", "--warm-up-epochs", 9, "--learning-rate", 1e30]
    result = train(photographs, "--run", tmp_path / "run", *options)
    assert result.exit_code == 1
    last = result.stderr.splitlines()[-1]
    assert last.startswith("Error: ") and "is no longer a finite number, in step " in last
    assert "Traceback" not in result.stderr
    assert not list((tmp_path / "run/checkpoints").iterdir())


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_guard_names_the_loss(value):
    with pytest.raises(ArithmeticError, match=r"^l1_loss is no longer a finite number.*step 8 of"):
        DivergenceGuard().on_train_batch_end(7, {"generator_loss": 1.0, "l1_loss": value})
    DivergenceGuard().on_train_batch_end(7, {"generator_loss": 1.0, "l1_loss": 0.1})


@pytest.mark.parametrize(
    ("option", "sentence"),
    [("--val", "There is no photograph in"), ("--fine-tune", "is neither a run folder")],
)
def test_a_wrong_folder_is_refused_before_a_network_is_built(
    photographs, tmp_path, monkeypatch, train, option, sentence
):
    monkeypatch.setattr(trainer, "build_gan", None)
    (tmp_path / "empty").mkdir()
    options = ["--preset", "tiny", option, tmp_path / "empty"]
    result = train(photographs, "--run", tmp_path / "run", *options)
    assert result.exit_code == 1
    assert sentence in result.stderr.splitlines()[-1]
    assert not (tmp_path / "run").exists()


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


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--preset", "tiny", "--size", "100"], "sides must be multiples of 32 for tiny."),
        (["--preset", "mobile", "--size", "96"], "sides must be multiples of 64 for mobile."),
        (["--preset", "tiny", "--grow", "1:72"], "sides must be multiples of 32 for tiny."),
        (["--preset", "tiny", "--grow", "64"], "'64' is not EPOCHS:SIZE, for example 6:192."),
        (["--crop", "0.6"], "'0.6' is not LEAST:GREATEST, for example 0.6:1."),
        (["--crop", "0.9:0.6"], "crop must be two shares in (0, 1], the smaller one first"),
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


def test_a_data_set_by_name_is_prepared_first(tmp_path, train):
    result = train("tfds:imagenette", "--run", tmp_path / "run")
    assert result.exit_code == 1
    assert "keras-colorize prepare tfds:imagenette" in result.stderr
