"""A folder of photographs to a trained generator: the whole of a training run."""

import hashlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from keras_colorize.config import Preset, Stage, TrainingConfig
from keras_colorize.data.folders import Scan, list_photographs
from keras_colorize.data.tfdata import training_batches
from keras_colorize.evaluation.figures import grid
from keras_colorize.evaluation.scoring import FAST_METRICS, read_truth, score_folder
from keras_colorize.imaging.color import lab_to_rgb, rgb_to_lightness
from keras_colorize.imaging.images import ImageError, write_image
from keras_colorize.inference.colorizer import Colorizer
from keras_colorize.inference.runtime import KerasRuntime
from keras_colorize.models.discriminator import build_discriminator
from keras_colorize.models.generator import build_generator
from keras_colorize.training.callbacks import DivergenceGuard, EpochRecorder, Progress
from keras_colorize.training.gan import ColorizationGAN
from keras_colorize.training.runs import Run, RunError

_SAMPLES = 6


def train(preset: Preset, scan: Scan, run_folder: Path, *, val: Path | None = None) -> Run:
    """Trains, or goes on where the run folder's last checkpoint was.

    Args:
        preset: networks and recipe.
        scan: the photographs to train on.
        run_folder: made if absent; see `Run`.
        val: a folder of photographs whose even half (`part="select"` of `score_folder`) scores
            each epoch and picks `best.keras`; None = no validation.

    Returns:
        The finished run.

    Raises:
        RunError: the folder cannot be used, there are fewer photographs than a batch, or a
            checkpoint does not fit.
        DivergenceError: a loss was not finite any more.
    """
    recipe = preset.training
    steps = recipe.steps_per_epoch or len(scan.files) // recipe.batch_size
    if not steps:
        raise RunError(
            f"{len(scan.files)} photographs are fewer than one batch of {recipe.batch_size}."
        )
    run = Run(run_folder, _configuration(preset, scan, val))
    keras.utils.set_random_seed(recipe.seed)
    gan = build_gan(preset, steps)
    done = _resume(run, gan)
    progress = Progress(
        steps_done=done * steps, steps=recipe.epochs * steps, batch_size=recipe.batch_size
    )
    colorizer = Colorizer(KerasRuntime(gan.best_generator))
    callbacks = [
        progress,
        DivergenceGuard(),
        keras.callbacks.TensorBoard(run.folder / "tensorboard", write_graph=False),
        EpochRecorder(
            run,
            progress,
            images_per_epoch=steps * recipe.batch_size,
            validate=_validator(colorizer, val),
            sample=_sampler(colorizer, run, list_photographs(val) if val else scan.files),
        ),
    ]
    with progress.bar:
        for stage in recipe.stages():
            if done < stage.stop_epoch:
                _fit(gan, scan, recipe, stage, max(done, stage.first_epoch), steps, callbacks)
    return run


def build_gan(preset: Preset, steps: int) -> ColorizationGAN:
    """Builds and compiles the GAN of a preset.

    Args:
        preset: networks and recipe.
        steps: an epoch's; they set the length of the learning-rate schedule.
    """
    recipe = preset.training
    gan = ColorizationGAN(
        build_generator(preset.generator), build_discriminator(preset.discriminator), ema=recipe.ema
    )
    rate = recipe.learning_rate
    adversarial_epochs = max(1, recipe.epochs - recipe.warm_up_epochs)
    gan.compile(
        _adam(recipe, rate, recipe.epochs * steps),
        _adam(recipe, rate * recipe.discriminator_rate_ratio, adversarial_epochs * steps),
        l1_weight=recipe.l1_weight,
        label_smoothing=recipe.label_smoothing,
    )
    return gan


def _adam(recipe: TrainingConfig, rate: float, steps: int) -> keras.optimizers.Adam:
    if recipe.schedule == "linear":
        rate = keras.optimizers.schedules.PolynomialDecay(rate, steps, end_learning_rate=0.0)
    return keras.optimizers.Adam(rate, beta_1=recipe.beta_1)


def _fit(
    gan: ColorizationGAN,
    scan: Scan,
    recipe: TrainingConfig,
    stage: Stage,
    first_epoch: int,
    steps: int,
    callbacks: list[keras.callbacks.Callback],
) -> None:
    gan.adversarial = stage.adversarial
    gan.make_train_function(force=True)
    batches = training_batches(
        scan.files,
        orientations=scan.orientations,
        size=stage.size,
        batch_size=recipe.batch_size,
        steps=(stage.stop_epoch - first_epoch) * steps,
        first_step=first_epoch * steps,
        seed=recipe.seed,
    )
    gan.fit(
        batches,
        initial_epoch=first_epoch,
        epochs=stage.stop_epoch,
        steps_per_epoch=steps,
        callbacks=callbacks,
        shuffle=False,  # the stream is in its order already
        verbose=0,
    )


def _configuration(preset: Preset, scan: Scan, val: Path | None) -> dict[str, object]:
    # Names, not places: a run goes on after its folders have moved.
    names = "\n".join("/".join(file.parts[-2:]) for file in scan.files)
    return {
        "preset": preset.name,
        **preset.describe(),
        "photographs": len(scan.files),
        "photographs_digest": hashlib.sha256(names.encode()).hexdigest()[:16],
        "validation": len(list_photographs(val)) if val else 0,
    }


def _resume(run: Run, gan: ColorizationGAN) -> int:
    """Restores the last checkpoint and returns how many epochs it has behind it."""
    checkpoints = run.checkpoints()
    if not checkpoints:
        run.write_metrics([])
        return 0
    done, path = list(checkpoints.items())[-1]
    try:
        gan.load_weights(path)
    except (OSError, ValueError, KeyError) as error:
        raise RunError(f"The checkpoint {path} cannot be read: {error}") from error
    run.write_metrics([record for record in run.metrics() if record["epoch"] <= done])
    return done


def _validator(colorizer: Colorizer, folder: Path | None) -> Callable[[], dict[str, float]] | None:
    if folder is None:
        return None

    def validate() -> dict[str, float]:
        scores = score_folder(folder, colorizer.predict_ab, metrics=FAST_METRICS, part="select")
        model, grey = scores.rows["model"], scores.rows["grey"]
        return {
            "val_psnr": model["psnr"],
            "val_psnr_gain": model["psnr"] - grey["psnr"],
            "val_colorfulness_ratio": model["colorfulness_ratio"],
        }

    return validate


def _sampler(colorizer: Colorizer, run: Run, files: list[Path]) -> Callable[[int], None]:
    truths: list[NDArray[np.uint8]] = []
    for file in files[:: max(1, len(files) // _SAMPLES)]:
        if len(truths) < _SAMPLES:
            with suppress(ImageError):  # the validation leaves it out, too
                truths.append(read_truth(file))

    def sample(epoch: int) -> None:
        rows = []
        for truth in truths:
            lightness = rgb_to_lightness(truth)
            ab = colorizer.predict_ab(lightness)
            rows.append([lab_to_rgb(lightness, 0 * ab), lab_to_rgb(lightness, ab), truth])
        path = run.folder / "samples" / f"epoch-{epoch:04d}.png"
        write_image(grid(rows, 256), path, overwrite=True)

    return sample
