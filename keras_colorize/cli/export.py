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
    help="Network to export: a packaged name, a run folder, or a .keras or .tflite file.",
)
@click.option(
    "--to",
    "targets",
    type=click.Choice([*_TARGETS, "all"]),
    multiple=True,
    default=["all"],
    help="Format to export to. Give it several times for several formats.  [default: all]",
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
    help="Folder of photographs that calibrate the kinds dynamic and int8. Without it, these kinds "
    "are not made.",
)
@click.option(
    "--val",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of photographs to measure the loss of quality on. A few hundred are enough.",
)
@click.option(
    "--max-loss-db",
    type=click.FloatRange(0),
    default=0.1,
    show_default=True,
    help="Largest loss of PSNR on --val. If a file loses more, the command fails.",
)
@click.option("--author", help="Author of the weights, for the metadata of the TFLite files.")
@click.option("--license", help="License of the weights, for the metadata of the TFLite files.")
@click.option("--name", help="Name of the exported files.  [default: the name of the weights]")
@click.option("--overwrite", is_flag=True, help="Replace existing files in FOLDER.")
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

    Writes FOLDER/saved_model/NAME/1 for TensorFlow Serving, FOLDER/tflite/NAME.KIND.tflite for
    phones and browsers, and FOLDER/onnx/NAME.onnx for ONNX Runtime, and checks that they compute
    what the network computes. A table of the size, speed and loss of quality of each file is
    printed and written to FOLDER/report.md and FOLDER/report.json.
    """
    wanted = _TARGETS if "all" in targets else tuple(dict.fromkeys(targets))
    if not overwrite and folder.is_dir() and not holds_nothing(folder):
        raise click.UsageError(f"{folder} is not empty: name another folder, or give --overwrite.")
    import_quietly("tensorflow")

    from keras_colorize.exporting.bundle import export_bundle
    from keras_colorize.exporting.measuring import table

    inherited = _facts(weights)
    measured = export_bundle(
        weights,
        folder,
        name=name or name_of(weights),
        command=shlex.join(["keras-colorize", *sys.argv[1:]]),
        targets=wanted,
        kinds=kinds or KINDS,
        calibration=calibration,
        val=val,
        author=inherited.get("author", "") if author is None else author,
        license=inherited.get("license", "") if license is None else license,
        overwrite=overwrite,
        say=lambda line: click.echo(line, err=True),
    )
    click.echo(table(measured))
    if not calibration and "tflite" in wanted:
        click.echo("The kinds dynamic and int8 were not made. They need --calibration.", err=True)
    if not val:
        click.echo("The loss of quality was not measured. --val measures it.", err=True)
    over = [one.name for one in measured if one.loss and one.loss.decibels > max_loss_db]
    if over:
        raise click.ClickException(
            f"These files lose more than {max_loss_db} dB of PSNR: {', '.join(over)}. "
            f"{folder}/report.md says how much."
        )


def _facts(weights: str) -> dict[str, Any]:
    """Reads what a `.tflite` file says of itself."""
    from keras_colorize.inference.tflite_facts import facts_of_file

    path = None if find_saved_model(weights) else resolve_weights(weights)
    return facts_of_file(path) if path and path.suffix == ".tflite" else {}
