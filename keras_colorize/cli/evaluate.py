"""`keras-colorize evaluate`: how good the colour of a model is, on a folder of colour images."""

import json
import math
import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click


@click.command(
    epilog="\b\nExample:\n  keras-colorize evaluate photographs/ --weights runs/x --part report"
)
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--weights",
    metavar="W",
    help="A packaged name, a run folder, .keras or .tflite  [default: the packaged].",
)
@click.option(
    "--part",
    type=click.Choice(["all", "select", "report"]),
    default="all",
    show_default=True,
    help="Score all images, or one of two fixed halves: one to select by, one to report on.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def command(folder: Path, weights: str | None, part: str, as_json: bool) -> None:
    """Score a model on the colour images under FOLDER.

    Colours the L of each image and compares the result with the image itself. Two rows that no
    model made stand beside the model's: grey, and each image's own mean colour.
    """
    from keras_colorize.evaluation.scoring import PROTOCOL, score_folder
    from keras_colorize.evaluation.tables import LEGEND, score_table
    from keras_colorize.inference.colorizer import Colorizer

    colorizer = Colorizer(weights)
    scores = score_folder(folder, colorizer.predict_ab, part=part, progress=True)
    if as_json:
        report = {
            "folder": str(folder),
            "weights": weights,
            "part": part,
            "images": scores.images,
            "unreadable": scores.unreadable,
            "protocol": PROTOCOL,
            "rows": {name: _finite(row) for name, row in scores.rows.items()},
        }
        click.echo(json.dumps(report, indent=2))
    else:
        click.echo(_aligned(score_table(scores.rows)))
        for text in (f"{scores.images} images ({part}). {LEGEND}", f"Protocol: {PROTOCOL}."):
            click.echo("\n" + textwrap.fill(text, width=87))
    if scores.unreadable:
        count = len(scores.unreadable)
        click.echo(f"{count} file{'s' * (count > 1)} could not be read:", err=True)
        for reason in scores.unreadable.values():
            click.echo(f"  {reason}", err=True)
        sys.exit(1)


def _aligned(lines: list[list[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])])
        for line in lines
    )


def _finite(row: Mapping[str, float]) -> dict[str, Any]:
    """JSON has no NaN: such a value becomes null."""
    return {name: value if math.isfinite(value) else None for name, value in row.items()}
