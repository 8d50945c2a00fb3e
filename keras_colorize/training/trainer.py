"""A whole training run, from a folder of photographs to a trained generator."""

import hashlib
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path

import keras

from keras_colorize.config import Preset, Stage, TrainingConfig
from keras_colorize.data.folders import list_photographs
from keras_colorize.inference.colorizer import Colorizer
from keras_colorize.inference.runtime import KerasRuntime
from keras_colorize.inference.weights import resolve_weights
from keras_colorize.models.baselines.baseline import ColorLoss
from keras_colorize.training.backends import (
    LAB_CONVERSION,
    ColorizationGAN,
    TrainingSet,
    batches_of,
    open_devices,
)
from keras_colorize.training.building import build_gan
from keras_colorize.training.callbacks import DivergenceGuard, EpochRecorder
from keras_colorize.training.checkpointer import Checkpointer
from keras_colorize.training.data_errors import explain_data_errors
from keras_colorize.training.distribution import Devices
from keras_colorize.training.fine_tuning import start_from_imagenet, take_over
from keras_colorize.training.loggers import Loggers
from keras_colorize.training.objectives import color_loss_of
from keras_colorize.training.report import REPORT, write_report
from keras_colorize.training.resuming import resume
from keras_colorize.training.runs import Checkpoint, Run, RunError
from keras_colorize.training.validation import SAMPLES, sampler, settle, validator


def train(
    preset: Preset,
    photographs: TrainingSet,
    run_folder: Path,
    *,
    val: Path | None = None,
    fine_tune: str | Path | None = None,
    wandb: bool = False,
    rematerialize: bool = False,
    strategy: str = "auto",
    color_loss: ColorLoss | None = None,
) -> Run | None:
    """Trains a network, or continues the training from the last checkpoint in the run folder.

    Args:
        preset: The networks and the recipe.
        photographs: A scanned folder, or shards.
        run_folder: The folder of the run, which is created if it does not exist; see `Run`.
        val: A folder of validation photographs. One half of them (`part="select"` of
            `score_folder`) scores each epoch and chooses `best.keras`. None means no validation.
        fine_tune: Weights to start from, as `resolve_weights` takes them. If there is a
            `discriminator.keras` beside them, the discriminator starts from it. The recipe's
            `encoder_weights` are then not used.
        wandb: Whether to log to Weights & Biases as well.
        rematerialize: Whether to save memory, as in `BaseGAN.compile`. It does not change the
            result, so a run can be continued with another value.
        strategy: See `open_devices`. A run can be continued with another strategy.
        color_loss: The loss between real and generated colour, as in `BaseGAN.compile`. By
            default it is the one of the network's paper (`color_loss_of`). It is not stored in the
            run folder, so pass the same one to continue a run.

    Returns:
        The finished run, with its report. Of several processes, only the first returns it; the
        others return None.

    Raises:
        RunError: The folder cannot be used, there are fewer photographs than a batch, or a
            checkpoint or the weights to start from do not fit.
        WeightsError: The weights to start from do not exist.
        PretrainedError: The recipe's `encoder_weights` are not installed.
        TrainingStopped: The process received SIGTERM or SIGHUP. A checkpoint has been saved.
        DivergenceError: A loss is no longer finite.
        ShardError: A shard has changed since it was written.
        LoggerError: Weights & Biases cannot be used as it is set up.
        DeviceError: The devices cannot train together.
    """
    recipe = preset.training
    update = recipe.images_per_update
    steps = recipe.steps_per_epoch or photographs.count // update * recipe.accumulation
    if not steps:
        raise RunError(f"{photographs.count} photographs are fewer than one batch of {update}.")
    if strategy != "multiworker" and (run_folder / REPORT).exists():
        start = resolve_weights(fine_tune) if fine_tune else None
        run = Run(run_folder, _configuration(preset, photographs, val, start))
        if [record["epoch"] for record in run.metrics()[-1:]] == [recipe.epochs]:
            return run  # the run is finished, so no network has to be built
    with ExitStack() as stack:
        devices = stack.enter_context(open_devices(strategy))
        devices.check(recipe.batch_size)
        keras.utils.set_random_seed(recipe.seed)
        with devices.together():
            start = resolve_weights(fine_tune) if fine_tune else None
            configuration = _configuration(preset, photographs, val, start)
            loss = color_loss or color_loss_of(preset, photographs)
        with devices.scope():
            gan = build_gan(preset, steps, color_loss=loss, rematerialize=rematerialize)
        whole = take_over(gan, start, photographs, recipe, steps) if start else True
        run = stack.enter_context(devices.run(run_folder, configuration))
        checkpoint, progress = resume(
            run, gan, epochs=recipe.epochs, steps=steps, batch_size=recipe.batch_size
        )
        progress.say(f"{steps} steps an epoch, {recipe.epochs * steps} in all{devices.said}")
        progress.say(f"Photographs are converted to Lab by {LAB_CONVERSION}.")
        anew = not (checkpoint.epochs or checkpoint.steps)
        if anew and recipe.encoder_weights and not start:
            start_from_imagenet(gan)
        if anew and not whole and recipe.stages()[-1].adversarial:
            progress.say(f"{start} has no discriminator, so a new one is trained.")
        colorizer = Colorizer(KerasRuntime(gan.best_generator))
        shown = list_photographs(val) if val else photographs.examples(SAMPLES)
        checkpointer = Checkpointer(run, checkpoint, devices)
        loggers = Loggers(run, checkpoint.epochs, wandb=wandb and devices.first)
        callbacks = [
            progress,
            DivergenceGuard(),
            checkpointer,
            EpochRecorder(
                run,
                progress,
                images_per_epoch=steps * recipe.batch_size,
                settle=partial(settle, gan.best_generator, photographs, recipe, steps),
                validate=validator(colorizer, val),
                sample=sampler(colorizer, run, shown),
                log=loggers.log,
            ),
        ]
        stages = list(_remaining(recipe, checkpoint))
        with progress.bar, checkpointer.listening():
            with devices.together():
                if stages:
                    stack.enter_context(loggers)
            for stage, skipped in stages:
                _fit(gan, devices, photographs, recipe, stage, skipped, steps, callbacks)
    with devices.together():  # the other processes wait; if they ended, the first would fail
        if devices.first and run.metrics():  # the file may have been lost
            write_report(run, val)
    return run if devices.first else None


