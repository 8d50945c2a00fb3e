"""A data set to a folder of shards: photographs made small, in all processes of the machine."""

import os
import signal
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from io import BytesIO
from itertools import groupby
from multiprocessing import get_context, parent_process
from operator import itemgetter
from pathlib import Path
from threading import Thread

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from tqdm import tqdm

from keras_colorize.data.folders import NEAR_GREY, inspect
from keras_colorize.data.layouts import TFDS, Photographs, find_photographs
from keras_colorize.data.shard import Entry, ShardError
from keras_colorize.data.shards import ShardFolder
from keras_colorize.data.tfds import TfdsPhotographs
from keras_colorize.imaging.formats import FORMATS
from keras_colorize.imaging.images import ImageError, read_rgb, write_image
from keras_colorize.imaging.locks import only_writer
from keras_colorize.imaging.pillow_warnings import quiet_pillow
from keras_colorize.imaging.strips import available_cores

QUALITY = 95
_AHEAD = 64  # photographs in work or waiting to be written, for each process


def prepare(
    source: str | Path,
    destination: str | Path,
    *,
    size: int = 288,
    shards: int = 256,
    split: str = "train",
    seed: int = 0,
    jobs: int | None = None,
) -> ShardFolder:
    """Makes shards of a data set, or goes on where it was broken off.

    The processes are spawned: a script that calls this needs `if __name__ == "__main__":`.

    Args:
        source: a folder that `find_photographs` understands, or `tfds:NAME` with the name of a
            data set of tensorflow-datasets.
        destination: the folder for the shards; made if it is absent.
        size: the short side of the photographs; smaller ones stay as they are.
        shards: how many; each should fit in memory twice.
        split: which photographs of the data set.
        seed: of their order.
        jobs: processes; None = one for each core.

    Returns:
        The finished shards.

    Raises:
        FolderError: there are no such photographs.
        ShardError: the destination is in other use, or the shards cannot be made.
        FolderInUseError: another process makes shards in it.
    """
    photographs: Photographs | TfdsPhotographs
    if str(source).startswith(TFDS):
        photographs = TfdsPhotographs(str(source).removeprefix(TFDS), split)
    else:
        photographs = find_photographs(source, split)
    if photographs.count < shards:
        raise ShardError(f"{shards} shards are more than the {photographs.count} photographs.")
    settings = {
        "layout": photographs.layout,
        "split": split,
        "photographs": photographs.count,
        "photographs_digest": photographs.digest,
        "missing": photographs.missing,
        "size": size,
        "quality": QUALITY,
        "near_grey": NEAR_GREY,
        "shards": shards,
        "seed": seed,
    }
    folder = ShardFolder.begin(destination, settings)
    jobs = jobs or available_cores()
    parts: Sequence[Iterable[tuple[str, Path | bytes]]] = photographs.parts(shards, seed)
    with (
        only_writer(destination),
        tqdm(total=photographs.count, unit="photograph", disable=None, leave=False) as bar,
        ProcessPoolExecutor(jobs, get_context("spawn"), _start_worker) as pool,
    ):

        def work() -> Iterator[tuple[int, str, Path | bytes]]:
            for number, part in enumerate(parts):
                if shard := folder.made(number):
                    bar.update(shard.photographs)
                    continue
                for name, photograph in part:
                    yield number, name, photograph

        def entries(group: Iterable[tuple[int, Entry]]) -> Iterator[Entry]:
            for _, entry in group:
                bar.update()
                yield entry

        try:
            for number, group in groupby(_encoded(pool, work(), size, jobs), itemgetter(0)):
                folder.write(number, entries(group))
        except BrokenProcessPool as error:
            raise ShardError(
                "A process ended before its work, perhaps for want of memory; the same command "
                "goes on, with fewer processes if it is given fewer --jobs."
            ) from error
        finally:
            pool.shutdown(cancel_futures=True)  # after Ctrl-C: no further photographs
    return ShardFolder.open(destination)


def _encoded(
    pool: ProcessPoolExecutor,
    work: Iterable[tuple[int, str, Path | bytes]],
    size: int,
    jobs: int,
) -> Iterator[tuple[int, Entry]]:
    """Has photographs encoded, a bounded number ahead, and yields them in their order."""
    pending: deque[tuple[int, Future[Entry]]] = deque()

    def first() -> tuple[int, Entry]:
        number, future = pending.popleft()
        return number, future.result()

    for number, name, photograph in work:
        pending.append((number, pool.submit(encode, name, photograph, size)))
        if len(pending) >= _AHEAD * jobs:
            yield first()
    while pending:
        yield first()


def _start_worker() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to all; the parent sees to it
    Thread(target=_end_with_parent, daemon=True).start()
    cv2.setNumThreads(1)  # the other cores have processes of their own


def _end_with_parent() -> None:
    """A parent that was killed leaves its processes waiting for work for ever."""
    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def encode(name: str, photograph: Path | bytes, size: int) -> Entry:
    """Makes a photograph an upright sRGB JPEG of a short side of at most `size`.

    One that is such a JPEG already stays as it is, byte for byte. Metadata of others is dropped.

    Args:
        name: for the entry.
        photograph: a file, or its bytes.
        size: in pixels.

    Returns:
        The JPEG; none where the photograph is near-grey or cannot be read.
    """
    try:
        contents = photograph if isinstance(photograph, bytes) else photograph.read_bytes()
    except OSError as error:
        return Entry(name, b"", f"cannot be read: {error.strerror}.")
    look = inspect(BytesIO(contents))
    if look.problem or look.near_grey:
        return Entry(name, b"", look.problem)
    if look.orientation == 1 and _can_stay(contents, size):
        return Entry(name, contents)
    encoded = BytesIO()
    try:
        write_image(_reduced(read_rgb(contents), size), encoded, format="JPEG", quality=QUALITY)
    except ImageError as error:
        return Entry(name, b"", f"cannot be read: {error}")
    return Entry(name, encoded.getvalue())


def _can_stay(contents: bytes, size: int) -> bool:
    with quiet_pillow(), Image.open(BytesIO(contents), formats=FORMATS) as image:
        return (
            image.format == "JPEG"
            and image.mode == "RGB"
            and min(image.size) <= size
            and "icc_profile" not in image.info
        )


def _reduced(rgb: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    height, width = rgb.shape[:2]
    short = min(height, width)
    if short <= size:
        return rgb
    target = (round(width * size / short), round(height * size / short))
    return np.asarray(cv2.resize(rgb, target, interpolation=cv2.INTER_AREA), np.uint8)
