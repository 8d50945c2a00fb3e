"""Checkpoints within an epoch: by the clock, and when the process is asked to end."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras

from keras_colorize.training.distribution import Devices
from keras_colorize.training.runs import Checkpoint, Run

SECONDS_BETWEEN_CHECKPOINTS = 600
_SAVE = -1  # no signal has this number
# A terminal that is closed sends SIGHUP, which Windows does not have.
_ENDS = tuple(getattr(signal, name) for name in ("SIGHUP", "SIGTERM") if hasattr(signal, name))
_LEVELS = (0, _SAVE, signal.SIGINT, *_ENDS)  # of what a process wishes, the last goes first


class TrainingStopped(Exception):
    """The process was asked to end (SIGTERM, SIGHUP) and has saved what it needs to go on."""


class Checkpointer(keras.callbacks.Callback):
    """Saves within long epochs, and when the process is asked to end: then the step is finished.

    Of several processes each says after every step what it wishes, and all do the same: if one is
    asked to end, they end together.

    Args:
        run: where to.
        start: where this training goes on.
        devices: whose processes agree.
    """

    def __init__(self, run: Run, start: Checkpoint, devices: Devices) -> None:
        super().__init__()
        self.run = run
        self.start = start
        self.devices = devices
        self.epoch = self.skipped = 0
        self.saved = time.monotonic()
        self.signal: int | None = None

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Minds SIGTERM, SIGHUP and Ctrl-C; a second one of them ends the process at once.

        Under nohup SIGHUP stays ignored.
        """

        def ask(number: int, frame: Any) -> None:
            if self.signal is not None:
                raise KeyboardInterrupt
            self.signal = number

        if threading.current_thread() is not threading.main_thread():
            yield  # signals come to the main thread alone
            return
        minded = [n for n in _ENDS if n == signal.SIGTERM or signal.getsignal(n) != signal.SIG_IGN]
        before = {n: signal.signal(n, ask) for n in (*minded, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in before.items():
                # None: not Python's; JAX sets one when it joins other processes.
                signal.signal(number, signal.SIG_DFL if handler is None else handler)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Takes over the means of an epoch's first part."""
        self.epoch, self.skipped = epoch, 0
        if epoch == self.start.epochs:
            self.skipped = self.start.steps
            self.model.set_running_means(self.start.means)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Saves if it is time.

        Raises:
            TrainingStopped: after SIGTERM or SIGHUP.
            KeyboardInterrupt: after Ctrl-C.
        """
        due = time.monotonic() - self.saved >= SECONDS_BETWEEN_CHECKPOINTS
        wish = _LEVELS.index(self.signal or (_SAVE if due else 0))
        wish = _LEVELS[self.devices.highest(wish, len(_LEVELS))]
        if not wish:
            return
        if hasattr(self.model, "jax_state_sync"):  # JAX keeps the values apart from the variables
            self.model.jax_state_sync()
        self.run.save_checkpoint(self.model, self.epoch, self.skipped + batch + 1)
        self.saved = time.monotonic()
        if wish != _SAVE:
            raise TrainingStopped if wish in _ENDS else KeyboardInterrupt
