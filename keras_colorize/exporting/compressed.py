"""A network compressed: fine-tuned under a constraint, written as files, and measured."""

import hashlib
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import keras
import numpy as np

from keras_colorize.data.folders import list_photographs
from keras_colorize.exporting.calibration import PHOTOGRAPHS, calibration_of
from keras_colorize.exporting.clustering import Clustering
from keras_colorize.exporting.compression import Compression, Floats
from keras_colorize.exporting.compression_recipe import CompressionRecipe
from keras_colorize.exporting.distillation import Distillation, fine_tune
from keras_colorize.exporting.equalization import equalize
from keras_colorize.exporting.measuring import REPORT, measure, write_report
from keras_colorize.exporting.metadata import Facts, with_metadata
from keras_colorize.exporting.pruning import Pruning
from keras_colorize.exporting.quantization import Quantization
from keras_colorize.exporting.tflite import SIZES, cover
from keras_colorize.imaging.color import scale_lightness
from keras_colorize.imaging.files import atomic_file
from keras_colorize.imaging.locks import only_writer
from keras_colorize.inference.generators import load_generator
from keras_colorize.inference.runtime import KerasRuntime
from keras_colorize.inference.weights import resolve_weights
from keras_colorize.models.generator import config_of
from keras_colorize.training.backends import TrainingSet
from keras_colorize.training.gan_base import BackendError
from keras_colorize.training.runs import Run, RunError, save_whole


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
    """Compresses a network, or goes on where the run folder's last checkpoint was.

    The network is equalized first. What comes out lies in the run folder: `NAME.METHOD.tflite`,
    an int8 file with four sizes; `NAME.METHOD.weights.h5`, its floats for
    `build_generator(config, batch_norm=False)` of Keras 3; `report.json` and `report.md`.

    Pruned and clustered networks become int8 files, too: packed by gzip, as a download is, they
    are the smallest that there are, and as quick as any int8 file.

    Args:
        weights: as `load_generator` takes them.
        photographs: a scanned folder, or shards; some of them calibrate.
        recipe: the method and its figures.
        run_folder: made if absent; see `Run`.
        name: of the files.
        val: photographs to measure the loss on.
        say: told what is being done.

    Returns:
        The table of `report.md`.

    Raises:
        BackendError: Keras does not run on TensorFlow.
        WeightsError: the weights cannot be found or used.
        RunError: the folder cannot be used, the network has a pretrained encoder, there are fewer
            photographs than a batch, or the size does not suit the network.
        TrainingStopped: SIGTERM came; all that is needed to go on is saved.
        DivergenceError: a loss was not finite any more.
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
    encoder = config_of(parent).encoder
    if encoder != "plain":
        raise RunError(
            f"{weights} has the encoder {encoder}: only networks whose encoder is plain, such as "
            "those of the preset quality, can be compressed."
        )
    multiple = config_of(parent).size_multiple
    if recipe.size % multiple:
        raise RunError(
            f"Crops of {recipe.size} pixels: this network takes multiples of {multiple}."
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
        return _compress(parent, photographs, recipe, run, steps, name=name, val=val, say=say)


def _compress(
    parent: keras.Model,
    photographs: TrainingSet,
    recipe: CompressionRecipe,
    run: Run,
    steps: int,
    *,
    name: str,
    val: Path | None,
    say: Callable[[str], object],
) -> str:
    say("Equalizing ...")
    keras.utils.set_random_seed(recipe.seed)
    calibration = calibration_of(photographs.examples(PHOTOGRAPHS))
    lightness_scaled = scale_lightness(cover(calibration.lightness, SIZES[0]))
    equalized = equalize(parent, lightness_scaled)
    total = recipe.epochs * steps
    compression = _compression(equalized, recipe, total, lightness_scaled)
    distillation = Distillation(compression, parent, recipe.rate, total)
    fine_tune(distillation, photographs, recipe, run, steps)
    result = compression.result()
    stem = run.folder / f"{name}.{recipe.method}"
    save_whole(result.save_weights, stem.with_name(f"{stem.name}.weights.h5"))
    say("TFLite ...")
    path = stem.with_name(f"{stem.name}.tflite")
    facts = Facts(
        name=name,
        kind=f"int8, {recipe.method}",
        chroma_stride=config_of(parent).chroma_stride,
        sizes=SIZES,
        generator=asdict(config_of(parent)),
        calibration=calibration.facts(),
    )
    with atomic_file(path, overwrite=True) as stream:
        stream.write(with_metadata(compression.tflite(SIZES, calibration.lightness), facts))
    say("Measuring ...")
    measured = measure({f"TFLite int8, {recipe.method}": path}, KerasRuntime(parent), val)
    report = {
        "name": name,
        "method": recipe.method,
        "parameters": parent.count_params(),
        "sizes": SIZES,
        "calibration": calibration.facts(),
        **constraint_of(result),
    }
    return write_report(run.folder, report, measured)


def constraint_of(network: keras.Model) -> dict[str, float]:
    """Measures what a method has done to the kernels of a network, but the last.

    Args:
        network: a generator without batch norm.

    Returns:
        `zeros`: their share of all weights; `values`: the most different ones of a kernel.
    """
    kernels = [layer.get_weights()[0] for layer in network.layers[:-1] if layer.weights]
    zeros = sum(int((kernel == 0).sum()) for kernel in kernels)
    return {
        "zeros": round(zeros / sum(kernel.size for kernel in kernels), 4),
        "values": max(len(np.unique(kernel)) for kernel in kernels),
    }


def _compression(
    equalized: keras.Model, recipe: CompressionRecipe, steps: int, lightness_scaled: Floats
) -> Compression:
    if recipe.method == "qat":
        return Quantization(equalized, lightness_scaled)
    if recipe.method == "prune":
        return Pruning(equalized, recipe.sparsity, steps)
    return Clustering(equalized, recipe.clusters)
