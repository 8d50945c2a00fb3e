"""`keras-colorize evaluate`: scores the colours of a network on a folder of photographs."""

import json
import sys
import textwrap
from collections.abc import Mapping
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import click

_SUBFOLDERS_SHOWN = 20


@click.command(
    epilog="\b\nExamples:\n"
    "  keras-colorize evaluate photographs/ --weights runs/x --part report --output scores/\n"
    "  keras-colorize evaluate photographs/ --predictions coloured-by-another-program/"
)
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--weights",
    metavar="W",
    help="Network to score: a packaged name, a run folder, a .keras, .tflite or .onnx file, or a "
    "SavedModel.  [default: the packaged network]",
)
@click.option(
    "--predictions",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Score the results of another program instead: a folder of files that are named like the "
    "photographs, or NAME-colorized.",
)
@click.option(
    "--aged", is_flag=True, help="Make the photographs look old before the network sees them."
)
@click.option(
    "--part",
    type=click.Choice(["all", "select", "report"]),
    default="all",
    show_default=True,
    help="Score all photographs, or one of two fixed halves: select is for choosing a network, "
    "report for the final figures.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    help="Write scores.json, images.jsonl (one line for each photograph), worst.png and best.png "
    "(grey | output | original) into this folder, which must be new or empty.",
)
@click.option("--overwrite", is_flag=True, help="Replace scores that --output already holds.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def command(
    folder: Path,
    weights: str | None,
    predictions: Path | None,
    aged: bool,
    part: str,
    output: Path | None,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Score a network on the colour photographs in FOLDER.

    Removes the colour of each photograph, predicts it, and compares the result with the
    original. For comparison, the table also has rows for grey photographs and for photographs in
    their mean colour. Below each score are the ends of its 95 % confidence interval.
    """
    from keras_colorize.cli.printing import without_controls
    from keras_colorize.evaluation.aged import AGED_PROTOCOL, Aged
    from keras_colorize.evaluation.predictions import PREDICTIONS_PROTOCOL, Predictions
    from keras_colorize.evaluation.score_files import ScoreFiles
    from keras_colorize.evaluation.scoring import PROTOCOL, score_folder, score_images
    from keras_colorize.evaluation.summary import finite, summary
    from keras_colorize.inference.colorizer import Colorizer

    if predictions is not None and weights is not None:
        raise click.UsageError("Give either --weights or --predictions, not both.")
    if predictions is not None and aged:
        raise click.UsageError("--aged needs a network, so it does not work with --predictions.")
    for option, path in (("--predictions", predictions), ("--output", output)):
        if path is not None and path.resolve().is_relative_to(folder.resolve()):
            raise click.UsageError(
                f"{option} {path} lies in {folder}, where every image is scored. Give a folder "
                "outside of it."
            )
    files = None if output is None else ScoreFiles(output, overwrite=overwrite)
    if predictions is not None:
        protocol = PREDICTIONS_PROTOCOL
        score = partial(score_images, folder, Predictions(predictions, folder).ab)
    elif aged:
        protocol = AGED_PROTOCOL
        score = partial(score_images, folder, Aged(folder, Colorizer(weights).predict_ab).ab)
    else:
        protocol = PROTOCOL
        score = partial(score_folder, folder, Colorizer(weights).predict_ab)
    with files or nullcontext():
        scores = score(part=part, progress=True, on_image=None if files is None else files.add)
        report = {
            "folder": str(folder),
            "weights": weights,
            "predictions": None if predictions is None else str(predictions),
            "aged": aged,
            "part": part,
            "protocol": protocol,
            **summary(scores),
        }
        if files is not None:
            files.finish(finite(report))
    if as_json:
        click.echo(json.dumps(finite(report), indent=2))
    else:
        click.echo(without_controls(_text(report), keep="\n"))
    if scores.unreadable:
        count = len(scores.unreadable)
        click.echo(f"{count} file{'s' * (count > 1)} could not be scored:", err=True)
        for reason in scores.unreadable.values():
            click.echo(without_controls(f"  {reason}"), err=True)
        sys.exit(1)


def _text(report: Mapping[str, Any]) -> str:
    from keras_colorize.evaluation.tables import (
        INTERVAL_LEGEND,
        LEGEND,
        score_table,
        subfolder_table,
    )

    rows = {**report["rows"], "over_grey": report["over_grey"]}
    parts = [
        _aligned(score_table(rows, report["intervals"])),
        _filled(f"{report['images']} images ({report['part']}). {LEGEND} {INTERVAL_LEGEND}"),
    ]
    if subfolders := report["subfolders"]:
        parts.append(_aligned(subfolder_table(subfolders, _SUBFOLDERS_SHOWN)))
        if len(subfolders) > _SUBFOLDERS_SHOWN:
            parts.append(
                _filled(
                    f"The table shows the {_SUBFOLDERS_SHOWN} of {len(subfolders)} sub-folders "
                    "that gain least over grey. --json and --output have all of them."
                )
            )
    return "\n\n".join([*parts, _filled(f"Protocol: {report['protocol']}.")])


def _aligned(lines: list[list[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])])
        for line in lines
    )


def _filled(text: str) -> str:
    return textwrap.fill(text, width=87)
