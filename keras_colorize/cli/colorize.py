"""`keras-colorize colorize`: photographs, folders of them, or standard input, in colour."""

import json
import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, TextIO

import click

from keras_colorize.cli.leaving_out import LeftOut
from keras_colorize.cli.planning import plan
from keras_colorize.cli.printing import without_controls
from keras_colorize.cli.working import Record, colorize_all, colorize_one
from keras_colorize.imaging.formats import FORMAT_OF, SUFFIXES
from keras_colorize.imaging.images import DEFAULT_MAX_PIXELS
from keras_colorize.inference.colorizer import Colorizer


class _Page(click.ParamType):
    """The number of a page, or all."""

    name = "N|all"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | str:
        """Reads it."""
        if value == "all":
            return "all"
        return click.IntRange(1).convert(value, param, ctx)


@click.command(
    epilog="\b\nExamples:\n"
    "  keras-colorize colorize old.jpg\n"
    "  keras-colorize colorize albums/ -o coloured/\n"
    "  keras-colorize colorize - -o - --format png < old.jpg > new.png"
)
@click.argument("paths", nargs=-1, required=True, metavar="PATHS...")
@click.option(
    "-o",
    "--out",
    metavar="OUT",
    help="A folder, or for one picture a file; - is standard output [default: beside each].",
)
@click.option("--overwrite", is_flag=True, help="Replace results that are there already.")
@click.option("--size", type=click.IntRange(1), help="What the network sees: 256 or 512.")
@click.option(
    "--saturation",
    type=click.FloatRange(0, 10),
    default=1.0,
    show_default=True,
    help="Factor on the colours.",
)
@click.option(
    "--adapt/--no-adapt",
    default=True,
    show_default=True,
    help="Show the network old photographs without borders and fading; they are written as they "
    "are.",
)
@click.option(
    "--format",
    "image_format",
    type=click.Choice([suffix[1:] for suffix in SUFFIXES], case_sensitive=False),
    callback=lambda context, option, name: name and FORMAT_OF[f".{name}"],
    help="Format of the results [default: each picture's own].",
)
@click.option(
    "--quality",
    type=click.IntRange(1, 100),
    default=95,
    show_default=True,
    help="Quality of JPEG and WebP results.",
)
@click.option(
    "--model",
    metavar="W",
    help="A packaged name, a run folder, .keras, .tflite, .onnx or SavedModel.",
)
@click.option("--json", "as_json", is_flag=True, help="Print a record for each picture as JSON.")
@click.option(
    "--jobs",
    type=click.IntRange(1),
    help="Pictures in work at a time [default: one for each core].",
)
@click.option(
    "--max-pixels",
    type=click.IntRange(1),
    default=DEFAULT_MAX_PIXELS,
    show_default=True,
    help="Refuse pictures with more pixels.",
)
@click.option(
    "--exclude",
    multiple=True,
    metavar="PATTERN",
    help="Name of files or folders to leave out of folders, such as '*-old*' or 'scans/raw'. It "
    "can be given again.",
)
@click.option(
    "--page",
    type=_Page(),
    help="Page to colour of TIFFs that have several, from 1 on, or all. The results are named "
    "like name-p2-colorized.tif.",
)
@click.option(
    "--cut-short", is_flag=True, help="Colour JPEGs that are cut short as far as they go."
)
def command(
    paths: tuple[str, ...],
    out: str | None,
    overwrite: bool,
    size: int | None,
    saturation: float,
    adapt: bool,
    image_format: str | None,
    quality: int,
    model: str | None,
    as_json: bool,
    jobs: int | None,
    max_pixels: int,
    exclude: tuple[str, ...],
    page: int | str | None,
    cut_short: bool,
) -> None:
    """Colour photographs.

    PATHS are files, folders (their trees are kept under OUT), quoted patterns, or - for standard
    input. The result of old.jpg is old-colorized.jpg. Originals are never replaced. Results that
    exist are skipped, which resumes a broken run; for a single picture that is an error. Files
    named *-colorized are skipped, unless such a file is the only path. What else is left out of a
    folder is listed at the end, except hidden files and those of systems, such as @eaDir.
    """
    make_colorizer = partial(Colorizer, model, size=size, saturation=saturation, adapt=adapt)
    options = {
        "format": image_format,
        "quality": quality,
        "max_pixels": max_pixels,
        "as_far_as_it_goes": cut_short,
    }
    if "-" in paths or out == "-":
        if len(paths) > 1:
            raise click.UsageError("Standard input and output are for one picture alone.")
        if as_json and out in ("-", None):
            raise click.UsageError("--json and the picture cannot both go to standard output.")
        if page == "all":
            raise click.UsageError("--page all is of files that are written to a folder.")
        options["page"] = page
        records = [_colorize_stream(paths[0], out or "-", make_colorizer, overwrite, options)]
        _report(records, True, as_json)
        return
    work, left_out = plan(paths, None if out is None else Path(out), image_format, exclude, page)
    if not work:
        _say_left_out(left_out)
        raise click.ClickException(f"There is no picture to colour in {', '.join(paths)}.")
    alone = len(work) == 1 and work[0].source == Path(paths[0])
    if alone:
        (job,) = work
        options["page"] = job.page
        records = [colorize_one(job.source, job.destination, make_colorizer(), overwrite, options)]
    else:
        records = colorize_all(work, make_colorizer, overwrite, options, jobs)
    _report(records, alone, as_json, left_out)


