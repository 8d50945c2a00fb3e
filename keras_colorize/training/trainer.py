"""A folder of photographs to a trained generator: the whole of a training run."""

import hashlib
from functools import partial
from pathlib import Path

import keras

from keras_colorize.config import Preset, Stage, TrainingConfig
from keras_colorize.data.folders import Scan, list_photographs
from keras_colorize.inference.colorizer import Colorizer
from keras_colorize.inference.runtime import KerasRuntime, load_keras
from keras_colorize.inference.weights import resolve_weights
from keras_colorize.models.discriminator import build_discriminator
from keras_colorize.models.generator import build_generator
from keras_colorize.training.backends import ColorizationGAN, training_batches
from keras_colorize.training.callbacks import DivergenceGuard, EpochRecorder, Progress
from keras_colorize.training.judging import sampler, settle, validator
from keras_colorize.training.runs import Run, RunError


def train(
    preset: Preset,
    scan: Scan,
    run_folder: Path,
    *,
    val: Path | None = None,
    fine_tune: Path | None = None,
) -> Run:
    """Trains, or goes on where the run folder's last checkpoint was.

    Args:
        preset: networks and recipe.
        scan: the photographs to train on.
        run_folder: made if absent; see `Run`.
        val: a folder of photographs whose even half (`part="select"` of `score_folder`) scores
            each epoch and picks `best.keras`; None = no validation.
        fine_tune: a run folder or a `.keras` file to start from instead of random weights; the
            discriminator is taken over, too, where `discriminator.keras` lies beside it.

    Returns:
        The finished run.

    Raises:
        RunError: the folder cannot be used, there are fewer photographs than a batch, or a
            checkpoint or the weights to start from do not fit.
        WeightsError: there are no weights to start from.
        DivergenceError: a loss was not finite any more.
    """
    recipe = preset.training
    steps = recipe.steps_per_epoch or len(scan.files) // recipe.batch_size
    if not steps:
        raise RunError(
            f"{len(scan.files)} photographs are fewer than one batch of {recipe.batch_size}."
        )
    keras.utils.set_random_seed(recipe.seed)
    gan = build_gan(preset, steps)
    start = resolve_weights(fine_tune) if fine_tune else None
    if start:
        _take_over(gan, start)
    run = Run(run_folder, _configuration(preset, scan, val, start))
    done = _resume(run, gan)
    progress = Progress(
        steps_done=done * steps, steps=recipe.epochs * steps, batch_size=recipe.batch_size
    )
    colorizer = Colorizer(KerasRuntime(gan.best_generator))
    callbacks = [
        progress,
        DivergenceGuard(),
        EpochRecorder(
            run,
            progress,
            images_per_epoch=steps * recipe.batch_size,
            settle=partial(settle, gan.best_generator, scan, recipe, steps),
            validate=validator(colorizer, val),
            sample=sampler(colorizer, run, list_photographs(val) if val else scan.files),
        ),
    ]
    if keras.backend.backend() == "tensorflow":  # it writes them, the package tensorboard cannot
        callbacks.append(keras.callbacks.TensorBoard(run.folder / "tensorboard", write_graph=False))
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


def _configuration(
    preset: Preset, scan: Scan, val: Path | None, start: Path | None
) -> dict[str, object]:
    # Names, not places: a run goes on after its folders have moved.
    names = "\n".join("/".join(file.parts[-2:]) for file in scan.files)
    started = {"fine_tune": hashlib.sha256(start.read_bytes()).hexdigest()[:16]} if start else {}
    return {
        "preset": preset.name,
        **preset.describe(),
        **started,
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


def _take_over(gan: ColorizationGAN, start: Path) -> None:
    """Sets the networks' weights to those of a `.keras` generator and its discriminator."""
    if start.suffix != ".keras":
        raise RunError(f"{start} cannot be trained further; name a run folder or a .keras file.")
    sources = {start: gan.generator, start.with_name("discriminator.keras"): gan.discriminator}
    for path, network in sources.items():
        if path is start or path.is_file():
            try:
                network.set_weights(load_keras(path).get_weights())
            except ValueError as error:
                raise RunError(f"{path} holds another network than this preset's.") from error
    if gan.ema_generator is not None:
        gan.ema_generator.set_weights(gan.generator.get_weights())