def _remaining(recipe: TrainingConfig, start: Checkpoint) -> Iterator[tuple[Stage, int]]:
    """Yields the stages after a checkpoint and the steps to skip; a partial epoch is a stage."""
    for stage in recipe.stages():
        first = max(stage.first_epoch, start.epochs)
        if start.steps and first == start.epochs < stage.stop_epoch:
            yield replace(stage, first_epoch=first, stop_epoch=first + 1), start.steps
            first += 1
        if first < stage.stop_epoch:
            yield replace(stage, first_epoch=first), 0


def _fit(
    gan: ColorizationGAN,
    devices: Devices,
    photographs: TrainingSet,
    recipe: TrainingConfig,
    stage: Stage,
    skipped: int,
    steps: int,
    callbacks: list[keras.callbacks.Callback],
) -> None:
    adversarial = stage.adversarial and gan.discriminator is not None
    if (gan.adversarial, gan.frozen_encoder) != (adversarial, stage.frozen_encoder):
        gan.adversarial, gan.frozen_encoder = adversarial, stage.frozen_encoder
        gan.make_train_function(force=True)  # steps that were compiled before are reused
    batches = batches_of(
        photographs,
        size=stage.size,
        batch_size=recipe.batch_size,
        steps=(stage.stop_epoch - stage.first_epoch) * steps - skipped,
        first_step=stage.first_epoch * steps + skipped,
        crop=recipe.crop,
        aging=recipe.aging,
        seed=recipe.seed,
        share=(devices.process, devices.processes),
    )
    with explain_data_errors(photographs):
        gan.fit(
            devices.feed(batches),
            initial_epoch=stage.first_epoch,
            epochs=stage.stop_epoch,
            steps_per_epoch=steps - skipped,
            callbacks=callbacks,
            shuffle=False,  # the batches are shuffled already
            verbose=0,
        )


def _configuration(
    preset: Preset, photographs: TrainingSet, val: Path | None, start: Path | None
) -> dict[str, object]:
    started = {"fine_tune": hashlib.sha256(start.read_bytes()).hexdigest()[:16]} if start else {}
    return {
        "preset": preset.name,
        **preset.describe(),
        **started,
        "photographs": photographs.count,
        "photographs_digest": photographs.digest,
        "validation": len(list_photographs(val)) if val else 0,
    }
