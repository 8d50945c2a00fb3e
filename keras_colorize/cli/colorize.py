"""`keras-colorize colorize`: photographs, folders of them, or standard input, in colour."""

import os
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, TextIO

import click

from keras_colorize.cli.colorize_parameters import HintType, PageType
from keras_colorize.cli.colorize_report import report, report_left_out
from keras_colorize.imaging.formats import FORMAT_OF, SUFFIXES
from keras_colorize.imaging.hint_texts import read_hint_file
from keras_colorize.imaging.hints import Hint, HintError
from keras_colorize.imaging.images import DEFAULT_MAX_PIXELS
from keras_colorize.inference.batch import Result, colorize_jobs, colorize_one
from keras_colorize.inference.colorizer import Colorizer
from keras_colorize.inference.jobs import Job, Page, find_jobs
from keras_colorize.inference.search import JobError


@click.command(
    epilog="\b\nExamples:\n"
    "  keras-colorize colorize old.jpg\n"
    "  keras-colorize colorize albums/ -o coloured/\n"
    "  keras-colorize colorize old.jpg --hint 0.31,0.62=#a03020\n"
    "  keras-colorize colorize - -o - --format png < old.jpg > new.png"
)
@click.argument("paths", nargs=-1, required=True, metavar="PATHS...")
@click.option(
    "-o",
    "--out",
    metavar="OUT",
    help="Folder for the results, or the file to write if there is one picture, or - for standard "
    "output.  [default: the folder of each picture]",
)
@click.option("--overwrite", is_flag=True, help="Replace results that already exist.")
@click.option(
    "--size",
    type=click.IntRange(1),
    help="Short side in pixels of what the network sees. The packaged network takes 256 and 512.  "
    "[default: 256, or the nearest size of the network]",
)
@click.option(
    "--saturation",
    type=click.FloatRange(0, 10),
    default=1.0,
    show_default=True,
    help="Factor on the strength of the colours. With 0 the result is grey.",
)
@click.option(
    "--adapt/--no-adapt",
    default=True,
    show_default=True,
    help="Whether to hide the borders and the fading of old photographs from the network. The "
    "result still has both.",
)
@click.option(
    "--format",
    "image_format",
    type=click.Choice([suffix[1:] for suffix in SUFFIXES], case_sensitive=False),
    callback=lambda context, option, name: name and FORMAT_OF[f".{name}"],
    help="Format of the results.  [default: the format of each picture]",
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
    help="Network to use: a packaged name, a run folder, a .keras, .tflite or .onnx file, or a "
    "SavedModel.  [default: the packaged network]",
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON record for each picture.")
@click.option(
    "--jobs",
    type=click.IntRange(1),
    help="Number of pictures to colour at the same time.  [default: one for each core]",
)
@click.option(
    "--max-pixels",
    type=click.IntRange(1),
    default=DEFAULT_MAX_PIXELS,
    show_default=True,
    help="Largest number of pixels of a picture. Larger pictures are refused.",
)
@click.option(
    "--exclude",
    multiple=True,
    metavar="PATTERN",
    help="Pattern of files or folders to leave out of folders, such as '*-old*' or 'scans/raw'. "
    "It can be repeated.",
)
@click.option(
    "--page",
    type=PageType(),
    help="Page to colour of TIFF files that have several: a number from 1 on, or all. The results "
    "are named like name-p2-colorized.tif.",
)
@click.option(
    "--hint",
    "hints",
    type=HintType(),
    multiple=True,
    help="Colour that a place should have, such as 0.31,0.62=#a03020: the shares of the width and "
    "the height, and the colour, grey, or keep for the colours without hints. It can be repeated.",
)
@click.option(
    "--hints",
    "hint_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="JSON file of hints for one picture.  [default: old.hints.json beside old.jpg]",
)
@click.option(
    "--cut-short",
    is_flag=True,
    help="Colour JPEG files that are cut short, instead of refusing them. The missing part stays "
    "plain.",
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
    page: Page | None,
    hints: tuple[Hint, ...],
    hint_file: Path | None,
    cut_short: bool,
) -> None:
    """Colour photographs.

    PATHS are files, folders, quoted patterns, or - for standard input. The result of old.jpg is
    old-colorized.jpg; with -o FOLDER, sub-folders are kept. Originals are never replaced. Results
    that already exist are skipped, so that the same command continues after an interruption; for a
    single picture, an existing result is an error. Files named *-colorized are skipped, unless such
    a file is the only path. The command lists what else it left out of a folder, except hidden
    files and those of systems, such as @eaDir.
    """
    make_colorizer = partial(Colorizer, model, size=size, saturation=saturation, adapt=adapt)
    options: dict[str, Any] = {
        "overwrite": overwrite,
        "format": image_format,
        "quality": quality,
        "max_pixels": max_pixels,
        "as_far_as_it_goes": cut_short,
    }
    if hint_file:
        try:
            hints = (*read_hint_file(hint_file), *hints)
        except HintError as error:
            raise click.UsageError(str(error)) from error
    options["hints"] = hints
    if "-" in paths or out == "-":
        if len(paths) > 1:
            raise click.UsageError("Standard input and output take one picture alone.")
        if as_json and out in ("-", None):
            raise click.UsageError("--json and the picture cannot both go to standard output.")
        if page == "all":
            raise click.UsageError("--page all does not work with standard input or output.")
        streams = _streams(paths[0], out or "-")
        result = colorize_one(*streams, make_colorizer(), page=page, **options)
        report([result], alone=True, as_json=as_json)
        return
    try:
        target = None if out is None else Path(out)
        found, left_out = find_jobs(paths, target, format=image_format, exclude=exclude, page=page)
    except JobError as error:
        raise click.UsageError(str(error)) from error
    if not found:
        report_left_out(left_out)
        raise click.ClickException(f"There is no picture to colour in {', '.join(paths)}.")
    alone = len(found) == 1 and found[0].source == Path(paths[0])
    if alone:
        (job,) = found
        options["page"] = job.page
        results = [colorize_one(job.source, job.destination, make_colorizer(), **options)]
    else:
        if hints:
            raise click.UsageError("--hint and --hints are for one picture.")
        results = _colorize_all(found, make_colorizer, jobs, options)
    report(results, alone=alone, as_json=as_json, left_out=left_out)


def _colorize_all(
    found: Sequence[Job], make_colorizer: Any, workers: int | None, options: dict[str, Any]
) -> list[Result]:
    """Colours pictures with a progress bar; returns their results in the order of the jobs."""
    from tqdm import tqdm

    results = colorize_jobs(found, make_colorizer, workers, **options)
    progress = tqdm(results, total=len(found), unit="picture", disable=None, delay=1)
    by_destination = {result.destination: result for result in progress}
    return [by_destination[job.destination] for job in found]


def _streams(source: str, out: str) -> tuple[Path | BinaryIO, Path | BinaryIO]:
    """Opens standard input, standard output, or both."""
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
    return read, write


def _standard(name: str, stream: TextIO | None) -> BinaryIO:
    if stream is None:
        raise click.UsageError(f"Standard {name} is closed.")
    return stream.buffer


def _is_open_as(stream: BinaryIO, path: str) -> bool:
    try:
        return os.path.samestat(os.fstat(stream.fileno()), os.stat(path))
    except OSError:  # no such file, or a stream without a descriptor
        return False
