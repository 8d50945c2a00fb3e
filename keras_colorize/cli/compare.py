"""`keras-colorize compare`: the method beside its rivals, or its own variants, trained alike."""

import json
import shlex
import sys
from dataclasses import asdict, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import click

from keras_colorize.cli.stopping import stoppable
from keras_colorize.cli.training_set import open_training_set
from keras_colorize.config import PRESETS, RIVALS, GeneratorConfig, Preset
from keras_colorize.imaging.files import atomic_file
from keras_colorize.imaging.temporaries import holds_nothing

_SYSTEMS = ("ours", *RIVALS)


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
    "The same command again goes on where it was stopped."
)
@click.option(
    "--train",
    "train_folder",
    type=click.Path(path_type=Path),
    required=True,
    metavar="DIR",
    help="What all are trained on: photographs or shards, as in the command train.",
)
@click.option(
    "--val",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    required=True,
    metavar="DIR",
    help="Photographs: one half chooses each system's epoch, the other reports.",
)
@click.option(
    "--budget",
    type=click.IntRange(1),
    required=True,
    metavar="IMAGES",
    help="Crops that each system sees.",
)
@click.option(
    "--systems",
    type=_Systems(),
    help=f"The first is what the others are compared with.  [default: {','.join(_SYSTEMS)}]",
)
@click.option(
    "--ablate",
    type=click.Choice(["aggregation", "loss"]),
    help="Compare variants of ours instead: ways of aggregation, or L1 alone, with the "
    "discriminator, and with smoothed labels.",
)
@click.option(
    "--preset",
    type=click.Choice(list(PRESETS)),
    default="quality",
    show_default=True,
    help="Ours, and the recipe of all; the discriminator takes part from the start. That of mobile "
    "starts from ImageNet, and its rivals do not.",
)
@click.option(
    "--width",
    type=click.FloatRange(0, 4, min_open=True),
    default=1.0,
    show_default=True,
    help="Factor on the preset's own widths.",
)
@click.option(
    "--full-width",
    is_flag=True,
    help="Rivals as wide as in their papers, instead of with as many parameters as ours.",
)
@click.option("--size", type=click.IntRange(16), help="Side of the crops.  [default: the preset's]")
@click.option("--batch-size", type=click.IntRange(1), help="[default: the preset's]")
@click.option("--learning-rate", type=click.FloatRange(0, min_open=True), help="Of the generators.")
@click.option("--ema", type=click.FloatRange(0, 1, max_open=True), help="Decay of the averages.")
@click.option(
    "--precision",
    type=click.Choice(["float32", "bfloat16", "float16"]),
    help="Of the computation: bfloat16 is for accelerators, float16 for older ones.",
)
@click.option(
    "--epochs",
    type=click.IntRange(1),
    default=5,
    show_default=True,
    help="Parts of the budget, after each of which the system is validated.",
)
@click.option(
    "--seeds",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Trainings of each system, with seeds from 0 on.",
)
@click.option(
    "--without",
    metavar="PATTERN",
    help="Report a second time without photographs of --val of such paths, such as */veri_*.",
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("runs/compare"),
    show_default=True,
    help="A run folder each, the table and the figure.",
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
    """Train several systems alike, score and compare them.

    A table and a figure of them are written into --out. Systems are ours (the network of --preset)
    and the networks of zhang2016, iizuka2016 and pix2pix, each with its own losses. All see the
    same crops in the same order, with the same batches, rates and schedule, and are scored as the
    command evaluate does.
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
    size, multiple = recipe.size, max(16, preset.generator.size_multiple)
    if size % multiple:
        raise click.UsageError(f"--size must be a multiple of {multiple}, not {size}.")
    steps = -(-budget // (epochs * recipe.batch_size))
    network = preset.generator
    assert isinstance(network, GeneratorConfig)
    widths: Any = tuple(max(1, round(kernels * width)) for kernels in network.widths)
    return replace(
        preset,
        generator=replace(network, widths=widths),
        training=replace(recipe, epochs=epochs, steps_per_epoch=steps, warm_up_epochs=0),
    )
