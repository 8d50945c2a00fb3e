"""`keras-colorize compress`: fine-tunes a network so that it becomes smaller or faster."""

from pathlib import Path
from typing import Any

import click

from keras_colorize.cli.training import open_training_set, stoppable
from keras_colorize.exporting.compression_recipe import (
    LEARNING_RATES,
    METHODS,
    CompressionRecipe,
    Method,
)
from keras_colorize.inference.quiet import import_quietly
from keras_colorize.inference.weights import name_of

_DEFAULTS = CompressionRecipe("qat")
_BELONGS = {"sparsity": "prune", "clusters": "cluster"}


@click.command(
    epilog="\b\nExample:\n"
    "  keras-colorize compress photographs --weights runs/quality --method qat \\\n"
    "    --val photographs-val --run runs/qat\n"
    "Run the same command again to continue after an interruption."
)
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--method",
    type=click.Choice(METHODS),
    required=True,
    help="qat trains the network to compute in 8 bits, prune sets small weights to zero, and "
    "cluster restricts each kernel to a few values.",
)
@click.option(
    "--weights",
    required=True,
    help="Network to compress: a run folder, or a .keras or .tflite file. Networks with a "
    "pretrained encoder, such as the packaged one, cannot be compressed.",
)
@click.option(
    "--run",
    "run_folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of this run and of its results.  [default: runs/NAME-METHOD]",
)
@click.option(
    "--val",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Photographs to measure the loss of quality on. A few hundred are enough.",
)
@click.option(
    "--sparsity",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    help=f"Share of weights that prune sets to zero.  [default: {_DEFAULTS.sparsity}]",
)
@click.option(
    "--clusters",
    type=click.IntRange(2, 256),
    help=f"Values that cluster keeps in each kernel.  [default: {_DEFAULTS.clusters}]",
)
@click.option(
    "--epochs", type=click.IntRange(1), help=f"Number of epochs.  [default: {_DEFAULTS.epochs}]"
)
@click.option(
    "--steps-per-epoch",
    type=click.IntRange(1),
    help="Steps in each epoch.  [default: one pass over the photographs]",
)
@click.option(
    "--batch-size",
    type=click.IntRange(1),
    help=f"Photographs in each step.  [default: {_DEFAULTS.batch_size}]",
)
@click.option(
    "--size",
    type=click.IntRange(16),
    help=f"Side of the crops in pixels.  [default: {_DEFAULTS.size}]",
)
@click.option(
    "--learning-rate",
    type=click.FloatRange(0, min_open=True),
    help="Learning rate at the start. It falls to 0.  [default: "
    + ", ".join(f"{method} {rate:g}" for method, rate in LEARNING_RATES.items())
    + "]",
)
@click.option(
    "--seed",
    type=click.IntRange(0, 2**32 - 1),
    help=f"Seed of the order and the crops.  [default: {_DEFAULTS.seed}]",
)
@click.option("--name", help="Name of the files.  [default: the name of the weights]")
def command(
    folder: Path,
    method: Method,
    weights: str,
    run_folder: Path | None,
    val: Path | None,
    name: str | None,
    **figures: Any,
) -> None:
    """Compress a network by fine-tuning it on photographs.

    The network learns from the real colours and from those of the original network. The result is
    RUN/NAME.METHOD.tflite, an int8 file for pictures of four sizes, with its weights beside it as
    .weights.h5. A table of its size, speed and loss of quality is printed and written to
    RUN/report.md and RUN/report.json. FOLDER holds photographs or shards, as in the command train.
    """
    given = {figure: value for figure, value in figures.items() if value is not None}
    for figure in given.keys() & _BELONGS:
        if method != _BELONGS[figure]:
            raise click.UsageError(f"--{figure} needs --method {_BELONGS[figure]}.")
    recipe = CompressionRecipe(method, **given)
    name = name or name_of(weights)
    run_folder = run_folder or Path("runs") / f"{name}-{method}"
    import_quietly("tensorflow")
    import_quietly("keras_colorize.exporting.compression")  # if it is missing, nothing has begun
    photographs = open_training_set(folder)

    from keras_colorize.exporting.compressed import compress

    click.echo(
        f"{recipe.epochs} epochs, batches of {recipe.batch_size}; run folder {run_folder}", err=True
    )
    with stoppable():
        table = compress(
            weights,
            photographs,
            recipe,
            run_folder,
            name=name,
            val=val,
            say=lambda line: click.echo(line, err=True),
        )
    click.echo(table)
    if not val:
        click.echo("The loss of quality was not measured. --val measures it.", err=True)
