"""A folder of photographs to a trained generator: the whole of a training run."""

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
    """Trains, or goes on where the run folder's last checkpoint was.

    Args:
        preset: networks and recipe.
        photographs: a scanned folder, or shards.
        run_folder: made if absent; see `Run`.
        val: a folder of photographs whose even half (`part="select"` of `score_folder`) scores
            each epoch and picks `best.keras`; None = no validation.
        fine_tune: weights to start from instead of random ones, as `resolve_weights` takes them;
            the discriminator is taken over, too, where `discriminator.keras` lies beside them. The
            encoder then does not start from the recipe's `encoder_weights`.
        wandb: whether to log to Weights & Biases, too.
        rematerialize: whether to save memory as `BaseGAN.compile` says; a run may go on without.
        strategy: see `open_devices`. It does not decide what is learnt, so a run may go on on
            other devices.
        color_loss: between real and generated colour, as in `BaseGAN.compile`; None = the one of
            the network's paper (`color_loss_of`). The run folder does not know of it: give the
            same to go on.

    Returns:
        The finished run, with its report; None in other processes than the first.

    Raises:
        RunError: the folder cannot be used, there are fewer photographs than a batch, or a
            checkpoint or the weights to start from do not fit.
        WeightsError: there are no weights to start from.
        PretrainedError: those of the recipe's `encoder_weights` are not installed.
        TrainingStopped: SIGTERM came; all that is needed to go on is saved.
        DivergenceError: a loss was not finite any more.
        ShardError: a shard is not what was made any more.
        LoggerError: Weights & Biases cannot be used as it is set up.
        DeviceError: the devices cannot train together.
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
            return run  # nothing is left to do: no need to build anything
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
            progress.say(f"{start} comes without a discriminator, which starts anew.")
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
    with devices.together():  # the others stay: to the first, their end would be a failure
        if devices.first and run.metrics():  # they may have been lost
            write_report(run, val)
    return run if devices.first else None


def _remaining(recipe: TrainingConfig, start: Checkpoint) -> Iterator[tuple[Stage, int]]:
    """The stages from a checkpoint on, with the steps to skip; a broken epoch is one of its own."""
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
        gan.make_train_function(force=True)  # what is compiled stays good for the same steps
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
            shuffle=False,  # the stream is in its order already
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
