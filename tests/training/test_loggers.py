"""What is logged of a run that is stopped and goes on, and a service that refuses."""

import json

import numpy as np
import pytest

from keras_colorize.imaging.images import write_image
from keras_colorize.training.loggers import LoggerError, Loggers
from keras_colorize.training.runs import Run


@pytest.fixture
def run(tmp_path):
    run = Run(tmp_path / "mine", {"preset": "tiny"})
    write_image(np.full((40, 30, 3), 90, np.uint8), run.folder / "samples/strip.png")
    return run


def log(run, epochs, l1_loss, stop=False, wandb=True):
    """Logs some epochs, as a training does that has the epochs before them behind it."""
    with Loggers(run, epochs[0] - 1, wandb=wandb) as loggers:
        for epoch in epochs:
            record = {"epoch": epoch, "l1_loss": l1_loss, "adversarial_loss": None}
            loggers.log(record, run.folder / "samples/strip.png")
        if stop:
            raise KeyboardInterrupt


def test_a_resumed_run_goes_on_in_the_same_curves(run, wandb, logged):
    """What it had logged beyond its checkpoint does not count any more."""
    with pytest.raises(KeyboardInterrupt):
        log(run, [1, 2], 0.5, stop=True)
    log(run, [2, 3], 0.25)
    scalars, samples = logged(run.folder)
    assert scalars["losses/l1_loss"] == [(1, 0.5), (2, 0.25), (3, 0.25)]
    assert set(scalars) == {"losses/l1_loss", "training/epoch"}
    assert samples == [1, 2, 3]
    identity = json.loads((run.folder / "wandb.json").read_text())["id"]
    kinds = [call[0] for call in wandb.calls[identity]]
    assert kinds == ["init", "log", "log", "finish", "init", "log", "log", "finish"]
    assert [call[1] for call in wandb.calls[identity] if call[0] == "finish"] == [
        KeyboardInterrupt,
        None,
    ]


def test_another_run_has_another_id(run, wandb, tmp_path):
    other = Run(tmp_path / "other", {"preset": "tiny"})
    for each in (run, other):
        with Loggers(each, 0, wandb=True):
            pass
    texts = {(each.folder / "wandb.json").read_text() for each in (run, other)}
    assert len(texts) == 2


def test_project_is_that_of_the_environment(run, wandb, monkeypatch):
    monkeypatch.setenv("WANDB_PROJECT", "old photographs")
    log(run, [1], 0.5)
    (_, options), *_ = wandb.calls[json.loads((run.folder / "wandb.json").read_text())["id"]]
    assert options["project"] == "old photographs"


def test_a_refusal_is_a_sentence(run, wandb, monkeypatch):
    def refuse(**_options):
        raise wandb.Error("No API key configured.\nUse another.")

    monkeypatch.setattr(wandb, "init", refuse)
    with pytest.raises(LoggerError) as caught:
        log(run, [1], 0.5)
    assert str(caught.value) == (
        "Weights & Biases cannot be used (No API key configured); "
        "WANDB_MODE=offline needs no account."
    )


def test_without_it_nothing_of_it_is_left(run):
    log(run, [1], 0.5, wandb=False)
    assert not (run.folder / "wandb.json").exists()
