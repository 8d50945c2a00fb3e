"""The work of `keras-colorize colorize`: one picture, or many on all cores."""

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path
from queue import SimpleQueue
from typing import Any, BinaryIO, TypeVar

import cv2

from keras_colorize.cli.planning import Job
from keras_colorize.cli.printing import printable
from keras_colorize.imaging.images import CutShortError, ImageError, PagesError, PixelLimitError
from keras_colorize.imaging.strips import available_cores
from keras_colorize.imaging.temporaries import sweep
from keras_colorize.inference.colorizer import Colorizer

Record = dict[str, Any]
Item = TypeVar("Item")
Result = TypeVar("Result")


def colorize_one(
    source: Path | BinaryIO,
    destination: Path | BinaryIO,
    colorizer: Colorizer,
    overwrite: bool,
    options: Mapping[str, Any],
) -> Record:
    """Colours one picture; whatever is wrong with it ends up in the record.

    Args:
        source: file or stream to read.
        destination: file or stream to write.
        colorizer: what colours it.
        overwrite: whether the destination may exist.
        options: further arguments of `Colorizer.colorize_file`.

    Returns:
        `source`, `destination` (a stream is "-") and `status`: `colorized` with `seconds` and
        perhaps a `note`, or `exists` or `failed` with a `reason`, one sentence.
    """
    record = _record(source, destination)
    started = time.perf_counter()
    try:
        if isinstance(destination, Path):
            sweep(destination.parent)  # here, as a killed run may have left nothing to be done
            if not overwrite and os.path.lexists(destination):
                raise FileExistsError
            if not isinstance(source, Path) or source.exists():  # else this is about to fail
                _make_folder(destination.parent)
        note = colorizer.colorize_file(source, destination, overwrite=overwrite, **options)
        if not isinstance(destination, Path):
            destination.flush()  # here, where a failure gets its sentence
    except PixelLimitError as error:
        return _failed(record, f"{str(error).removesuffix('.')}; --max-pixels raises it.")
    except PagesError as error:
        reason = f"{str(error).removesuffix('.')}; --page 1 colours the first, --page all each."
        return _failed(record, reason)
    except CutShortError as error:
        reason = f"{str(error).removesuffix('.')}; --cut-short colours it as far as it goes."
        return _failed(record, reason)
    except (ImageError, _FolderError) as error:
        return _failed(record, str(error))
    except FileExistsError:
        reason = f"{record['destination']} exists; --overwrite replaces it."
        return record | {"status": "exists", "reason": reason}
    except OSError as error:
        end = destination if isinstance(destination, Path) else "Standard output"
        return _failed(record, f"{end} cannot be written: {error.strerror or error}.")
    except (MemoryError, cv2.error) as error:
        if isinstance(error, cv2.error) and error.code != cv2.Error.StsNoMem:
            raise
        return _failed(record, f"{record['source']} needs more memory than there is.")
    if note:
        record["note"] = f"{record['source']} {note}"
    return record | {"status": "colorized", "seconds": round(time.perf_counter() - started, 3)}


class _FolderError(ValueError):
    """A folder of the result's path is a file, in one sentence."""


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        file = next(path for path in (folder, *folder.parents) if os.path.lexists(path))
        raise _FolderError(f"{file} is a file, not a folder.") from error


def _record(source: Path | BinaryIO, destination: Path | BinaryIO) -> Record:
    ends = {"source": source, "destination": destination}
    return {
        name: printable(str(end)) if isinstance(end, Path) else "-" for name, end in ends.items()
    }


def _failed(record: Record, reason: str) -> Record:
    return record | {"status": "failed", "reason": printable(reason)}


def colorize_all(
    work: Sequence[Job],
    make_colorizer: Callable[..., Colorizer],
    overwrite: bool,
    options: Mapping[str, Any],
    workers: int | None,
) -> list[Record]:
    """Colours pictures in threads, with a progress bar.

    Decoding, network, colour and encoding release the interpreter's lock. Each thread has a
    network of its own on its share of the cores, so that none waits for another.

    Args:
        work: the pictures.
        make_colorizer: makes one that uses as many cores as its argument `threads` says.
        overwrite: whether destinations may exist.
        options: further arguments of `Colorizer.colorize_file`.
        workers: threads; None is one for each core.

    Returns:
        A record of `colorize_one` for each picture, in order.
    """
    from tqdm import tqdm

    cores = available_cores()
    workers = min(workers or cores, len(work))
    colorizers: SimpleQueue[Colorizer] = SimpleQueue()
    for _ in range(workers):
        colorizers.put(make_colorizer(threads=max(1, cores // workers)))

    def colorize(indexed: tuple[int, Job]) -> tuple[int, Record]:
        index, job = indexed
        colorizer = colorizers.get()
        try:
            its = {**options, "page": job.page}
            return index, colorize_one(job.source, job.destination, colorizer, overwrite, its)
        except Exception as error:  # ours; alone, the picture shows its trace
            record = _record(job.source, job.destination)
            return index, _failed(record, f"{job.source} met a fault of this program: {error!r}.")
        finally:
            colorizers.put(colorizer)

    results = map_unordered(colorize, enumerate(work), workers)
    progress = tqdm(results, total=len(work), unit="picture", disable=None, delay=1)
    return [record for _, record in sorted(progress, key=lambda result: result[0])]


def map_unordered(
    function: Callable[[Item], Result], items: Iterable[Item], workers: int
) -> Iterator[Result]:
    """Yields `function(item)` as threads finish them, taking items only a little ahead."""
    pending: set[Future[Result]] = set()
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
