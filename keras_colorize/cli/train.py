"""`keras-colorize train`: a folder of photographs to a trained generator."""

from pathlib import Path
from typing import Any

import click

from keras_colorize.cli.recipe import Pair, chosen_preset, recipe_options
from keras_colorize.cli.training import open_training_set, prepare_keras, stoppable
from keras_colorize.config import (
    BASELINES,
    ENCODERS,
    PRESETS,
    BaselineName,
    Encoder,
    GeneratorConfig,
)
from keras_colorize.inference.quiet import import_quietly


@click.command(
    epilog="\b\nExamples:\n"
    "  keras-colorize train photographs --preset mobile --run runs/mine --val photographs-val\n"
    "  keras-colorize train archive --fine-tune mobile --epochs 3 --run runs/archive\n"
    "To continue a training that was stopped, run the same command again."
)
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--preset",
    type=click.Choice(list(PRESETS)),
    default="mobile",
    show_default=True,
    help="Networks and recipe to use. The options below change the recipe.",
)
@click.option(
    "--model",
    type=click.Choice(BASELINES),
    help="Baseline to train, with its own losses, instead of the preset's network. The recipe is "
    "still the preset's.",
)
@click.option(
    "--width",
    type=click.FloatRange(0, 4, min_open=True),
    help="Factor on all widths of the --model.  [default: 1, as in its paper]",
)
@click.option(
    "--encoder",
    type=click.Choice(ENCODERS),
    help="Encoder of the network, instead of the preset's: the paper's convolutions (plain), or an "
    "image classifier without its last layers.",
)
@click.option(
    "--encoder-weights",
    type=click.Choice(["imagenet", "none"]),
    help="Weights that the encoder starts from: the ones learnt on ImageNet, which need the extra "
    "pretrained, or random ones.  [default: imagenet, except for plain]",
)
@click.option(
    "--run",
    "run_folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Run folder, which holds everything that the training writes.  [default: runs/PRESET, or "
    "runs/MODEL]",
)
@click.option(
    "--val",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of photographs for validation. Half of them score each epoch.",
)
@click.option(
    "--fine-tune",
    metavar="FROM",
    help="Weights to start from instead of random ones: a packaged name such as mobile, a run "
    "folder, or a .keras or .tflite file.",
)
@recipe_options(
    "epochs", "steps_per_epoch", "images_per_epoch", "batch_size", "accumulation", "size"
)
@click.option(
    "--grow",
    type=Pair("epochs:size", int, "6:192"),
    multiple=True,
    help="Change the side of the crops to SIZE after this number of epochs. It can be repeated.",
)
@recipe_options("crop", "aging", "learning_rate", "discriminator_rate_ratio", "schedule")
@click.option(
    "--freeze-encoder",
    "frozen_encoder_epochs",
    type=click.IntRange(0),
    metavar="EPOCHS",
    help="Number of first epochs in which an encoder from ImageNet does not learn.  [default with "
    "--fine-tune: 0]",
)
@recipe_options("encoder_rate_ratio", "l1_weight", "warm_up_epochs", "label_smoothing")
@click.option(
    "--freeze-statistics/--no-freeze-statistics",
    "frozen_statistics",
    default=None,
    help="Whether batch norm keeps the statistics that it starts with.  [default: only with "
    "--fine-tune]",
)
@recipe_options("ema", "precision", "seed")
@click.option(
    "--rematerialize",
    is_flag=True,
    help="Save memory by computing activations twice, which takes more time.",
)
@click.option(
    "--strategy",
    type=click.Choice(["auto", "mirrored", "multiworker"]),
    default="auto",
    show_default=True,
    help="Devices to train on: all accelerators of this machine if it has several (auto), all "
    "devices of this machine (mirrored), or several machines (multiworker, see docs/devices.md).",
)
@click.option("--wandb", is_flag=True, help="Also log to Weights & Biases.")
def command(
    folder: Path,
    preset: str,
    model: BaselineName | None,
    width: float | None,
    encoder: Encoder | None,
    encoder_weights: str | None,
    run_folder: Path | None,
    val: Path | None,
    fine_tune: str | None,
    strategy: str,
    wandb: bool,
    rematerialize: bool,
    **recipe: Any,
) -> None:
    """Train a network on the photographs of FOLDER.

    FOLDER can hold photographs in any nesting, Places365 or ILSVRC2012 as they were unpacked, or
    shards from the command prepare. With the preset mobile, the discriminator takes part only if
    there are fewer --warm-up-epochs than --epochs: it then joins after them.
    """
    if fine_tune and recipe["frozen_statistics"] is None:
        recipe["frozen_statistics"] = True
    chosen = chosen_preset(
        PRESETS[preset],
        recipe,
        model=model,
        width=width,
        encoder=encoder,
        encoder_weights=encoder_weights,
        fine_tune=fine_tune is not None,
    )
    if model is None and width is not None:
        raise click.UsageError("--width needs --model.")
    if model is not None and rematerialize:
        raise click.UsageError("--rematerialize does not work with --model.")
    run_folder = run_folder or Path("runs") / chosen.name
    training, network = chosen.training, chosen.generator
    # If something is missing, nothing has begun yet.
    if wandb:
        import_quietly("wandb")
    prepare_keras()
    if training.encoder_weights and not fine_tune and not run_folder.exists():
        from keras_colorize.models.imagenet_weights import weights_file

        assert isinstance(network, GeneratorConfig)
        weights_file(network.encoder)
    photographs = open_training_set(folder)

    from keras_colorize.inference.weights import resolve_weights
    from keras_colorize.training.report import REPORT
    from keras_colorize.training.trainer import train

    click.echo(
        f"{training.epochs} epochs, batches of {training.batch_size}; run folder {run_folder}",
        err=True,
    )
    if strategy == "multiworker":
        click.echo("Waiting for the other processes.", err=True)
    with stoppable():
        run = train(
            chosen,
            photographs,
            run_folder,
            val=val,
            fine_tune=fine_tune,
            wandb=wandb,
            rematerialize=rematerialize,
            strategy=strategy,
        )
    if run is None:
        click.echo("Done. The first process has the run folder.", err=True)
        return
    click.echo(f"How it went: {run.folder / REPORT}", err=True)
    click.echo(f"Done. The generator is {resolve_weights(run.folder)}", err=True)
