"""`keras-colorize compress`: a network fine-tuned to take less room or less time."""

from pathlib import Path
from typing import Any

import click

from keras_colorize.cli.stopping import stoppable
from keras_colorize.cli.training_set import open_training_set
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
    "The same command again goes on where it was stopped."
)
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--method",
    type=click.Choice(METHODS),
    required=True,
    help="qat learns to compute in 8 bits, prune to do without small weights, cluster with a few "
    "values in each kernel.",
)
@click.option(
    "--weights",
    required=True,
    help="What to compress: a run folder, .keras or .tflite. Networks with a pretrained encoder, "
    "such as the packaged one, cannot be compressed.",
)
@click.option(
    "--run",
    "run_folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of this run and of what comes out.  [default: runs/NAME-METHOD]",
)
@click.option(
    "--val",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Photographs to measure on what is lost; some hundreds are enough.",
)
@click.option(
    "--sparsity",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    help=f"Share of zeros, of prune.  [default: {_DEFAULTS.sparsity}]",
)
@click.option(
    "--clusters",
    type=click.IntRange(2, 256),
    help=f"Values of a kernel, of cluster.  [default: {_DEFAULTS.clusters}]",
)
@click.option(
    "--epochs", type=click.IntRange(1), help=f"How many epochs.  [default: {_DEFAULTS.epochs}]"
)
@click.option(
    "--steps-per-epoch", type=click.IntRange(1), help="Steps an epoch.  [default: one pass]"
)
@click.option(
    "--batch-size",
    type=click.IntRange(1),
    help=f"Photographs a step.  [default: {_DEFAULTS.batch_size}]",
)
@click.option(
    "--size", type=click.IntRange(16), help=f"Side of the crops.  [default: {_DEFAULTS.size}]"
)
@click.option(
    "--learning-rate",
    type=click.FloatRange(0, min_open=True),
    help="At the start; it falls to 0.  [default: "
    + ", ".join(f"{method} {rate:g}" for method, rate in LEARNING_RATES.items())
    + "]",
)
@click.option(
    "--seed",
    type=click.IntRange(0, 2**32 - 1),
    help=f"Of order and crops.  [default: {_DEFAULTS.seed}]",
)
@click.option("--name", help="Of the files.  [default: by the weights]")
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

    It learns from them and from the network that it was: colours that are near to both. What comes
    out is RUN/NAME.METHOD.tflite, an int8 file with four sizes, its weights beside it as
    .weights.h5, and the table of what the file costs and loses, which is printed and stands in
    RUN/report.md and report.json. FOLDER is as in train.
    """
    given = {figure: value for figure, value in figures.items() if value is not None}
    for figure in given.keys() & _BELONGS:
        if method != _BELONGS[figure]:
            raise click.UsageError(f"--{figure} is of --method {_BELONGS[figure]}.")
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
        click.echo("Without --val it is not known what the file loses.", err=True)
