"""Fine-tuning a constrained network by two teachers: the photographs, and its float parent."""

import time
from pathlib import Path
from typing import Any, BinaryIO

import h5py
import keras
import numpy as np
import tensorflow as tf
from keras import ops

from keras_colorize.exporting.compression import Compression, adam
from keras_colorize.exporting.compression_recipe import CompressionRecipe
from keras_colorize.models.networks import chroma_stride_of
from keras_colorize.training.backends import TrainingSet, batches_of
from keras_colorize.training.callbacks import DivergenceGuard, epoch_line
from keras_colorize.training.checkpointer import Checkpointer
from keras_colorize.training.data_errors import explain_data_errors
from keras_colorize.training.distribution import Devices
from keras_colorize.training.losses import l1_loss
from keras_colorize.training.resuming import resume
from keras_colorize.training.runs import Run


class Distillation:
    """A constrained network, its parent, an optimizer, and the means of an epoch's losses.

    It has what `keras_colorize.training.runs.Run` asks of what it saves.

    Args:
        compression: what learns.
        parent: the float network that it comes from; it is not changed.
        learning_rate: as in `adam`.
        steps: of the whole fine-tuning.
    """

    def __init__(
        self, compression: Compression, parent: keras.Model, learning_rate: float, steps: int
    ) -> None:
        self.compression = compression
        self.parent = parent
        self.chroma_stride = chroma_stride_of(parent)
        self.learns = compression.model.trainable_variables
        self.optimizer = adam(learning_rate, steps, self.learns)
        self.trackers = {name: keras.metrics.Mean(name=name) for name in ("l1_loss", "parent_loss")}
        self._step = tf.function(self._one_step, autograph=False, reduce_retracing=True)

    def step(self, lightness_scaled: Any, ab_scaled: Any) -> dict[str, float]:
        """Learns from a batch.

        Args:
            lightness_scaled: (B, H, W, 1) in [-1, 1].
            ab_scaled: (B, H, W, 2) in [-1, 1].

        Returns:
            Means of the epoch so far: `l1_loss` to the photographs, `parent_loss` to the parent.
        """
        self._step(lightness_scaled, ab_scaled)
        return {name: float(tracker.result()) for name, tracker in self.trackers.items()}

    def _one_step(self, lightness_scaled: Any, ab_scaled: Any) -> None:
        c = self.chroma_stride
        real_ab = ops.average_pool(ab_scaled, c, c, "valid") if c > 1 else ab_scaled
        parent_ab = self.parent(lightness_scaled, training=False)
        with tf.GradientTape() as tape:
            generated_ab = self.compression(lightness_scaled, training=True)
            losses = {
                "l1_loss": l1_loss(real_ab, generated_ab),
                "parent_loss": l1_loss(parent_ab, generated_ab),
            }
            loss = losses["l1_loss"] + losses["parent_loss"]
        gradients = tape.gradient(loss, self.learns)
        self.optimizer.apply_gradients(zip(gradients, self.learns, strict=True))
        for name, value in losses.items():
            self.trackers[name].update_state(value)

    def learning_rate(self) -> float:
        """Of the last step."""
        return float(self.optimizer.learning_rate)

    def reset_means(self) -> None:
        """Begins an epoch."""
        for tracker in self.trackers.values():
            tracker.reset_state()

    def running_means(self) -> dict[str, list[float]]:
        """The state of the losses' means over the epoch so far."""
        return {
            name: [float(variable) for variable in tracker.variables]
            for name, tracker in self.trackers.items()
        }

    def set_running_means(self, means: dict[str, list[float]]) -> None:
        """Goes on with means that `running_means` returned."""
        for name, state in means.items():
            for variable, value in zip(self.trackers[name].variables, state, strict=True):
                variable.assign(value)

    def random_states(self) -> list[list[int]]:
        """None: crops depend on the seed and the step alone."""
        return []

    def set_random_states(self, states: list[list[int]]) -> None:
        """Nothing to set."""

    def save_weights(self, to: Path | BinaryIO) -> None:
        """Saves all state, in the order of the variables: wrappers do not name theirs apart."""
        with h5py.File(to, "w") as file:
            for index, variable in enumerate(self._variables()):
                file[f"{index:04d}"] = variable.numpy()

    def load_weights(self, path: Path) -> None:
        """Restores what `save_weights` saved.

        Args:
            path: a file that it wrote.

        Raises:
            OSError: the file is damaged.
            ValueError: it is of another network.
        """
        with h5py.File(path) as file:
            values = [np.asarray(file[name]) for name in sorted(file)]
        variables = self._variables()
        if [value.shape for value in values] != [tuple(v.shape) for v in variables]:
            raise ValueError("It is of another network.")
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)

    def _variables(self) -> list[Any]:
        return [*self.compression.variables, *self.optimizer.variables]


def fine_tune(
    distillation: Distillation,
    photographs: TrainingSet,
    recipe: CompressionRecipe,
    run: Run,
    steps: int,
) -> None:
    """Fine-tunes from the run's last checkpoint on.

    Args:
        distillation: at the start of the run; it is changed.
        photographs: to learn from.
        recipe: epochs, crops and batches.
        run: where checkpoints and `metrics.jsonl` are.
        steps: an epoch's.

    Raises:
        RunError: no checkpoint can be read, or a photograph is gone.
        TrainingStopped: SIGTERM came.
        DivergenceError: a loss was not finite any more.
    """
    start, progress = resume(
        run, distillation, epochs=recipe.epochs, steps=steps, batch_size=recipe.batch_size
    )
    checkpointer = Checkpointer(run, start, Devices())
    checkpointer.set_model(distillation)
    callbacks: list[keras.callbacks.Callback] = [progress, DivergenceGuard(), checkpointer]
    with progress.bar, checkpointer.listening():
        for epoch in range(start.epochs, recipe.epochs):
            began = time.monotonic()
            distillation.reset_means()
            checkpointer.on_epoch_begin(epoch)
            skipped = checkpointer.skipped
            logs: dict[str, float] = {}
            batches = batches_of(
                photographs,
                size=recipe.size,
                batch_size=recipe.batch_size,
                steps=steps - skipped,
                first_step=epoch * steps + skipped,
                seed=recipe.seed,
            )
            with explain_data_errors(photographs):
                for batch, (lightness_scaled, ab_scaled) in enumerate(batches):
                    logs = distillation.step(lightness_scaled, ab_scaled)
                    for callback in callbacks:
                        callback.on_train_batch_end(batch, logs)
            distillation.compression.end_epoch()
            record: dict[str, Any] = {
                "epoch": epoch + 1,
                "images": (epoch + 1) * steps * recipe.batch_size,
                **logs,
                "learning_rate": distillation.learning_rate(),
                "seconds": round(time.monotonic() - began, 1),
            }
            run.write_metrics([*run.metrics(), record])
            run.save_checkpoint(distillation, epoch + 1)
            progress.say(epoch_line(record))
