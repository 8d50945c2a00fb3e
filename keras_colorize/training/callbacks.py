"""Keras callbacks of a training: progress, the check for divergence, and the end of an epoch."""

import math
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
from tqdm import tqdm

from keras_colorize.evaluation.figures import draw_curves
from keras_colorize.models.networks import in_float32
from keras_colorize.training.backends import peak_memory
from keras_colorize.training.runs import Run, save_whole

_WARM_STEPS = 2  # not timed, because the first steps compile
_TIMED_STEPS = 10


class DivergenceError(ArithmeticError):
    """A loss is no longer a finite number. The message says so and gives advice."""


class Progress(keras.callbacks.Callback):
    """A progress bar for the whole run, with images per second and the time left.

    The bar is shown on a terminal only. After the first steps of each stage, a line says how long
    an epoch and the rest of the run will take.

    Args:
        steps_done: Number of steps that were finished before.
        steps: Number of steps of the whole run.
        steps_per_epoch: Number of steps in an epoch.
        batch_size: Number of images in a step.
    """

    def __init__(
        self, *, steps_done: int, steps: int, steps_per_epoch: int, batch_size: int
    ) -> None:
        super().__init__()
        self.steps_per_epoch = steps_per_epoch
        self.batch_size = batch_size
        self.bar = tqdm(
            total=steps * batch_size,
            initial=steps_done * batch_size,
            unit="image",
            disable=None,
            smoothing=0.02,
        )
        self.left = steps - steps_done
        self.seen = 0
        self.started = 0.0

    def on_train_begin(self, logs: Any = None) -> None:
        """Starts timing again, because the steps of each stage take another time."""
        self.seen = 0
        self.say("Compiling the training step, which takes about a minute.")

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Advances the bar, and prints the speed once it is known."""
        self.bar.update(self.batch_size)
        self.bar.set_postfix_str(f"l1 {logs['l1_loss']:.4f}", refresh=False)
        self.seen += 1
        self.left -= 1
        if self.seen == _WARM_STEPS:
            self.started = time.monotonic()
        if self.seen == _WARM_STEPS + _TIMED_STEPS:
            step = (time.monotonic() - self.started) / _TIMED_STEPS
            self.say(
                f"{self.batch_size / step:.3g} images/s: {_duration(step * self.steps_per_epoch)} "
                f"an epoch, {_duration(step * self.left)} left at this pace; {peak_memory()}"
            )

    def say(self, line: str) -> None:
        """Prints a line above the bar."""
        self.bar.write(line, file=sys.stderr)


class DivergenceGuard(keras.callbacks.Callback):
    """Stops the training at the first loss that is not finite."""

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Checks the losses.

        Raises:
            DivergenceError: A loss is NaN or infinite.
        """
        bad = [name for name, value in (logs or {}).items() if not math.isfinite(value)]
        if bad:
            raise DivergenceError(
                f"{bad[0]} is no longer a finite number, in step {batch + 1} of the epoch; the "
                "last checkpoint was saved before. Try a lower learning rate in a new run folder."
            )


class EpochRecorder(keras.callbacks.Callback):
    """Validates, records, draws, logs and saves after each epoch.

    The checkpoint is saved last. If a run is killed before that, the epoch is repeated when the
    run continues, and its files are written again.

    Args:
        run: The run that is written to.
        progress: Prints a line for each epoch.
        images_per_epoch: Number of images in an epoch.
        settle: Prepares the best generator for validation.
        validate: Returns the scores of the model; None means no validation.
        sample: Writes the sample pictures of an epoch and returns their path.
        log: Passes the record and the samples of an epoch to the loggers.
    """

    def __init__(
        self,
        run: Run,
        progress: Progress,
        *,
        images_per_epoch: int,
        settle: Callable[[], None],
        validate: Callable[[], dict[str, float]] | None,
        sample: Callable[[int], Path],
        log: Callable[[dict[str, Any], Path], None],
    ) -> None:
        super().__init__()
        self.run = run
        self.progress = progress
        self.images_per_epoch = images_per_epoch
        self.settle = settle
        self.validate = validate
        self.sample = sample
        self.log = log
        self.started = 0.0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Starts timing the epoch."""
        self.started = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Validates, records, draws, logs and saves."""
        losses: dict[str, float | None] = {
            name: float(value) for name, value in (logs or {}).items()
        }
        if not self.model.adversarial:  # they were not computed
            losses |= {"discriminator_loss": None, "adversarial_loss": None}
        seconds = round(time.monotonic() - self.started, 1)
        self.settle()
        record: dict[str, Any] = {
            "epoch": epoch + 1,
            "images": (epoch + 1) * self.images_per_epoch,
            **losses,
            "learning_rate": float(self.model.optimizer.learning_rate + 0.0),  # on any devices
            "seconds": seconds,
            **(self.validate() if self.validate else {}),
        }
        records = [*self.run.metrics(), record]
        self.run.write_metrics(records)
        draw_curves(records, self.run.folder / "curves.png")
        self.log(record, self.sample(epoch + 1))
        generator = in_float32(self.model.best_generator)
        score = record.get("val_psnr")
        if score is not None and score >= max(line.get("val_psnr", score) for line in records):
            save_whole(generator.save, self.run.folder / "best.keras")
        save_whole(generator.save, self.run.folder / "generator.keras")
        if self.model.discriminator is not None:
            save_whole(self.model.discriminator.save, self.run.folder / "discriminator.keras")
        self.run.save_checkpoint(self.model, epoch + 1)
        self.progress.say(epoch_line(record))


def epoch_line(record: dict[str, Any]) -> str:
    """Formats a record of `metrics.jsonl` as a line for the terminal."""
    shown = {k: v for k, v in record.items() if isinstance(v, float) and "norm" not in k}
    return f"epoch {record['epoch']}: " + ", ".join(f"{k} {v:.4g}" for k, v in shown.items())


def _duration(seconds: float) -> str:
    for unit, length in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} seconds"
