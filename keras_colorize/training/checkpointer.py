"""Checkpoints within an epoch: at regular intervals, and when the process is told to end."""

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
_SAVE = -1  # differs from all numbers of signals
# Closing a terminal sends SIGHUP. Windows does not have this signal.
_ENDS = tuple(getattr(signal, name) for name in ("SIGHUP", "SIGTERM") if hasattr(signal, name))
_LEVELS = (0, _SAVE, signal.SIGINT, *_ENDS)  # requests of a process, by rising priority


class TrainingStopped(Exception):
    """The process received SIGTERM or SIGHUP and has saved a checkpoint."""


class Checkpointer(keras.callbacks.Callback):
    """Saves checkpoints every ten minutes, and when the process is told to end.

    When the process is told to end, it finishes the present step first. Several processes exchange
    their requests after every step, so that all of them save and end together.

    Args:
        run: The run that is written to.
        start: The point from which this training continues.
        devices: The devices, and with them the processes, that train together.
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
        """Handles SIGTERM, SIGHUP and Ctrl-C. The second signal ends the process at once.

        A SIGHUP that is ignored, as under nohup, stays ignored.
        """

        def ask(number: int, frame: Any) -> None:
            if self.signal is not None:
                raise KeyboardInterrupt
            self.signal = number

        if threading.current_thread() is not threading.main_thread():
            yield  # only the main thread receives signals
            return
        minded = [n for n in _ENDS if n == signal.SIGTERM or signal.getsignal(n) != signal.SIG_IGN]
        before = {n: signal.signal(n, ask) for n in (*minded, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in before.items():
                # None is a handler that Python did not set, such as that of JAX's coordination.
                signal.signal(number, signal.SIG_DFL if handler is None else handler)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Restores the running means if the epoch was partly done before."""
        self.epoch, self.skipped = epoch, 0
        if epoch == self.start.epochs:
            self.skipped = self.start.steps
            self.model.set_running_means(self.start.means)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Saves a checkpoint if one is due or requested.

        Raises:
            TrainingStopped: A process received SIGTERM or SIGHUP.
            KeyboardInterrupt: A process received Ctrl-C.
        """
        due = time.monotonic() - self.saved >= SECONDS_BETWEEN_CHECKPOINTS
        wish = _LEVELS.index(self.signal or (_SAVE if due else 0))
        wish = _LEVELS[self.devices.highest(wish, len(_LEVELS))]
        if not wish:
            return
        if hasattr(self.model, "jax_state_sync"):  # JAX keeps the values outside of the variables
            self.model.jax_state_sync()
        self.run.save_checkpoint(self.model, self.epoch, self.skipped + batch + 1)
        self.saved = time.monotonic()
        if wish != _SAVE:
            raise TrainingStopped if wish in _ENDS else KeyboardInterrupt
