"""What a training says of its pace."""

import pytest

from keras_colorize.training import callbacks
from keras_colorize.training.callbacks import Progress, _duration, epoch_line


def test_says_the_pace_once_some_steps_are_timed(monkeypatch, capsys):
    clock = iter(range(0, 1000, 60))  # two readings: where the timed steps begin and end
    monkeypatch.setattr(callbacks.time, "monotonic", lambda: next(clock))
    progress = Progress(steps_done=100, steps=1000, steps_per_epoch=200, batch_size=8)
    with progress.bar:
        for _stage in range(2):
            progress.on_train_begin()
            for batch in range(20):
                progress.on_train_batch_end(batch, {"l1_loss": 0.1})
    lines = capsys.readouterr().err.splitlines()
    said = [line for line in lines if "images/s" in line]
    assert len(said) == 2
    assert said[0].startswith("1.33 images/s: 20 minutes an epoch, 89 minutes left at this pace; ")
    assert said[0].endswith(" GiB of memory")
    assert "87 minutes left" in said[1]


def test_an_epochs_line_leaves_out_counts_gaps_and_norms():
    record = {"epoch": 3, "images": 96, "l1_loss": 0.1, "discriminator_loss": None}
    assert epoch_line({**record, "gradient_norm_0": 2.0, "val_psnr": 23.456}) == (
        "epoch 3: l1_loss 0.1, val_psnr 23.46"
    )


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (1.4, "1 seconds"),
        (119, "119 seconds"),
        (120, "2 minutes"),
        (7199, "120 minutes"),
        (7200, "2 hours"),
        (200_000, "2 days"),
    ],
)
def test_durations_read_well(seconds, words):
    assert _duration(seconds) == words
