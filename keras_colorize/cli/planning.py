"""Which pictures `keras-colorize colorize` takes, and where each result goes."""

import glob
import mimetypes
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from keras_colorize.imaging.formats import MARK, SUFFIXES, SUFFIXES_OF
from keras_colorize.imaging.walking import walk


@dataclass(frozen=True)
class Job:
    """One picture to colour.

    Attributes:
        source: the file, or a path or pattern that leads to none.
        destination: the file to write.
    """

    source: Path
    destination: Path


@dataclass(frozen=True)
class _Found:
    """A picture, the folder that its tree is kept from, and whether it was named by itself."""

    path: Path
    root: Path
    named: bool


def plan(paths: Sequence[str], out: Path | None, image_format: str | None) -> list[Job]:
    """Lists the work before any of it begins.

    Args:
        paths: files, folders and patterns.
        out: a folder, for one named file also the file to write; None is beside each picture.
        image_format: of the results; None keeps each picture's.

    Raises:
        click.UsageError: two pictures would write one file, a result would replace a picture,
            `out` is one file for several pictures, or a file of a format that is not written.
    """
    if out is not None and _names_other_file(out):
        raise click.UsageError(
            f"-o {out} names no format to write: JPEG, PNG, TIFF, WebP or BMP; nor is it a folder."
        )
    out_is_file = out is not None and _names_file(out)
    found = list(dict.fromkeys(_find(paths, None if out_is_file else out)))
    if len(paths) > 1 or not (found and found[0].named):
        found = [item for item in found if not item.path.stem.endswith(MARK)]
    if out is not None and out_is_file:
        if [item.named for item in found] != [True]:
            raise click.UsageError(f"-o {out} names one file: name a folder for several pictures.")
        jobs = [Job(found[0].path, out)]
    else:
        jobs = [Job(item.path, _destination(item, out, image_format)) for item in found]
    first: dict[str, Job] = {}  # by source: folders may lie in one another
    for job in jobs:
        first.setdefault(os.path.abspath(job.source), job)
    jobs = list(first.values())
    _refuse_collisions(jobs)
    return jobs


def _find(paths: Sequence[str], out: Path | None) -> Iterator[_Found]:
    for name in paths:
        path = Path(name)
        if path.is_dir():
            yield from _walk(path, path, out)
        elif path.exists() or not glob.has_magic(name):
            yield _Found(path, path.parent, named=True)
        else:
            matches = sorted(glob.glob(name, recursive=True))
            if not matches:
                yield _Found(path, path.parent, named=True)  # fails as what does not exist
            root = _fixed_part(path)
            for match in map(Path, matches):
                if match.is_dir():
                    yield from _walk(match, root, out)
                elif match.suffix.lower() in SUFFIXES and match.is_file():
                    yield _Found(match, root, named=False)


def _walk(folder: Path, root: Path, out: Path | None) -> Iterator[_Found]:
    """Finds pictures by suffix at any depth, but nothing hidden, and no results under `out`."""
    closed: list[OSError] = []
    for parent, folders, files in walk(folder, closed.append):
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".") and not (out and _is_same(Path(parent, name), out))
        )
        for name in sorted(files):
            path = Path(parent, name)
            if path.suffix.lower() in SUFFIXES and not name.startswith("."):
                yield _Found(path, root, named=False)
    for error in closed:  # fails as what cannot be read
        yield _Found(Path(error.filename), root, named=False)


def _destination(item: _Found, out: Path | None, image_format: str | None) -> Path:
    suffix = item.path.suffix
    if image_format is None:
        if suffix.lower() not in SUFFIXES:
            suffix = ".png"
    elif suffix.lower() not in SUFFIXES_OF[image_format]:
        suffix = SUFFIXES_OF[image_format][0]
    name = f"{item.path.stem}{MARK}{suffix}"
    if out is None:
        return item.path.with_name(name)
    return out / item.path.parent.relative_to(item.root) / name


def _refuse_collisions(jobs: Sequence[Job]) -> None:
    sources = {}
    for job in jobs:
        if identity := _identity(job.source):
            sources[identity] = job.source
    writers: dict[str, Path] = {}
    for job in jobs:
        key = os.path.realpath(job.destination)
        if key in writers:
            raise click.UsageError(
                f"{writers[key]} and {job.source} would both write {job.destination}."
            )
        writers[key] = job.source
        identity = _identity(job.destination)
        if identity in sources:
            raise click.UsageError(
                f"{job.destination} is a picture to colour ({sources[identity]}), and stays as it "
                "is: choose another output."
            )


def _names_file(out: Path) -> bool:
    return out.is_file() or (out.suffix.lower() in SUFFIXES and not out.is_dir())


def _names_other_file(out: Path) -> bool:
    """Says whether `out` looks like a file that is not written, such as a GIF or a PDF."""
    kind, _ = mimetypes.guess_type(out.name)
    return kind is not None and out.suffix.lower() not in SUFFIXES and not out.exists()


def _fixed_part(pattern: Path) -> Path:
    """The folders of a pattern before its first wildcard."""
    parts = []
    for part in pattern.parts[:-1]:
        if glob.has_magic(part):
            break
        parts.append(part)
    return Path(*parts)


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _is_same(one: Path, other: Path) -> bool:
    identity = _identity(one)
    return identity is not None and identity == _identity(other)
