"""A network compressed by clustering: fine-tuned, written as an int8 file, and measured."""

import hashlib
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_colorize.data.folders import list_photographs
from keras_colorize.exporting.calibration import PHOTOGRAPHS, calibration_of
from keras_colorize.exporting.clustering import ClusteredNetwork
from keras_colorize.exporting.equalization import equalize
from keras_colorize.exporting.measuring import REPORT, measure, write_report
from keras_colorize.exporting.metadata import with_metadata
from keras_colorize.exporting.tflite import SIZES, convert_network, cover
from keras_colorize.imaging.color import scale_lightness
from keras_colorize.imaging.files import atomic_file
from keras_colorize.imaging.locks import only_writer
from keras_colorize.inference.generators import load_generator
from keras_colorize.inference.runtime import KerasRuntime
from keras_colorize.inference.weights import resolve_weights
from keras_colorize.models.generator import config_of
from keras_colorize.training.backends import TrainingSet, batches_of
from keras_colorize.training.callbacks import DivergenceGuard, epoch_line
from keras_colorize.training.checkpointer import Checkpointer
from keras_colorize.training.data_errors import explain_data_errors
from keras_colorize.training.distribution import Devices
from keras_colorize.training.gan_base import BackendError
from keras_colorize.training.resuming import resume
from keras_colorize.training.runs import Run, RunError, save_whole


@dataclass(frozen=True)
class CompressionRecipe:
    """How a network is compressed.

    Attributes:
        clusters: number of values of each kernel.
        epochs: number of epochs.
        steps_per_epoch: number of steps of an epoch; None is one pass over the photographs.
        batch_size: photographs of a step.
        size: side of the square crops in pixels.
        learning_rate: learning rate of Adam at the start; it falls linearly to 0.
        seed: seed of the order and the crops.
    """

    clusters: int
    epochs: int
    steps_per_epoch: int | None
    batch_size: int
    size: int
    learning_rate: float
    seed: int


def compress(
    weights: str,
    photographs: TrainingSet,
    recipe: CompressionRecipe,
    run_folder: Path,
    *,
    name: str,
    val: Path | None = None,
    say: Callable[[str], object] = print,
) -> str:
    """Compresses a network, or continues from the last checkpoint in the run folder.

    The run folder receives `NAME.cluster.tflite`, an int8 file with four sizes;
    `NAME.cluster.weights.h5`, its weights for `build_generator(config, batch_norm=False)`; and
    `report.json` and `report.md`.

    Args:
        weights: as `load_generator` takes them.
        photographs: a scanned folder, or shards; some of them calibrate.
        recipe: how to compress.
        run_folder: is created if it does not exist; see `Run`.
        name: name of the files.
        val: photographs to measure the loss of quality on.
        say: is called with a line of text before each step.

    Returns:
        The table of `report.md`.

    Raises:
        BackendError: Keras does not run on TensorFlow.
        WeightsError: the weights cannot be found or used.
        RunError: the folder cannot be used, the network has a pretrained encoder, there are fewer
            photographs than a batch, or the size does not suit the network.
        TrainingStopped: SIGTERM came; all that is needed to continue is saved.
        DivergenceError: a loss is not finite any more.
        FolderError: there are no photographs in `val`.
        FolderInUseError: another process writes to the folder.
    """
    if keras.backend.backend() != "tensorflow":
        raise BackendError(f"This needs KERAS_BACKEND=tensorflow, not {keras.backend.backend()}.")
    steps = recipe.steps_per_epoch or photographs.count // recipe.batch_size
    if not steps:
        raise RunError(
            f"{photographs.count} photographs are fewer than one batch of {recipe.batch_size}."
        )
    parent = load_generator(weights)
    config = config_of(parent)
    if config.encoder != "plain":
        raise RunError(
            f"{weights} has the encoder {config.encoder}: only networks whose encoder is plain, "
            "such as those of the preset quality, can be compressed."
        )
    if recipe.size % config.size_multiple:
        raise RunError(
            f"Crops of {recipe.size} pixels: this network takes multiples of "
            f"{config.size_multiple}."
        )
    configuration = {
        "compression": asdict(recipe),
        "weights": hashlib.sha256(resolve_weights(weights).read_bytes()).hexdigest()[:16],
        "photographs": photographs.count,
        "photographs_digest": photographs.digest,
        "validation": len(list_photographs(val)) if val else 0,
    }
    run = Run(run_folder, configuration)
    if (run_folder / REPORT).exists():
        say(f"{run_folder} is finished.")
        return (run_folder / REPORT).read_text().rstrip()
    with only_writer(run_folder):
        say("Equalizing ...")
        keras.utils.set_random_seed(recipe.seed)
        calibration = calibration_of(photographs.examples(PHOTOGRAPHS))
        equalized = equalize(parent, scale_lightness(cover(calibration.lightness, SIZES[0])))
        network = ClusteredNetwork(
            equalized,
            parent,
            clusters=recipe.clusters,
            learning_rate=recipe.learning_rate,
            steps=recipe.epochs * steps,
        )
        _fine_tune(network, photographs, recipe, run, steps)
        result = network.result()
        save_whole(result.save_weights, run_folder / f"{name}.cluster.weights.h5")
        say("TFLite ...")
        path = run_folder / f"{name}.cluster.tflite"
        # With one scale for each kernel few values stay few, which gzip needs: the packed file is
        # a sixth smaller than with a scale for each channel.
        model = convert_network(
            result,
            kind="int8",
            sizes=SIZES,
            representative=calibration.lightness,
            scale_a_channel=False,
        )
        model = with_metadata(
            model, parent, name=name, kind="int8, cluster", sizes=SIZES, calibration=calibration
        )
        with atomic_file(path, overwrite=True) as stream:
            stream.write(model)
        say("Measuring ...")
        measured = measure({"TFLite int8, cluster": path}, KerasRuntime(parent), val)
        kernels = [layer.get_weights()[0] for layer in result.layers[:-1] if layer.weights]
        report = {
            "name": name,
            "method": "cluster",
            "sizes": SIZES,
            "parameters": parent.count_params(),
            "calibration": calibration.facts(),
            "values": max(len(np.unique(kernel)) for kernel in kernels),
        }
        return write_report(run_folder, report, measured)


def _fine_tune(
    network: ClusteredNetwork,
    photographs: TrainingSet,
    recipe: CompressionRecipe,
    run: Run,
    steps: int,
) -> None:
    start, progress = resume(
        run, network, epochs=recipe.epochs, steps=steps, batch_size=recipe.batch_size
    )
    checkpointer = Checkpointer(run, start, Devices())
    checkpointer.set_model(network)
    callbacks: list[keras.callbacks.Callback] = [progress, DivergenceGuard(), checkpointer]
    with progress.bar, checkpointer.listening():
        for epoch in range(start.epochs, recipe.epochs):
            began = time.monotonic()
            network.reset_means()
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
                    logs = network.step(lightness_scaled, ab_scaled)
                    for callback in callbacks:
                        callback.on_train_batch_end(batch, logs)
            record: dict[str, Any] = {
                "epoch": epoch + 1,
                "images": (epoch + 1) * steps * recipe.batch_size,
                **logs,
                "learning_rate": network.learning_rate(),
                "seconds": round(time.monotonic() - began, 1),
            }
            run.write_metrics([*run.metrics(), record])
            run.save_checkpoint(network, epoch + 1)
            progress.say(epoch_line(record))
