"""The work of `keras-colorize colorize`: one picture, or many on all cores."""

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path
from queue import SimpleQueue
from typing import Any, BinaryIO, TypeVar

from keras_colorize.cli.planning import Job
from keras_colorize.imaging.images import ImageError
from keras_colorize.imaging.strips import available_cores
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
        `source`, `destination` (a stream is "-") and `status`: `colorized` with `seconds`, or
        `exists` or `failed` with a `reason`, one sentence.
    """
    read, write = (str(end) if isinstance(end, Path) else "-" for end in (source, destination))
    record: Record = {"source": read, "destination": write}
    started = time.perf_counter()
    try:
        if isinstance(destination, Path):
            if not overwrite and os.path.lexists(destination):
                raise FileExistsError
            destination.parent.mkdir(parents=True, exist_ok=True)
        colorizer.colorize_file(source, destination, overwrite=overwrite, **options)
    except ImageError as error:
        return record | {"status": "failed", "reason": str(error)}
    except FileExistsError:
        reason = f"{write} exists; --overwrite replaces it."
        return record | {"status": "exists", "reason": reason}
    except OSError as error:
        reason = f"{write} cannot be written: {error.strerror or error}."
        return record | {"status": "failed", "reason": reason}
    except MemoryError:
        reason = f"{read} needs more memory than there is."
        return record | {"status": "failed", "reason": reason}
    return record | {"status": "colorized", "seconds": round(time.perf_counter() - started, 3)}


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
            return index, colorize_one(job.source, job.destination, colorizer, overwrite, options)
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
