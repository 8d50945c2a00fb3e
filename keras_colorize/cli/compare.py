"""`keras-colorize compare`: the method and its baselines, or its own variants, trained alike."""

import json
import shlex
import sys
from dataclasses import asdict, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import click

from keras_colorize.cli.recipe import recipe_options
from keras_colorize.cli.training import open_training_set, stoppable
from keras_colorize.config import BASELINES, PRESETS, GeneratorConfig, Preset
from keras_colorize.imaging.files import atomic_file
from keras_colorize.imaging.temporaries import holds_nothing

_SYSTEMS = ("ours", *BASELINES)


class _Systems(click.ParamType):
    """`ours,pix2pix` -> names."""

    name = "names"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[str, ...]:
        names = tuple(dict.fromkeys(filter(None, value.split(","))))
        unknown = [name for name in names if name not in _SYSTEMS]
        if unknown or not names:
            self.fail(f"{value!r} is not a list of {', '.join(_SYSTEMS)}.", param, ctx)
        return names


@click.command(
    epilog="\b\nExamples:\n"
    "  keras-colorize compare --train photographs --val photographs-val --budget 100000\n"
    "  keras-colorize compare --train photographs --val photographs-val --budget 20000 \\\n"
    "    --ablate aggregation --seeds 3 --size 64 --out runs/aggregation\n"
    "To continue a comparison that was stopped, run the same command again."
)
@click.option(
    "--train",
    "train_folder",
    type=click.Path(path_type=Path),
    required=True,
    metavar="DIR",
    help="Folder of photographs or shards to train on, as in the command train.",
)
@click.option(
    "--val",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    required=True,
    metavar="DIR",
    help="Folder of photographs for validation. One half chooses the epoch of each system, and the "
    "other half gives the scores.",
)
@click.option(
    "--budget",
    type=click.IntRange(1),
    required=True,
    metavar="IMAGES",
    help="Number of crops that each system is trained on.",
)
@click.option(
    "--systems",
    type=_Systems(),
    help="Systems to compare. The others are compared with the first.  "
    f"[default: {','.join(_SYSTEMS)}]",
)
@click.option(
    "--ablate",
    type=click.Choice(["aggregation", "loss"]),
    help="Compare variants of ours instead: ways to aggregate, or the L1 loss alone, with the "
    "discriminator, and with smoothed labels.",
)
@click.option(
    "--preset",
    type=click.Choice(list(PRESETS)),
    default="quality",
    show_default=True,
    help="Our network, and the recipe of all systems, which the options below change. The "
    "discriminator takes part from the start. The network of mobile starts from ImageNet, unlike "
    "the baselines.",
)
@click.option(
    "--width",
    type=click.FloatRange(0, 4, min_open=True),
    default=1.0,
    show_default=True,
    help="Factor on the widths of our network.",
)
@click.option(
    "--full-width",
    is_flag=True,
    help="Build the baselines as wide as in their papers. Without it, they have about as many "
    "parameters as our network.",
)
@recipe_options("size", "batch_size", "learning_rate", "ema", "precision")
@click.option(
    "--epochs",
    type=click.IntRange(1),
    default=5,
    show_default=True,
    help="Number of epochs that the budget is divided into. The systems are validated after each.",
)
@click.option(
    "--seeds",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Number of trainings of each system, with the seeds 0, 1 and so on.",
)
@click.option(
    "--without",
    metavar="PATTERN",
    help="Add a second table without those photographs of --val whose path matches, such as "
    "*/veri_*.",
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("runs/compare"),
    show_default=True,
    help="Folder for the run folders, the table and the figure.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def command(
    train_folder: Path,
    val: Path,
    budget: int,
    systems: tuple[str, ...] | None,
    ablate: str | None,
    preset: str,
    width: float,
    full_width: bool,
    epochs: int,
    seeds: int,
    without: str | None,
    out: Path,
    as_json: bool,
    **recipe: Any,
) -> None:
    """Train several systems alike and compare their scores.

    The systems are ours (the network of --preset) and the baselines zhang2016, iizuka2016 and
    pix2pix, each with its own losses. All are trained on the same crops in the same order, with the
    same batch size, learning rate and schedule, and are scored as in the command evaluate. A table
    and a figure are written into --out.
    """
    if ablate and (systems or full_width):
        raise click.UsageError("--ablate compares variants of ours, without other --systems.")
    chosen = _with_budget(PRESETS[preset], budget, epochs, width, recipe)
    _check_pattern(without, val)
    _check_folder(out)
    photographs = open_training_set(train_folder)

    from keras_colorize.comparison.report import draw, page, summarize
    from keras_colorize.comparison.systems import ablation_of, systems_of
    from keras_colorize.comparison.training import train_and_score
    from keras_colorize.evaluation.protocol import PROTOCOL
    from keras_colorize.evaluation.summary import finite
    from keras_colorize.imaging.images import write_image

    if ablate:
        compared = ablation_of(chosen, ablate)
    else:
        compared = systems_of(chosen, systems or _SYSTEMS, match=not full_width)
    trained = []
    with stoppable():
        for system in train_and_score(compared, photographs, val, out, seeds=range(seeds)):
            trained.append(system)
            click.echo(f"{system.name} is done, {len(trained)} of {len(compared)}", err=True)
    summaries = [summarize(trained)]
    if without:
        summaries.append(summarize(trained, without))
    report = {
        "command": shlex.join(["keras-colorize", *sys.argv[1:]]),
        "protocol": PROTOCOL,
        "photographs": photographs.count,
        "photographs_digest": photographs.digest,
        "budget": budget,
        "recipe": asdict(chosen.training),
        "networks": {name: system.describe() for name, system in compared.items()},
        "seeds": seeds,
        "scores": summaries,
    }
    text, figures = page(report), json.dumps(finite(report), indent=2)
    for name, content in (("comparison.json", figures), ("table.md", text)):
        with atomic_file(out / name, overwrite=True) as stream:
            stream.write(content.encode() + b"\n")
    write_image(draw(trained, val), out / "figure.png", overwrite=True)
    click.echo(figures if as_json else text)
    click.echo(f"Table and figure: {out / 'table.md'}, {out / 'figure.png'}", err=True)


