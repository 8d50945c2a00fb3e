"""Colours many pictures on all cores, and says what became of each."""

import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any, BinaryIO, TypeVar

import cv2

from keras_colorize.imaging.hint_texts import hints_beside
from keras_colorize.imaging.hints import HintError
from keras_colorize.imaging.images import ImageError
from keras_colorize.imaging.strips import available_cores
from keras_colorize.imaging.temporaries import sweep
from keras_colorize.inference.colorizer import Colorizer
from keras_colorize.inference.jobs import Job, Page, find_jobs

Item = TypeVar("Item")
Output = TypeVar("Output")


@dataclass(frozen=True)
class Result:
    """What became of a picture.

    Attributes:
        source: the file or stream of the picture.
        destination: the file or stream of the result.
        seconds: the time that it took.
        note: what is worth knowing of the result, one sentence, or None.
        error: the exception that kept the picture from being coloured, or None.
        reason: the same as one sentence for people, or None.
    """

    source: Path | BinaryIO
    destination: Path | BinaryIO
    seconds: float
    note: str | None = None
    error: Exception | None = None
    reason: str | None = None

    @property
    def status(self) -> str:
        """`colorized`, `exists` if the result was there already, or `failed`."""
        if self.error is None:
            return "colorized"
        return "exists" if isinstance(self.error, FileExistsError) else "failed"


def colorize_files(
    sources: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    target: str | os.PathLike[str] | None = None,
    *,
    make_colorizer: Callable[..., Colorizer] = Colorizer,
    format: str | None = None,
    exclude: tuple[str, ...] = (),
    page: Page | None = None,
    overwrite: bool = False,
    workers: int | None = None,
    **options: Any,
) -> Iterator[Result]:
    """Colours files and folders of photographs, as `keras-colorize colorize` does.

    A picture that cannot be coloured does not keep the others from it. Results that exist are left
    as they are, so that the same call continues after an interruption.

    Args:
        sources: files, folders and patterns, or one of these.
        target: the folder of the results, which keeps the tree of each source folder; for one file
            also the file to write. By default, the result of `old.jpg` is `old-colorized.jpg`
            beside it.
        make_colorizer: called once for each worker, with the argument `threads`, such as
            `functools.partial(Colorizer, saturation=1.2)`.
        format: "JPEG", "PNG", "TIFF", "WEBP" or "BMP"; by default each picture's own.
        exclude: patterns of files and folders to leave out of folders, such as "*-old*".
        page: number of the page to colour of TIFFs that have several, or "all".
        overwrite: whether results that exist are replaced.
        workers: number of pictures in work at a time; by default one for each core.
        **options: further arguments of `Colorizer.colorize_file`.

    Returns:
        The results, each as soon as its picture is finished.

    Raises:
        JobError: the pictures cannot be coloured into `target`, as `find_jobs` describes.
    """
    several = [sources] if isinstance(sources, str | os.PathLike) else sources
    names = [os.fspath(source) for source in several]
    folder = None if target is None else Path(target)
    jobs, _ = find_jobs(names, folder, format=format, exclude=exclude, page=page)
    return colorize_jobs(
        jobs, make_colorizer, workers, overwrite=overwrite, format=format, **options
    )


def colorize_jobs(
    jobs: Sequence[Job],
    make_colorizer: Callable[..., Colorizer] = Colorizer,
    workers: int | None = None,
    **options: Any,
) -> Iterator[Result]:
    """Colours the pictures of `find_jobs` in threads; the arguments are those of `colorize_files`.

    Decoding, network, colour and encoding release the interpreter's lock. Each thread has a
    network of its own on its share of the cores, so that none waits for another.
    """
    cores = available_cores()
    workers = max(1, min(workers or cores, len(jobs)))
    colorizers: SimpleQueue[Colorizer] = SimpleQueue()
    for _ in range(workers):
        colorizers.put(make_colorizer(threads=max(1, cores // workers)))

    def colorize(job: Job) -> Result:
        colorizer = colorizers.get()
        try:
            return colorize_one(job.source, job.destination, colorizer, page=job.page, **options)
        except Exception as error:  # ours; it costs one picture of many
            reason = f"{job.source} met a fault of this program: {error!r}."
            return Result(job.source, job.destination, 0.0, error=error, reason=reason)
        finally:
            colorizers.put(colorizer)

    return map_unordered(colorize, jobs, workers)


def colorize_one(
    source: Path | BinaryIO,
    destination: Path | BinaryIO,
    colorizer: Colorizer,
    *,
    overwrite: bool = False,
    **options: Any,
) -> Result:
    """Colours one picture; whatever is wrong with it ends up in the result.

    Args:
        source: file or stream to read.
        destination: file or stream to write. The folder of a file is made if it is absent.
        colorizer: what colours it.
        overwrite: whether the destination may exist.
        **options: further arguments of `Colorizer.colorize_file`. Without `hints`, a file takes
            those of the JSON file beside it, where there is one: `old.hints.json` of `old.jpg`.
    """
    started = time.perf_counter()
    note: str | None = None
    error: Exception | None = None
    reason: str | None = None
    try:
        if isinstance(destination, Path):
            sweep(destination.parent)  # here, as a killed run may have left nothing to be done
            if not overwrite and os.path.lexists(destination):
                raise FileExistsError
            if not isinstance(source, Path) or source.exists():  # else this is about to fail
                _make_folder(destination.parent)
        if isinstance(source, Path):
            options["hints"] = options.get("hints") or hints_beside(source)
        end = colorizer.colorize_file(source, destination, overwrite=overwrite, **options)
        note = end and f"{_name(source)} {end}"
        if not isinstance(destination, Path):
            destination.flush()  # here, where a failure gets its sentence
    except (ImageError, HintError) as caught:
        error, reason = caught, str(caught)
    except FileExistsError as caught:
        error, reason = caught, f"{_name(destination)} exists."
    except OSError as caught:
        written = destination if isinstance(destination, Path) else "Standard output"
        error, reason = caught, f"{written} cannot be written: {caught.strerror or caught}."
    except (MemoryError, cv2.error) as caught:
        if isinstance(caught, cv2.error) and caught.code != cv2.Error.StsNoMem:
            raise
        error, reason = caught, f"{_name(source)} needs more memory than there is."
    return Result(source, destination, time.perf_counter() - started, note, error, reason)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        file = next(path for path in (folder, *folder.parents) if os.path.lexists(path))
        raise NotADirectoryError(f"{file} is a file, not a folder") from error


def _name(end: Path | BinaryIO) -> str:
    return str(end) if isinstance(end, Path) else "-"


def map_unordered(
    function: Callable[[Item], Output], items: Iterable[Item], workers: int
) -> Iterator[Output]:
    """Yields `function(item)` as threads finish them, taking items only a little ahead."""
    pending: set[Future[Output]] = set()
    with ThreadPoolExecutor(workers) as pool:
        try:
            for item in items:
                pending.add(pool.submit(function, item))
                if len(pending) >= 2 * workers:
                    done, pending = wait(pending, return_when=FIRST_COMPLETED)
                    yield from (future.result() for future in done)
            while pending:
                done, pending = wait(pending, return_when=FIRST_COMPLETED)
                yield from (future.result() for future in done)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)  # after Ctrl-C: no further pictures
