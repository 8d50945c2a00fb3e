"""What happens around the steps and epochs of a training."""

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

_WARM_STEPS = 2  # the first ones compile
_TIMED_STEPS = 10


class DivergenceError(ArithmeticError):
    """A loss is no number any more; the message is one sentence."""


class Progress(keras.callbacks.Callback):
    """A bar over the whole run on a terminal, with images/s and time left; a line an epoch.

    Once some steps of a stage are timed, it says how long the rest will take at that pace.

    Args:
        steps_done: where the run goes on.
        steps: of the whole run.
        steps_per_epoch: of an epoch.
        batch_size: images a step.
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
        """A stage begins: its steps take a time of their own."""
        self.seen = 0
        self.say("Compiling the training step, which takes about a minute.")

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Moves the bar on."""
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
    """Stops at the first loss that is not finite."""

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Looks at the losses.

        Raises:
            DivergenceError: one is NaN or infinite.
        """
        bad = [name for name, value in (logs or {}).items() if not math.isfinite(value)]
        if bad:
            raise DivergenceError(
                f"{bad[0]} is not a finite number any more, in step {batch + 1} of the epoch; the "
                "last checkpoint is from before. Try a lower learning rate in a new run folder."
            )


class EpochRecorder(keras.callbacks.Callback):
    """Validates, records, draws, logs and saves after each epoch; the checkpoint comes last.

    What a killed run had written beyond its last checkpoint is written again when it goes on.

    Args:
        run: where to.
        progress: prints the epoch's line.
        images_per_epoch: for the count of images seen.
        settle: makes the best generator ready to be judged.
        validate: returns the scores of the model as it is now, or None.
        sample: writes a strip of samples for the epoch and returns where it is.
        log: tells those who watch of the epoch's record and samples.
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
        """Starts the clock."""
        self.started = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Does all of it."""
        losses: dict[str, float | None] = {
            name: float(value) for name, value in (logs or {}).items()
        }
        if not self.model.adversarial:  # they did not take part
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
    """What is printed of an epoch's line of `metrics.jsonl`."""
    shown = {k: v for k, v in record.items() if isinstance(v, float) and "norm" not in k}
    return f"epoch {record['epoch']}: " + ", ".join(f"{k} {v:.4g}" for k, v in shown.items())


def _duration(seconds: float) -> str:
    for unit, length in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} seconds"
