"""The run folder: what it holds, what it refuses, and that nothing in it is ever half a file."""

import errno
import json

import h5py
import keras
import pytest

from keras_colorize.config import PRESETS
from keras_colorize.training.runs import KEPT_CHECKPOINTS, Run, RunError, save_whole

CONFIGURATION = {"preset": "tiny", "training": {"size": 64, "grow": ((1, 2),)}, "photographs": 9}


class FakeGAN:
    """Saves and loads one number."""

    def __init__(self, number=0, full_disk=False):
        self.number = number
        self.full_disk = full_disk

    def save_weights(self, path):
        with h5py.File(path, "w") as file:
            file["number"] = self.number
        if self.full_disk:
            raise OSError(errno.ENOSPC, "Can't synchronously write data (and much more)")

    def load_weights(self, path):
        with h5py.File(path) as file:
            self.number = int(file["number"][()])

    def running_means(self):
        return {"l1_loss": [float(self.number), 2.0]}

    def random_states(self):
        return [[self.number, 0]]

    def set_random_states(self, states):
        self.states = states


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
    run.save_checkpoint(FakeGAN(), 1)
    assert list(run.checkpoints()) == [(1, 0)]
    assert (tmp_path / "run/samples").is_dir()


def test_names_what_is_different(tmp_path):
    Run(tmp_path, CONFIGURATION)
    other = {**CONFIGURATION, "training": {"size": 96, "grow": []}}
    with pytest.raises(RunError, match=r"\(different: training\.grow, training\.size\)"):
        Run(tmp_path, other)


def test_a_constant_learning_rate_allows_more_epochs_and_not_fewer(tmp_path):
    recipe = {"size": 64, "epochs": 3, "schedule": "constant"}
    Run(tmp_path, {"training": recipe})
    started = json.loads((tmp_path / "config.json").read_text())["about"]
    Run(tmp_path, {"training": recipe | {"epochs": 5}})
    config = json.loads((tmp_path / "config.json").read_text())
    assert config == {"training": recipe | {"epochs": 5}, "about": started}
    with pytest.raises(RunError, match=r"\(different: training\.epochs\)"):
        Run(tmp_path, {"training": recipe | {"epochs": 4}})
    with pytest.raises(RunError, match=r"\(different: training\.epochs, training\.size\)"):
        Run(tmp_path, {"training": recipe | {"epochs": 6, "size": 96}})


@pytest.mark.parametrize("schedule", ["linear", "cosine"])
def test_a_run_whose_learning_rate_falls_cannot_be_extended(schedule, tmp_path):
    recipe = {"size": 64, "epochs": 3, "schedule": schedule}
    Run(tmp_path, {"training": recipe})
    before = (tmp_path / "config.json").read_bytes()
    expected = f"falls to zero within its 3 epochs.*--fine-tune {tmp_path} and another --run"
    with pytest.raises(RunError, match=expected):
        Run(tmp_path, {"training": recipe | {"epochs": 5}})
    assert (tmp_path / "config.json").read_bytes() == before


def test_what_an_older_version_did_not_know_has_its_default(tmp_path):
    older = {**CONFIGURATION, "training": {"size": 64}}
    Run(tmp_path, older)
    Run(tmp_path, {**CONFIGURATION, "training": {"size": 64, "ema": 0.0}})
    with pytest.raises(RunError, match=r"\(different: training\.ema\)"):
        Run(tmp_path, {**CONFIGURATION, "training": {"size": 64, "ema": 0.9}})
    newer = {**older, "discriminator": {"first_batch_norm": True}}
    Run(tmp_path, newer)
    Run(tmp_path, {**newer, "generator": {"encoder": "plain"}})
    other = {**newer, "generator": {"encoder": "efficientnet_lite0"}}
    with pytest.raises(RunError, match=r"\(different: generator\.encoder\)"):
        Run(tmp_path, other)
    newer["discriminator"] = {"first_batch_norm": False}
    with pytest.raises(RunError, match=r"\(different: discriminator\.first_batch_norm\)"):
        Run(tmp_path, newer)


def test_a_run_that_recorded_adam_goes_on_and_one_of_another_optimizer_does_not(tmp_path):
    for name, optimizer in (("adam", "adam"), ("other", "muon")):
        Run(tmp_path / name, {**CONFIGURATION, "training": {"size": 64, "optimizer": optimizer}})
    now = {**CONFIGURATION, "training": {"size": 64}}
    Run(tmp_path / "adam", now)
    with pytest.raises(RunError, match=r"\(different: training\.optimizer\)"):
        Run(tmp_path / "other", now)


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
    for epochs, steps in ((1, 0), (2, 0), (2, 90), (2, 1000), (3, 0), (11, 5)):
        run.save_checkpoint(FakeGAN(epochs), epochs, steps)
    checkpoints = run.checkpoints()
    assert KEPT_CHECKPOINTS == 2
    assert list(checkpoints) == [(3, 0), (11, 5)]
    assert [path.name for path in checkpoints.values()] == [
        "epoch-0003.weights.h5",
        "epoch-0011-step-0000005.weights.h5",
    ]


