"""What `keras-colorize colorize` prints about its results."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

import click

from keras_colorize.cli.printing import printable, without_controls
from keras_colorize.imaging.formats import MARK
from keras_colorize.imaging.images import CutShortError, PagesError, PixelLimitError
from keras_colorize.inference.batch import Result
from keras_colorize.inference.search import LeftOut

_SHOWN = 5  # files named of a kind
_HINTS: dict[type[Exception], str] = {
    PixelLimitError: "--max-pixels raises it.",
    PagesError: "--page 1 colours the first, --page all each.",
    CutShortError: "--cut-short colours it as far as it goes.",
    FileExistsError: "--overwrite replaces it.",
}


def report(
    results: Sequence[Result], *, alone: bool, as_json: bool, left_out: LeftOut | None = None
) -> None:
    """Prints what was done; exits with 1 unless every picture has its result.

    Args:
        results: in the order of the pictures.
        alone: whether one picture was named, and no folder or pattern.
        as_json: whether to print a record for each result.
        left_out: what was left out of folders.
    """
    for result in results:
        if result.note:
            click.echo(without_controls(result.note), err=True)
    if as_json:
        click.echo(json.dumps([_record(result) for result in results], indent=2))
    if alone:
        (result,) = results
        if result.error is not None:
            raise click.ClickException(without_controls(_reason(result)))
        if not as_json and isinstance(result.destination, Path):
            name = _name(result.destination)
            terminal = sys.stdout is not None and sys.stdout.isatty()
            click.echo(without_controls(name) if terminal else name)
        return
    coloured, existing, failed = (
        [result for result in results if result.status == status]
        for status in ("colorized", "exists", "failed")
    )
    parts = [f"Coloured {len(coloured)} of {len(results)} pictures"]
    if existing:
        parts.append(f"{len(existing)} had their result already (--overwrite replaces it)")
    if failed:
        parts.append(f"{len(failed)} failed")
    click.echo(", ".join(parts) + (":" if failed else "."), err=True)
    for result in failed:
        click.echo(without_controls(f"  {_reason(result)}"), err=True)
    if left_out:
        report_left_out(left_out)
    if failed:
        sys.exit(1)


def report_left_out(left_out: LeftOut) -> None:
    """Prints what was left out of folders, a sentence for each kind."""
    for files, one, many in (
        (
            left_out.unread,
            "picture has a format not read here",
            "pictures have formats not read here",
        ),
        (left_out.others, "file was not a picture", "files were not pictures"),
        (
            left_out.excluded,
            "file or folder was left out by --exclude",
            "files or folders were left out by --exclude",
        ),
        (
            left_out.results,
            f"file has the name of a result (*{MARK})",
            f"files have the name of a result (*{MARK})",
        ),
    ):
        if found := list(dict.fromkeys(files)):
            shown = ", ".join(map(str, found[:_SHOWN]))
            more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
            sentence = f"{len(found)} {one if len(found) == 1 else many}: {shown}{more}."
            click.echo(without_controls(sentence), err=True)


def _record(result: Result) -> dict[str, Any]:
    """Describes a result for `--json`."""
    record = {
        "source": _name(result.source),
        "destination": _name(result.destination),
        "status": result.status,
    }
    if result.error is not None:
        return record | {"reason": _reason(result)}
    note = {"note": printable(result.note)} if result.note else {}
    return record | note | {"seconds": round(result.seconds, 3)}


def _reason(result: Result) -> str:
    """Returns why there is no result, with the option that helps."""
    reason = printable(str(result.reason))
    hint = next((hint for kind, hint in _HINTS.items() if isinstance(result.error, kind)), None)
    return f"{reason.removesuffix('.')}; {hint}" if hint else reason


def _name(end: Path | BinaryIO) -> str:
    return printable(str(end)) if isinstance(end, Path) else "-"
