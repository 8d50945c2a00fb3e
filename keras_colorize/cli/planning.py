"""Which pictures `keras-colorize colorize` takes, and where each result goes."""

import glob
import mimetypes
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from keras_colorize.cli.leaving_out import LeftOut
from keras_colorize.imaging.formats import MARK, READ_SUFFIXES, SUFFIXES, SUFFIXES_OF, WRITTEN_NAMES
from keras_colorize.imaging.pages import count_pages
from keras_colorize.imaging.sources import NO_ADDRESSES, is_address
from keras_colorize.imaging.walking import is_left_out, walk


@dataclass(frozen=True)
class Job:
    """One picture to colour.

    Attributes:
        source: the file, or a path or pattern that leads to none.
        destination: the file to write.
        page: of a TIFF of several pages, from 1 on; None = the only one.
    """

    source: Path
    destination: Path
    page: int | None = None


@dataclass(frozen=True)
class _Found:
    """A picture, the folder that its tree is kept from, and whether it was named by itself."""

    path: Path
    root: Path
    named: bool


def plan(
    paths: Sequence[str],
    out: Path | None,
    image_format: str | None,
    exclude: tuple[str, ...] = (),
    page: int | str | None = None,
) -> tuple[list[Job], LeftOut]:
    """Lists the work before any of it begins.

    Args:
        paths: files, folders and patterns.
        out: a folder, for one named file also the file to write; None is beside each picture.
        image_format: of the results; None keeps each picture's.
        exclude: patterns of what is left out of folders, as in `is_left_out`.
        page: of TIFFs of several pages, or "all"; other pictures have one.

    Returns:
        The work, and what was left out of folders.

    Raises:
        click.UsageError: a path is an address on the web, two pictures would write one file, a
            result would replace a picture, `out` is one file for several pictures, or a file of a
            format that is not written.
    """
    if out is not None and _names_other_file(out):
        raise click.UsageError(
            f"-o {out} names no format to write: {WRITTEN_NAMES}; nor is it a folder."
        )
    out_is_file = out is not None and _names_file(out)
    search = _Search(None if out_is_file else out, exclude)
    found = list(dict.fromkeys(search.find(paths)))
    if len(paths) > 1 or not (found and found[0].named):
        originals = {item.path.with_suffix("") for item in found}
        search.left_out.results.extend(
            path
            for path in (item.path for item in found)
            if path.stem.endswith(MARK)
            and path.parent / path.stem.removesuffix(MARK) not in originals
        )
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
    jobs = [each for job in first.values() for each in _pages(job, page, out_is_file)]
    _refuse_collisions(jobs)
    return jobs, search.left_out


class _Search:
    """Looks for pictures by suffix, at any depth, but not in the folder of the results.

    Args:
        out: that folder, or None.
        exclude: patterns of what else is left out.
    """

    def __init__(self, out: Path | None, exclude: tuple[str, ...]) -> None:
        self.left_out = LeftOut()
        self._out = out
        self._exclude = exclude

    def find(self, paths: Sequence[str]) -> Iterator[_Found]:
        for name in paths:
            path = Path(name)
            if is_address(name):
                raise click.UsageError(f"{name} {NO_ADDRESSES}")
            if path.is_dir():
                yield from self._walk(path, path)
            elif path.exists() or not glob.has_magic(name):
                yield _Found(path, path.parent, named=True)
            else:
                yield from self._match(name)

    def _match(self, pattern: str) -> Iterator[_Found]:
        matches = sorted(glob.glob(pattern, recursive=True))
        if not matches:
            yield _Found(Path(pattern), Path(pattern).parent, named=True)  # fails: does not exist
        root = _fixed_part(Path(pattern))
        for match in map(Path, matches):
            if is_left_out(match.name):
                continue
            if match.is_dir():
                yield from self._walk(match, root)
            elif match.is_file():
                yield from self._take(match, root, match.name)

    def _walk(self, folder: Path, root: Path) -> Iterator[_Found]:
        closed: list[OSError] = []
        for parent, folders, files in walk(folder, closed.append):
            inner = Path(parent).relative_to(folder)
            kept = []
            for name in sorted(folders):
                path = Path(parent, name)
                if is_left_out(name) or (self._out and _is_same(path, self._out)):
                    continue
                if is_left_out((inner / name).as_posix(), self._exclude):
                    self.left_out.excluded.append(path)
                    continue
                kept.append(name)
            folders[:] = kept
            for name in sorted(files):
                if not is_left_out(name):
                    yield from self._take(Path(parent, name), root, (inner / name).as_posix())
        for error in closed:  # fails as what cannot be read
            yield _Found(Path(error.filename), root, named=False)

    def _take(self, path: Path, root: Path, inner: str) -> Iterator[_Found]:
        if is_left_out(inner, self._exclude):
            self.left_out.excluded.append(path)
        elif path.suffix.lower() in READ_SUFFIXES:
            yield _Found(path, root, named=False)
        else:
            self.left_out.note(path)


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


def _pages(job: Job, page: int | str | None, out_is_file: bool) -> list[Job]:
    """The jobs of the pages that are asked for, if the picture has several."""
    count = 1 if page is None or not job.source.is_file() else count_pages(job.source)
    if count == 1:
        return [job]
    if isinstance(page, int):
        numbers = [page]
    else:
        numbers = list(range(1, count + 1))
        if out_is_file:
            raise click.UsageError(
                f"{job.source} has {count} pages: name a folder for them, not {job.destination}."
            )
    path = job.destination
    stem = path.stem.removesuffix(MARK)
    return [
        Job(
            job.source,
            path if out_is_file else path.with_name(f"{stem}-p{number}{MARK}{path.suffix}"),
            number,
        )
        for number in numbers
    ]


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
