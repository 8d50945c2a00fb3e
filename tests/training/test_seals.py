"""One bit of a checkpoint that has changed is noticed; so is what is missing of the metrics."""

import json
from io import BytesIO

import h5py
import numpy as np
import pytest

from keras_colorize.training.resuming import resume
from keras_colorize.training.runs import Run
from keras_colorize.training.seals import SealError, check_seal, seal


class FakeGAN:
    """Saves and loads some numbers."""

    def __init__(self, number=0.0):
        self.numbers = np.full(100, number, float)

    def save_weights(self, to):
        with h5py.File(to, "w") as file:
            file["numbers"] = self.numbers

    def load_weights(self, path):
        with h5py.File(path) as file:
            self.numbers = file["numbers"][()]

    def running_means(self):
        return {}

    def random_states(self):
        return []

    def set_random_states(self, states):
        pass


@pytest.fixture
def run(tmp_path):
    """A run of three epochs, of which the last two have checkpoints."""
    run = Run(tmp_path / "run", {"preset": "tiny"})
    run.write_metrics([{"epoch": epoch, "seconds": 1.0} for epoch in (1, 2, 3)])
    for epoch in (2, 3):
        run.save_checkpoint(FakeGAN(epoch), epoch)
    return run


def flip(path, place, bit=0):
    data = bytearray(path.read_bytes())
    data[place] ^= 1 << bit
    path.write_bytes(data)


def test_any_flipped_bit_of_a_checkpoint_is_noticed(run):
    path = run.checkpoints()[3, 0]
    whole = path.read_bytes()
    check_seal(path)
    body = len(whole) - len(b"\nkeras-colorize sha256 \n") - 64
    for place in (*range(0, body, max(1, body // 40)), body - 1, len(whole) - 2):
        for bit in (0, 7):
            path.write_bytes(whole)
            flip(path, place, bit)
            with pytest.raises(SealError):
                check_seal(path)


def test_a_run_with_a_flipped_bit_goes_on_from_the_checkpoint_before(run, capsys):
    path = run.checkpoints()[3, 0]
    place = path.read_bytes().index(np.full(4, 3.0).tobytes())  # of the numbers: HDF5 reads it
    flip(path, place)
    gan = FakeGAN()
    checkpoint, progress = resume(run, gan, epochs=4, steps=1, batch_size=1)
    progress.bar.close()
    assert checkpoint.epochs == 2
    assert set(gan.numbers) == {2.0}
    assert list(checkpoint.damaged.values()) == ["its bytes are not those that were written"]
    assert f"{path} cannot be read (its bytes are not those that were written); continuing" in (
        capsys.readouterr().err
    )


def test_checkpoints_without_a_seal_are_those_of_older_versions(run):
    path = run.checkpoints()[3, 0]
    path.write_bytes(path.read_bytes()[: -len(b"\nkeras-colorize sha256 \n") - 64])
    gan = FakeGAN()
    assert run.load_checkpoint(gan).epochs == 3
    assert set(gan.numbers) == {3.0}


def test_a_seal_is_of_what_is_before_it(tmp_path):
    stream = BytesIO(b"content")
    seal(stream)
    path = tmp_path / "file"
    path.write_bytes(stream.getvalue())
    check_seal(path)
    path.write_bytes(b"Content" + stream.getvalue()[7:])
    with pytest.raises(SealError):
        check_seal(path)
    path.write_bytes(b"")
    check_seal(path)


@pytest.mark.parametrize(
    ("content", "left", "lost"),
    [
        (b"", [], "1, 2, 3"),
        (b'{"epoch": 1}\n{"epoch": 2}\n{"epo', [1, 2], "3"),
        (b'{"epoch": 1}\n\xff\xfe\n[1]\n7\n{"epoch": "2"}\n{"epoch": 3}\n', [1, 3], "2"),
    ],
)
def test_damaged_metrics_are_mended_and_kept(run, capsys, content, left, lost):
    path = run.folder / "metrics.jsonl"
    path.write_bytes(content)
    checkpoint, progress = resume(run, FakeGAN(), epochs=4, steps=1, batch_size=1)
    progress.bar.close()
    assert checkpoint.epochs == 3
    assert [json.loads(line)["epoch"] for line in path.read_text().splitlines()] == left
    assert (run.folder / "metrics.damaged.jsonl").read_bytes() == content
    assert f"metrics.jsonl was damaged: it lacks the epochs {lost}, so" in (capsys.readouterr().err)


def test_whole_metrics_are_no_news(run, capsys):
    path = run.folder / "metrics.jsonl"
    path.write_text(path.read_text() + '{"epoch": 4, "seconds": 1.0}\n')  # beyond the checkpoint
    _, progress = resume(run, FakeGAN(), epochs=4, steps=1, batch_size=1)
    progress.bar.close()
    assert [record["epoch"] for record in run.metrics()] == [1, 2, 3]
    assert not (run.folder / "metrics.damaged.jsonl").exists()
    assert capsys.readouterr().err == ""
