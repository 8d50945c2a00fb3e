"""What asks a training to end, and that it saves before it does."""

import signal

import pytest

from keras_colorize.training.checkpointer import Checkpointer, TrainingStopped
from keras_colorize.training.distribution import Devices
from keras_colorize.training.runs import Checkpoint


class FakeRun:
    """Remembers what was saved."""

    def __init__(self):
        self.saved = []

    def save_checkpoint(self, gan, epochs, steps=0):
        self.saved.append((epochs, steps))


@pytest.fixture
def checkpointer():
    return Checkpointer(FakeRun(), Checkpoint(0, 0, {}, {}), Devices())


@pytest.fixture
def heeded():
    """SIGHUP does what it does by itself, though the tests may run under nohup."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize(
    ("number", "raised"),
    [
        (signal.SIGTERM, TrainingStopped),
        (signal.SIGHUP, TrainingStopped),
        (signal.SIGINT, KeyboardInterrupt),
    ],
)
def test_each_signal_saves_after_the_step(checkpointer, heeded, number, raised):
    before = signal.getsignal(number)
    with checkpointer.listening():
        checkpointer.on_train_batch_end(0)
        assert checkpointer.run.saved == []
        signal.raise_signal(number)
        with pytest.raises(raised):
            checkpointer.on_train_batch_end(1)
    assert checkpointer.run.saved == [(0, 2)]
    assert signal.getsignal(number) == before


def test_a_second_signal_ends_it_at_once(checkpointer, heeded):
    with checkpointer.listening():
        signal.raise_signal(signal.SIGHUP)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)


def test_under_nohup_a_terminal_may_go(checkpointer):
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with checkpointer.listening():
            signal.raise_signal(signal.SIGHUP)
            checkpointer.on_train_batch_end(0)
        assert checkpointer.run.saved == []
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
