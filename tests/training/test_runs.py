"""The run folder: what it holds, what it refuses, and that nothing in it is ever half a file."""

import json

import pytest

from keras_colorize.config import PRESETS
from keras_colorize.training.runs import KEPT_CHECKPOINTS, Run, RunError, save_whole

CONFIGURATION = {"preset": "tiny", "training": {"size": 64, "grow": ((1, 2),)}, "photographs": 9}


class FakeModel:
    def __init__(self, content=b"weights"):
        self.content = content

    def save_weights(self, path):
        path.write_bytes(self.content[: len(self.content) // 2])
        if self.content == b"full disk":
            raise OSError("No space left on device")
        path.write_bytes(self.content)


def test_a_new_folder_records_its_configuration_and_versions(tmp_path):
    run = Run(tmp_path / "deep/run", CONFIGURATION)
    config = json.loads((tmp_path / "deep/run/config.json").read_text())
    about = config.pop("about")
    assert config == json.loads(json.dumps(CONFIGURATION))
    assert {"started", "python", "keras", "tensorflow", "tensorflow-io", "numpy"} <= set(about)
    assert run.checkpoints() == {}
    assert run.metrics() == []


def test_takes_an_empty_folder_and_the_same_configuration_again(tmp_path):
    Run(tmp_path, CONFIGURATION)
    before = (tmp_path / "config.json").read_bytes()
    Run(tmp_path, CONFIGURATION)
    assert (tmp_path / "config.json").read_bytes() == before


def test_a_run_that_was_killed_while_it_was_made_goes_on(tmp_path):
    Run(tmp_path / "run", CONFIGURATION)
    for name in ("checkpoints", "samples"):
        (tmp_path / "run" / name).rmdir()
    run = Run(tmp_path / "run", CONFIGURATION)
    run.save_checkpoint(FakeModel(), 1)
    assert list(run.checkpoints()) == [1]
    assert (tmp_path / "run/samples").is_dir()


def test_names_what_is_different(tmp_path):
    Run(tmp_path, CONFIGURATION)
    other = {**CONFIGURATION, "training": {"size": 96, "grow": []}}
    with pytest.raises(RunError, match=r"\(different: training\.grow, training\.size\)"):
        Run(tmp_path, other)


@pytest.mark.parametrize("preset", PRESETS.values(), ids=list(PRESETS))
def test_every_preset_reads_back_as_itself(preset, tmp_path):
    Run(tmp_path, preset.describe())
    before = (tmp_path / "config.json").read_bytes()
    assert Run(tmp_path, preset.describe()).configuration["training"]["size"] > 0
    assert (tmp_path / "config.json").read_bytes() == before


@pytest.mark.parametrize("text", ["{", "[1]", "7", ""])
def test_a_damaged_configuration_is_a_sentence(text, tmp_path):
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(RunError, match=r"config\.json is damaged"):
        Run(tmp_path, CONFIGURATION)


def test_refuses_what_is_not_a_run(tmp_path):
    (tmp_path / "file").write_text("a letter")
    for folder in (tmp_path, tmp_path / "file"):
        with pytest.raises(RunError, match="is not a training run"):
            Run(folder, CONFIGURATION)
    assert (tmp_path / "file").read_text() == "a letter"


def test_keeps_the_last_checkpoints(tmp_path):
    run = Run(tmp_path, CONFIGURATION)
    for epoch in (1, 2, 3, 11):
        run.save_checkpoint(FakeModel(b"%d" % epoch), epoch)
    checkpoints = run.checkpoints()
    assert KEPT_CHECKPOINTS == 2
    assert list(checkpoints) == [3, 11]
    assert checkpoints[11].read_bytes() == b"11"
    assert checkpoints[3].name == "epoch-0003.weights.h5"


def test_a_checkpoint_that_fails_leaves_the_last_one(tmp_path):
    run = Run(tmp_path, CONFIGURATION)
    run.save_checkpoint(FakeModel(b"good"), 1)
    for epoch in (1, 2):
        with pytest.raises(OSError, match="No space"):
            run.save_checkpoint(FakeModel(b"full disk"), epoch)
    assert {n: path.read_bytes() for n, path in run.checkpoints().items()} == {1: b"good"}


def test_saving_replaces_the_whole_file(tmp_path):
    path = tmp_path / "a.keras"
    path.write_bytes(b"old and long")
    seen = []
    save_whole(lambda to: (seen.append(path.read_bytes()), to.write_bytes(b"new")), path)
    assert seen == [b"old and long"]  # the old file is whole while the new one is written
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_metrics_read_back(tmp_path):
    run = Run(tmp_path, CONFIGURATION)
    records = [{"epoch": 1, "l1_loss": 0.25}, {"epoch": 2, "discriminator_loss": None}]
    run.write_metrics(records)
    assert run.metrics() == records
    assert len((tmp_path / "metrics.jsonl").read_text().splitlines()) == 2