def _check_pattern(without: str | None, val: Path) -> None:
    """Finds out before hours of training what would go wrong after them."""
    from keras_colorize.evaluation.protocol import list_images

    names = [path.relative_to(val).as_posix() for path in list_images(val, "report")]
    left_out = [name for name in names if without and fnmatchcase(name, without)]
    if without and len(left_out) in (0, len(names)):
        said = "all" if left_out else "none"
        raise click.UsageError(
            f"--without {without} leaves out {said} of the {len(names)} photographs that report."
        )


def _check_folder(out: Path) -> None:
    ours = any(out.glob("*/seed-*/config.json"))
    if out.is_dir() and not holds_nothing(out) and not ours:
        raise click.UsageError(f"--out {out} holds other things than a comparison.")


def _with_budget(
    preset: Preset, budget: int, epochs: int, width: float, options: dict[str, Any]
) -> Preset:
    given = {name: value for name, value in options.items() if value is not None}
    recipe = replace(preset.training, grow=(), **given)
    network = preset.generator
    assert isinstance(network, GeneratorConfig)  # a baseline has no preset of its own
    size, multiple = recipe.size, max(16, network.size_multiple)
    if size % multiple:
        raise click.UsageError(f"--size must be a multiple of {multiple}, not {size}.")
    steps = -(-budget // (epochs * recipe.batch_size))
    widths: Any = tuple(max(1, round(filters * width)) for filters in network.widths)
    return replace(
        preset,
        generator=replace(network, widths=widths),
        training=replace(recipe, epochs=epochs, steps_per_epoch=steps, warm_up_epochs=0),
    )