def _colorize_stream(
    source: str,
    out: str,
    make_colorizer: Callable[[], Colorizer],
    overwrite: bool,
    options: dict[str, Any],
) -> Record:
    """Colours a picture from standard input, to standard output, or both."""
    read: Path | BinaryIO = Path(source)
    write: Path | BinaryIO = Path(out)
    if source == "-":
        read = _standard("input", sys.stdin)
        if Path(out).is_dir():
            raise click.UsageError(
                f"{out} is a folder: a picture from standard input needs a file."
            )
        if _is_open_as(read, out):
            raise click.UsageError(f"{out} is the picture itself, which stays as it is.")
    if out == "-":
        write = _standard("output", sys.stdout)
        if write.isatty():
            raise click.UsageError("The picture would go to the terminal: redirect it, or use -o.")
    return colorize_one(read, write, make_colorizer(), overwrite, options)


def _standard(name: str, stream: TextIO | None) -> BinaryIO:
    if stream is None:
        raise click.UsageError(f"Standard {name} is closed.")
    return stream.buffer


def _is_open_as(stream: BinaryIO, path: str) -> bool:
    try:
        return os.path.samestat(os.fstat(stream.fileno()), os.stat(path))
    except OSError:  # no such file, or a stream without a descriptor
        return False


def _report(
    records: list[Record], alone: bool, as_json: bool, left_out: LeftOut | None = None
) -> None:
    """Says what was done; exits with 1 unless every picture has its result."""
    for record in records:
        if "note" in record:
            click.echo(without_controls(record["note"]), err=True)
    if as_json:
        click.echo(json.dumps(records, indent=2))
    if alone:
        (record,) = records
        if record["status"] != "colorized":
            raise click.ClickException(without_controls(record["reason"]))
        if not as_json and record["destination"] != "-":
            result = record["destination"]
            terminal = sys.stdout is not None and sys.stdout.isatty()
            click.echo(without_controls(result) if terminal else result)
        return
    colorized, skipped, failed = (
        [record for record in records if record["status"] == status]
        for status in ("colorized", "exists", "failed")
    )
    parts = [f"Coloured {len(colorized)} of {len(records)} pictures"]
    if skipped:
        parts.append(f"{len(skipped)} had their result already (--overwrite replaces it)")
    if failed:
        parts.append(f"{len(failed)} failed")
    click.echo(", ".join(parts) + (":" if failed else "."), err=True)
    for record in failed:
        click.echo(without_controls(f"  {record['reason']}"), err=True)
    if left_out:
        _say_left_out(left_out)
    if failed:
        sys.exit(1)


def _say_left_out(left_out: LeftOut) -> None:
    for sentence in left_out.sentences():
        click.echo(without_controls(sentence), err=True)
