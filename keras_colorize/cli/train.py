"""`keras-colorize train`: a folder of photographs to a trained generator."""

from pathlib import Path
from typing import Any

import click

from keras_colorize.cli.recipe import Growth, Shares, chosen_preset
from keras_colorize.cli.stopping import stoppable
from keras_colorize.cli.training_set import open_training_set
from keras_colorize.config import ENCODERS, PRESETS, RIVALS, Encoder, GeneratorConfig, RivalName
from keras_colorize.inference.quiet import import_quietly


@click.command(
    epilog="\b\nExamples:\n"
    "  keras-colorize train photographs --preset mobile --run runs/mine --val photographs-val\n"
    "  keras-colorize train archive --fine-tune mobile --epochs 3 --run runs/archive\n"
    "The same command again goes on where it was stopped."
)
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--preset",
    type=click.Choice(list(PRESETS)),
    default="mobile",
    show_default=True,
    help="Networks and recipe; the options below change the recipe.",
)
@click.option(
    "--model",
    type=click.Choice(RIVALS),
    help="Another method's network instead of the preset's, by its own losses; the recipe stays.",
)
@click.option(
    "--width",
    type=click.FloatRange(0, 4, min_open=True),
    help="Factor on all widths of --model.  [default: 1, its paper's]",
)
@click.option(
    "--encoder",
    type=click.Choice(ENCODERS),
    help="What the network begins with, instead of the preset's: the paper's convolutions (plain) "
    "or an image classifier without its last layers.",
)
@click.option(
    "--encoder-weights",
    type=click.Choice(["imagenet", "none"]),
    help="What the encoder starts from: what it learnt on ImageNet, which is in the extra "
    "pretrained, or random weights.  [default: imagenet, unless it is plain]",
)
@click.option(
    "--run",
    "run_folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of this run.  [default: runs/PRESET, or runs/MODEL]",
)
@click.option(
    "--val",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Photographs that score each epoch: the even half of them.",
)
@click.option(
    "--fine-tune",
    metavar="FROM",
    help="Start from these weights instead of random ones: a packaged name, such as mobile, a run "
    "folder, .keras or .tflite.",
)
@click.option("--epochs", type=click.IntRange(1), help="How many epochs.")
@click.option(
    "--steps-per-epoch", type=click.IntRange(1), help="Steps an epoch.  [default: one pass]"
)
@click.option(
    "--images-per-epoch", type=click.IntRange(1), help="The same in images, to the next step."
)
@click.option("--batch-size", type=click.IntRange(1), help="Photographs a step.")
@click.option(
    "--accumulation",
    type=click.IntRange(1),
    help="Steps that move the weights once, like one larger batch that does not fit in memory.",
)
@click.option("--size", type=click.IntRange(16), help="Side of the crops.")
@click.option(
    "--grow",
    type=Growth(),
    multiple=True,
    help="Crops of SIZE after that many epochs; can be given again.",
)
@click.option(
    "--crop",
    type=Shares(),
    help="Sides of the random crops, before they are resized, over the short sides of their "
    "photographs.  [default: 8/9]",
)
@click.option(
    "--aging",
    type=click.FloatRange(0, 1),
    help="Share of the crops that are made to look like old photographs.",
)
@click.option("--learning-rate", type=click.FloatRange(0, min_open=True), help="Of the generator.")
@click.option(
    "--discriminator-rate-ratio",
    type=click.FloatRange(0, min_open=True),
    help="The discriminator's learning rate over the generator's.",
)
@click.option(
    "--schedule", type=click.Choice(["constant", "linear", "cosine"]), help="Of the rates."
)
@click.option(
    "--freeze-encoder",
    "frozen_encoder_epochs",
    type=click.IntRange(0),
    metavar="EPOCHS",
    help="First epochs in which an encoder from ImageNet rests while the rest learns.  [default "
    "with --fine-tune: 0]",
)
@click.option(
    "--encoder-rate-ratio",
    type=click.FloatRange(0, min_open=True),
    help="Share of each filter's size that a step moves in an encoder from ImageNet, over the "
    "learning rate of the rest.",
)
@click.option("--l1-weight", type=click.FloatRange(0), help="Of L1 beside the adversarial loss.")
@click.option("--warm-up-epochs", type=click.IntRange(0), help="First epochs with L1 alone.")
@click.option("--label-smoothing", type=click.FloatRange(0, 0.5), help="One-sided.")
@click.option(
    "--freeze-statistics/--no-freeze-statistics",
    "frozen_statistics",
    default=None,
    help="Batch norm keeps the statistics that it starts with.  [default: with --fine-tune]",
)
@click.option("--ema", type=click.FloatRange(0, 1, max_open=True), help="Decay of the average.")
@click.option(
    "--precision",
    type=click.Choice(["float32", "bfloat16", "float16"]),
    help="Of the computation: bfloat16 is for accelerators, float16 for older ones.",
)
@click.option(
    "--rematerialize", is_flag=True, help="Less memory, slower: compute activations twice."
)
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), help="Of weights, order and crops.")
@click.option(
    "--strategy",
    type=click.Choice(["auto", "mirrored", "multiworker"]),
    default="auto",
    show_default=True,
    help="Devices: all accelerators of this machine if there are several, all devices of this "
    "machine, or those of several machines (docs/devices.md).",
)
@click.option("--wandb", is_flag=True, help="Log to Weights & Biases, too.")
def command(
    folder: Path,
    preset: str,
    model: RivalName | None,
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

    FOLDER may hold photographs in any nesting, Places365 or ILSVRC2012 as they were unpacked, or
    shards that the command prepare made. The preset mobile learns with the L1 loss alone unless
    there are fewer --warm-up-epochs than --epochs: then the discriminator takes part in the rest.
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
        raise click.UsageError("--width is of --model.")
    if model is not None and rematerialize:
        raise click.UsageError("--rematerialize knows the blocks of a preset's network alone.")
    run_folder = run_folder or Path("runs") / chosen.name
    training, network = chosen.training, chosen.generator
    # If something is missing, nothing has begun yet.
    if wandb:
        import_quietly("wandb")
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
