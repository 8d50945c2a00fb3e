"""`keras-colorize evaluate`: how good the colour of a model is, on a folder of colour images."""

import json
import math
import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

# Column: its metric, the heading, the factor, the digits.
_COLUMNS = (
    ("psnr", "PSNR", 1, 2),
    ("acc_1", "Acc@1", 100, 1),
    ("acc_2", "Acc@2", 100, 1),
    ("acc_5", "Acc@5", 100, 1),
    ("acc_rgb", "RGB2%", 100, 1),
    ("ssim", "SSIM", 1, 3),
    ("ciede2000", "dE00", 1, 2),
    ("auc", "AuC", 100, 1),
    ("colorfulness", "color", 1, 1),
    ("colorfulness_ratio", "ratio", 1, 2),
    ("edge_psnr", "edge", 1, 2),
)
_LEGEND = (
    "PSNR and edge (PSNR along chroma edges) in dB; Acc@1, 2, 5 (Lab), RGB2% (RGB) and AuC in "
    "percent; dE00: CIEDE2000, lower is better; color: colorfulness; ratio: of it to that of the "
    "real images."
)


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
        click.echo(_table(scores.rows))
        for text in (f"{scores.images} images ({part}). {_LEGEND}", f"Protocol: {PROTOCOL}."):
            click.echo("\n" + textwrap.fill(text, width=87))
    if scores.unreadable:
        count = len(scores.unreadable)
        click.echo(f"{count} file{'s' * (count > 1)} could not be read:", err=True)
        for reason in scores.unreadable.values():
            click.echo(f"  {reason}", err=True)
        sys.exit(1)


def _table(rows: Mapping[str, Mapping[str, float]]) -> str:
    lines = [["", *(heading for _, heading, _, _ in _COLUMNS)]]
    for name, row in rows.items():
        cells = (
            f"{factor * row[metric]:.{digits}f}" if math.isfinite(row[metric]) else "-"
            for metric, _, factor, digits in _COLUMNS
        )
        lines.append([name.replace("_", " "), *cells])
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])])
        for line in lines
    )


def _finite(row: Mapping[str, float]) -> dict[str, Any]:
    """JSON has no NaN: such a value becomes null."""
    return {name: value if math.isfinite(value) else None for name, value in row.items()}
