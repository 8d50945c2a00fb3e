"""`keras-colorize export`: a network as SavedModel, TFLite and ONNX files, measured."""

import shlex
import sys
from pathlib import Path
from typing import Any

import click

from keras_colorize.exporting.kinds import KINDS, Kind
from keras_colorize.imaging.temporaries import holds_nothing
from keras_colorize.inference.quiet import import_quietly
from keras_colorize.inference.weights import (
    DEFAULT_NAME,
    find_saved_model,
    name_of,
    resolve_weights,
)

_TARGETS = ("saved_model", "tflite", "onnx")


@click.command(
    epilog="\b\nExamples:\n"
    "  keras-colorize export exported\n"
    "  keras-colorize export exported --weights runs/mine --to tflite \\\n"
    "    --calibration photographs --val photographs-val"
)
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--weights",
    default=DEFAULT_NAME,
    show_default=True,
    help="A packaged name, a run folder, .keras or .tflite.",
)
@click.option(
    "--to",
    "targets",
    type=click.Choice([*_TARGETS, "all"]),
    multiple=True,
    default=["all"],
    help="What to make; can be given again.  [default: all]",
)
@click.option(
    "--kind",
    "kinds",
    type=click.Choice(KINDS),
    multiple=True,
    help="Kind of TFLite file to make. Give it several times for several kinds.  [default: all]",
)
@click.option(
    "--calibration",
    "--representative",
    "calibration",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Photographs that calibrate the TFLite files of integers; without them, these are not "
    "made.",
)
@click.option(
    "--val",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Photographs to measure on what each file loses; some hundreds are enough.",
)
@click.option(
    "--max-loss-db",
    type=click.FloatRange(0),
    default=0.1,
    show_default=True,
    help="Fail if a file loses more PSNR than this on --val.",
)
@click.option("--author", help="Author of the weights, for the metadata of the TFLite files.")
@click.option("--license", help="License of the weights, for the same metadata.")
@click.option("--name", help="Name of the exported files.  [default: by the weights]")
@click.option("--overwrite", is_flag=True, help="Replace what is in FOLDER.")
def command(
    folder: Path,
    weights: str,
    targets: tuple[str, ...],
    kinds: tuple[Kind, ...],
    calibration: Path | None,
    val: Path | None,
    max_loss_db: float,
    author: str | None,
    license: str | None,
    name: str | None,
    overwrite: bool,
) -> None:
    """Export a network into FOLDER for other runtimes.

    Makes FOLDER/saved_model/NAME/1 for TensorFlow Serving, FOLDER/tflite/NAME.KIND.tflite for
    phones and browsers, and FOLDER/onnx/NAME.onnx, and checks each against the network. The table
    of what each costs and loses is printed, and stands in FOLDER/report.md and report.json.
    """
    wanted = _TARGETS if "all" in targets else tuple(dict.fromkeys(targets))
    if not overwrite and folder.is_dir() and not holds_nothing(folder):
        raise click.UsageError(f"{folder} is not empty: name another folder, or give --overwrite.")
    import_quietly("tensorflow")

    from keras_colorize.exporting.family import Order, export_family
    from keras_colorize.exporting.measuring import write_report

    inherited = _facts(weights)
    order = Order(
        name=name or name_of(weights),
        command=shlex.join(["keras-colorize", *sys.argv[1:]]),
        targets=wanted,
        kinds=kinds or KINDS,
        calibration=calibration,
        val=val,
        author=inherited.get("author", "") if author is None else author,
        license=inherited.get("license", "") if license is None else license,
        overwrite=overwrite,
    )
    made = export_family(weights, folder, order, say=lambda line: click.echo(line, err=True))
    click.echo(write_report(folder, made.facts(), made.measured))
    if not calibration and "tflite" in wanted:
        click.echo("Without --calibration only the TFLite files of floats were made.", err=True)
    if not val:
        click.echo("Without --val it is not known what the files lose.", err=True)
    over = [one.name for one in made.measured if one.loss and one.loss.decibels > max_loss_db]
    if over:
        raise click.ClickException(
            f"More than {max_loss_db} dB of PSNR is lost by {', '.join(over)}; {folder}/report.md "
            "says how much."
        )


def _facts(weights: str) -> dict[str, Any]:
    """What a `.tflite` file says of itself."""
    from keras_colorize.inference.tflite_facts import facts_of_file

    path = None if find_saved_model(weights) else resolve_weights(weights)
    return facts_of_file(path) if path and path.suffix == ".tflite" else {}
