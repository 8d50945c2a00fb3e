"""`keras-colorize compress`: fine-tunes a network so that its file becomes a smaller download."""

from pathlib import Path
from typing import Any

import click

from keras_colorize.cli.training import open_training_set, stoppable
from keras_colorize.inference.quiet import import_quietly
from keras_colorize.inference.weights import name_of


@click.command(
    epilog="\b\nExample:\n"
    "  keras-colorize compress photographs --weights runs/quality \\\n"
    "    --val photographs-val --run runs/compressed\n"
    "Run the same command again to continue after an interruption."
)
@click.argument("folder", type=click.Path(path_type=Path))
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
    help="Folder for checkpoints and results.  [default: runs/NAME-cluster]",
)
@click.option(
    "--val",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of photographs to measure the loss of quality on. A few hundred are enough.",
)
@click.option(
    "--clusters",
    type=click.IntRange(2, 256),
    default=16,
    show_default=True,
    help="Number of different values in each kernel. Fewer values make a smaller download.",
)
@click.option(
    "--epochs", type=click.IntRange(1), default=2, show_default=True, help="Number of epochs."
)
@click.option(
    "--steps-per-epoch",
    type=click.IntRange(1),
    help="Number of steps in each epoch.  [default: one pass over the photographs]",
)
@click.option(
    "--batch-size",
    type=click.IntRange(1),
    default=16,
    show_default=True,
    help="Number of photographs in each step.",
)
@click.option(
    "--size",
    type=click.IntRange(16),
    default=192,
    show_default=True,
    help="Side of the square crops in pixels.",
)
@click.option(
    "--learning-rate",
    type=click.FloatRange(0, min_open=True),
    default=3e-5,
    show_default=True,
    help="Learning rate at the start. It falls linearly to 0.",
)
@click.option(
    "--seed",
    type=click.IntRange(0, 2**32 - 1),
    default=0,
    show_default=True,
    help="Seed of the order of the photographs and of the crops.",
)
@click.option("--name", help="Name of the files.  [default: the name of the weights]")
def command(
    folder: Path,
    weights: str,
    run_folder: Path | None,
    val: Path | None,
    name: str | None,
    **figures: Any,
) -> None:
    """Compress a network so that its file becomes a smaller download.

    Fine-tunes the network on photographs while the weights of each kernel share a few values. It
    learns from the real colours and from those of the original network. The result is
    RUN/NAME.cluster.tflite, an int8 file for four sizes, and its weights as
    RUN/NAME.cluster.weights.h5. A table of its size, speed and loss of quality is printed and
    written to RUN/report.md and RUN/report.json. FOLDER holds photographs or shards, as in the
    command train.
    """
    name = name or name_of(weights)
    run_folder = run_folder or Path("runs") / f"{name}-cluster"
    import_quietly("tensorflow")
    import_quietly("keras_colorize.exporting.clustering")  # if it is missing, nothing has begun
    photographs = open_training_set(folder)

    from keras_colorize.exporting.compression import CompressionRecipe, compress

    recipe = CompressionRecipe(**figures)
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