@pytest.mark.parametrize("steps", [0, 7])
def test_the_last_checkpoint_is_restored_with_the_means_of_a_broken_epoch(steps, tmp_path):
    run = Run(tmp_path, CONFIGURATION)
    run.save_checkpoint(FakeGAN(1), 1)
    run.save_checkpoint(FakeGAN(5), 2, steps)
    gan = FakeGAN()
    start = run.load_checkpoint(gan)
    assert (start.epochs, start.steps, gan.number) == (2, steps, 5)
    assert start.means == ({"l1_loss": [5.0, 2.0]} if steps else {})
    assert gan.states == [[5, 0]]
    assert start.damaged == {}


def test_no_checkpoint_is_the_beginning(tmp_path):
    gan = FakeGAN(3)
    start = Run(tmp_path, CONFIGURATION).load_checkpoint(gan)
    assert (start.epochs, start.steps, start.means, gan.number) == (0, 0, {}, 3)


def test_a_damaged_checkpoint_falls_back_to_the_one_before(tmp_path):
    run = Run(tmp_path, CONFIGURATION)
    for epochs in (1, 2):
        run.save_checkpoint(FakeGAN(epochs), epochs)
    last = run.checkpoints()[2, 0]
    last.write_bytes(last.read_bytes()[:100])
    gan = FakeGAN()
    start = run.load_checkpoint(gan)
    assert (start.epochs, gan.number) == (1, 1)
    assert list(start.damaged) == [last]
    run.checkpoints()[1, 0].write_bytes(b"damaged, too")
    with pytest.raises(RunError, match=r"epoch-0002\.weights\.h5 cannot be read, nor an earlier"):
        run.load_checkpoint(gan)


def test_a_checkpoint_that_fails_leaves_the_last_one(tmp_path):
    run = Run(tmp_path, CONFIGURATION)
    run.save_checkpoint(FakeGAN(7), 1)
    for epochs in (1, 2):
        with pytest.raises(
            RunError, match=r"weights\.h5 cannot be written: No space left on device"
        ):
            run.save_checkpoint(FakeGAN(full_disk=True), epochs)
    gan = FakeGAN()
    assert run.load_checkpoint(gan).epochs == 1
    assert gan.number == 7
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["epoch-0001.weights.h5"]


@pytest.mark.parametrize("share", [0.0, 0.2, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("kind", ["weights.h5", "keras"])
def test_on_a_full_disk_no_checkpoint_or_network_appears(tmp_path, files_end_at, kind, share):
    inputs = keras.Input((8,))
    model = keras.Model(inputs, keras.layers.Dense(5000)(inputs))
    save = model.save_weights if kind == "weights.h5" else model.save
    path = tmp_path / f"a.{kind}"
    save_whole(save, path)
    whole = path.read_bytes()
    model.set_weights([value + 1 for value in model.get_weights()])
    with files_end_at(int(len(whole) * share)):
        with pytest.raises(RunError, match=rf"a\.{kind} cannot be written: .*\.$"):
            save_whole(save, path)
    assert path.read_bytes() == whole
    assert [path.name for path in tmp_path.iterdir()] == [f"a.{kind}"]


@pytest.mark.parametrize(
    "write", [Run.write_json, lambda run, _, records: run.write_metrics(records)]
)
def test_on_a_full_disk_metrics_stay_as_they_were(tmp_path, files_end_at, write):
    run = Run(tmp_path, CONFIGURATION)
    before = [{"epoch": 1}]
    write(run, "metrics.jsonl", before)
    content = (tmp_path / "metrics.jsonl").read_bytes()
    with files_end_at(100):
        with pytest.raises(OSError, match="File too large.*metrics"):
            write(run, "metrics.jsonl", before * 50)
    assert (tmp_path / "metrics.jsonl").read_bytes() == content
    assert not list(tmp_path.glob(".*"))


def test_what_a_kill_left_in_a_new_folder_is_no_other_use_of_it(tmp_path):
    (tmp_path / f".keras-colorize-{'0' * 16}.tmp").write_text("half")
    Run(tmp_path, CONFIGURATION)
    assert (tmp_path / "config.json").exists()


def test_saving_replaces_the_whole_file(tmp_path):
    path = tmp_path / "a.keras"
    path.write_bytes(b"old and long")
    seen = []
    save_whole(lambda to: (seen.append(path.read_bytes()), to.write(b"new")), path)
    assert seen == [b"old and long"]  # the old file is whole while the new one is written
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_metrics_read_back(tmp_path):
    run = Run(tmp_path, CONFIGURATION)
    records = [{"epoch": 1, "l1_loss": 0.25}, {"epoch": 2, "discriminator_loss": None}]
    run.write_metrics(records)
    assert run.metrics() == records
    assert len((tmp_path / "metrics.jsonl").read_text().splitlines()) == 2
