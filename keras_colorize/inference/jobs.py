"""Plans which pictures are coloured, and where each result goes."""

import mimetypes
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from keras_colorize.imaging.formats import MARK, SUFFIXES, SUFFIXES_OF, WRITTEN_NAMES
from keras_colorize.imaging.pages import count_pages
from keras_colorize.inference.search import Found, JobError, LeftOut, Search

Page = int | Literal["all"]


@dataclass(frozen=True)
class Job:
    """One picture to colour.

    Attributes:
        source: the file, or a path or pattern that leads to none.
        destination: the file to write.
        page: number of the page of a TIFF that has several, from 1 on.
    """

    source: Path
    destination: Path
    page: int | None = None


def find_jobs(
    sources: Iterable[str],
    target: Path | None = None,
    *,
    format: str | None = None,
    exclude: tuple[str, ...] = (),
    page: Page | None = None,
) -> tuple[list[Job], LeftOut]:
    """Lists the pictures to colour before any is coloured.

    The name of a result is that of its picture with `-colorized`. Pictures of such names are left
    out, unless one is the only source.

    Args:
        sources: files, folders and patterns.
        target: a folder, which keeps the tree of each source folder; for one named file also the
            file to write. By default, each result is written beside its picture.
        format: Pillow's name of the format of the results; by default each picture's own.
        exclude: patterns of what is left out of folders, as in `is_left_out`.
        page: number of the page to colour of TIFFs that have several, or "all".

    Returns:
        The jobs, each for another file, and what was left out of folders.

    Raises:
        JobError: a source is an address on the web, two pictures would write one file, a result
            would replace a picture, or `target` is one file for several pictures or has a format
            that is not written.
    """
    sources = list(sources)
    if target is not None and _names_other_file(target):
        raise JobError(f"{target} names no format to write: {WRITTEN_NAMES}; nor is it a folder.")
    target_is_file = target is not None and _names_file(target)
    search = Search(None if target_is_file else target, exclude)
    found = list(dict.fromkeys(item for source in sources for item in search.find(source)))
    if len(sources) > 1 or not (found and found[0].named):
        found = _without_results(found, search.left_out)
    if target is not None and target_is_file:
        if [item.named for item in found] != [True]:
            raise JobError(f"{target} names one file: name a folder for several pictures.")
        jobs = [Job(found[0].path, target)]
    else:
        jobs = [Job(item.path, _destination(item, target, format)) for item in found]
    first: dict[str, Job] = {}  # by source: folders may lie in one another
    for job in jobs:
        first.setdefault(os.path.abspath(job.source), job)
    jobs = [each for job in first.values() for each in _pages(job, page, target_is_file)]
    _refuse_collisions(jobs)
    return jobs, search.left_out


def _without_results(found: list[Found], left_out: LeftOut) -> list[Found]:
    """Removes the results of earlier runs, and notes those whose originals are gone."""
    originals = {item.path.with_suffix("") for item in found}
    kept = []
    for item in found:
        stem = item.path.stem
        if not stem.endswith(MARK):
            kept.append(item)
        elif item.path.parent / stem.removesuffix(MARK) not in originals:
            left_out.results.append(item.path)
    return kept


def _destination(item: Found, target: Path | None, format: str | None) -> Path:
    suffix = item.path.suffix
    if format is None:
        if suffix.lower() not in SUFFIXES:
            suffix = ".png"
    elif suffix.lower() not in SUFFIXES_OF[format]:
        suffix = SUFFIXES_OF[format][0]
    name = f"{item.path.stem}{MARK}{suffix}"
    if target is None:
        return item.path.with_name(name)
    return target / item.path.parent.relative_to(item.root) / name


def _pages(job: Job, page: Page | None, target_is_file: bool) -> list[Job]:
    """The jobs of the pages that are asked for, if the picture has several."""
    if page is None or not job.source.is_file() or (count := count_pages(job.source)) == 1:
        return [job]
    path = job.destination
    if page == "all" and target_is_file:
        raise JobError(f"{job.source} has {count} pages: name a folder for them, not {path}.")
    numbers = [page] if isinstance(page, int) else range(1, count + 1)
    stem = path.stem.removesuffix(MARK)
    return [
        Job(
            job.source,
            path if target_is_file else path.with_name(f"{stem}-p{number}{MARK}{path.suffix}"),
            number,
        )
        for number in numbers
    ]


def _refuse_collisions(jobs: Sequence[Job]) -> None:
    sources = {identity: job.source for job in jobs if (identity := _identity(job.source))}
    writers: dict[str, Path] = {}
    for job in jobs:
        key = os.path.realpath(job.destination)
        if key in writers:
            raise JobError(f"{writers[key]} and {job.source} would both write {job.destination}.")
        writers[key] = job.source
        identity = _identity(job.destination)
        if identity in sources:
            raise JobError(
                f"{job.destination} is a picture to colour ({sources[identity]}), and stays as it "
                "is: choose another output."
            )


def _names_file(target: Path) -> bool:
    return target.is_file() or (target.suffix.lower() in SUFFIXES and not target.is_dir())


def _names_other_file(target: Path) -> bool:
    """Says whether `target` looks like a file that is not written, such as a GIF or a PDF."""
    kind, _ = mimetypes.guess_type(target.name)
    return kind is not None and target.suffix.lower() not in SUFFIXES and not target.exists()


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
