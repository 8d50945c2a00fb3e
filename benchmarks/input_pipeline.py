"""How many training crops a second a core makes, by ours and by others; see README.md beside this.

All take the same photographs to batches of scaled L and ab of 256 x 256 and take turns, round after
round; a rate is images over processor time, which other work on the machine disturbs least.
"""

import argparse
import functools
import itertools
import json
import os
import random
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image
from skimage import color, io, transform

from keras_colorize.data.folders import list_photographs
from keras_colorize.inference.quiet import import_quietly
from keras_colorize.preparation import prepare

SIZE, BATCH = 256, 16
Batches = Iterator[Any]
SYSTEMS: dict[str, Callable[[list[Path], Path], Batches]] = {}


def system(make: Callable[[list[Path], Path], Batches]) -> Callable[[list[Path], Path], Batches]:
    """Registers an endless source of batches, given files and a folder of their shards."""
    SYSTEMS[str(make.__doc__).rstrip(".")] = make
    return make


def main() -> None:
    """Runs all systems and prints their rates."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="photographs")
    parser.add_argument("--rounds", type=int, default=5, help="measurements of each system")
    parser.add_argument("--batches", type=int, default=16, help="batches of 16 a measurement")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    import_quietly("tensorflow")
    files = list_photographs(options.folder)
    random.Random(0).shuffle(files)
    rates: dict[str, list[float]] = {name: [] for name in [*SYSTEMS, LAB]}
    with tempfile.TemporaryDirectory() as scratch:
        shards = Path(scratch) / "shards"
        prepare(options.folder, shards, shards=8)
        for _ in range(options.rounds):
            for name, make in SYSTEMS.items():
                rates[name].append(measure(make(files, shards), options.batches))
            rates[LAB].append(measure(lab_alone(), options.batches))
    medians = {name: statistics.median(found) for name, found in rates.items()}
    plain = medians["Plain tensorflow-io pipeline"]
    ours = medians["Ours, files"]
    report = {
        "cores": os.cpu_count(),
        "images_per_processor_second": medians,
        "over_plain": {name: rate / plain for name, rate in medians.items()},
        "share_of_lab_in_ours": ours / medians[LAB],
    }
    if options.json:
        print(json.dumps(report, indent=2))
        return
    print(f"{'images a second a core':48} median   lowest   highest   over plain")
    for name, found in rates.items():
        print(
            f"{name:48} {medians[name]:6.0f}   {min(found):6.0f}   {max(found):7.0f}"
            f"   {medians[name] / plain:10.2f}"
        )
    print(f"share of Lab conversion in ours: {report['share_of_lab_in_ours']:.0%}")


def measure(batches: Batches, count: int) -> float:
    """Images over processor seconds, of this process and its children, after two batches."""
    for _ in itertools.islice(batches, 2):
        pass
    before = processor_seconds()
    seen = sum(1 for _ in itertools.islice(batches, count))
    assert seen == count
    rate = count * BATCH / (processor_seconds() - before)
    if hasattr(batches, "close"):
        batches.close()
    return rate


def processor_seconds() -> float:
    """Of this process, and of its living children: a pool's time counts when it is spent."""
    ticks = os.sysconf("SC_CLK_TCK")
    total = time.process_time()
    for children in Path("/proc/self/task").glob("*/children"):
        for child in children.read_text().split():
            fields = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()
            total += (int(fields[11]) + int(fields[12])) / ticks
    return total


def crop_box(width: int, height: int, side: int) -> tuple[int, int]:
    """Left and top of a random square."""
    return random.randint(0, width - side), random.randint(0, height - side)


@system
def decode_and_resize(files: list[Path], shards: Path) -> Batches:
    """Libjpeg-turbo decode and resize alone."""

    def load(path: Path) -> Any:
        image = cv2.imread(str(path), cv2.IMREAD_COLOR)
        return cv2.resize(image, (SIZE, SIZE), interpolation=cv2.INTER_AREA)

    return batched(map(load, itertools.cycle(files)))


@system
def ours_files(files: list[Path], shards: Path) -> Batches:
    """Ours, files."""
    from keras_colorize.data.tfdata import training_batches

    return iter(training_batches(files, size=SIZE, batch_size=BATCH, steps=10**6))


@system
def ours_shards(files: list[Path], shards: Path) -> Batches:
    """Ours, shards."""
    from keras_colorize.data.shards import ShardFolder
    from keras_colorize.data.tfdata import shard_batches

    opened = ShardFolder.open(shards)
    return iter(shard_batches(opened, size=SIZE, batch_size=BATCH, steps=10**6))


@system
def ours_jax(files: list[Path], shards: Path) -> Batches:
    """Ours, files, JAX and Pillow."""
    from keras_colorize.data.arrays import training_batches

    return training_batches(files, size=SIZE, batch_size=BATCH, steps=10**6)


@system
def plain_tensorflow_io(files: list[Path], shards: Path) -> Batches:
    """Plain tensorflow-io pipeline."""
    import tensorflow as tf
    import tensorflow_io as tfio

    def load(path: Any) -> Any:
        image = tf.io.decode_jpeg(tf.io.read_file(path), channels=3)
        image = tf.image.convert_image_dtype(image, tf.float32)
        short = tf.cast(tf.reduce_min(tf.shape(image)[:2]), tf.float32)
        shape = tf.cast(tf.cast(tf.shape(image)[:2], tf.float32) * 288.0 / short + 0.5, tf.int32)
        image = tf.image.random_crop(tf.image.resize(image, shape), (SIZE, SIZE, 3))
        lab = tfio.experimental.color.rgb_to_lab(tf.image.random_flip_left_right(image))
        return lab[..., :1] / 50.0 - 1.0, lab[..., 1:] / 110.0

    dataset = tf.data.Dataset.from_tensor_slices([str(path) for path in files]).repeat()
    dataset = dataset.map(load, num_parallel_calls=tf.data.AUTOTUNE)
    return iter(dataset.batch(BATCH).prefetch(tf.data.AUTOTUNE))


@system
def scikit_image(files: list[Path], shards: Path) -> Batches:
    """Scikit-image generator."""

    def load(path: Path) -> Any:
        image = io.imread(path)
        side = min(image.shape[:2]) * 8 // 9
        left, top = crop_box(image.shape[1], image.shape[0], side)
        crop = image[top : top + side, left : left + side]
        lab = color.rgb2lab(transform.resize(crop, (SIZE, SIZE), anti_aliasing=True))
        return (lab / (50.0, 110.0, 110.0) - (1.0, 0.0, 0.0)).astype(np.float32)

    return batched(map(load, itertools.cycle(files)))


def load_as_a_dataset_item(path: Path) -> Any:
    """What `__getitem__` of a colorization data set usually is."""
    with Image.open(path) as opened:
        image = opened.convert("RGB")
    scale = 288 / min(image.size)
    image = image.resize([round(side * scale) for side in image.size], Image.Resampling.BICUBIC)
    left, top = crop_box(*image.size, SIZE)
    image = image.crop((left, top, left + SIZE, top + SIZE))
    if random.random() < 0.5:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    lab = color.rgb2lab(np.asarray(image)).astype(np.float32)
    return lab / np.float32([50, 110, 110]) - np.float32([1, 0, 0])


@system
def pillow_and_scikit_image(files: list[Path], shards: Path) -> Batches:
    """PIL and scikit-image data set, 2 workers."""
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        chunks = chunked(files)
        pending = [pool.submit(load_batch, next(chunks)) for _ in range(4)]
        try:
            while True:
                yield pending.pop(0).result()
                pending.append(pool.submit(load_batch, next(chunks)))
        finally:
            pool.shutdown(cancel_futures=True)


def load_batch(paths: tuple[Path, ...]) -> Any:
    """A batch in a worker."""
    return np.stack([load_as_a_dataset_item(path) for path in paths])


def chunked(files: list[Path]) -> Iterator[tuple[Path, ...]]:
    """Endless batches of paths."""
    endless = itertools.cycle(files)
    while True:
        yield tuple(itertools.islice(endless, BATCH))


def batched(crops: Iterator[Any]) -> Batches:
    """Stacks crops."""
    while True:
        yield np.stack(list(itertools.islice(crops, BATCH)))


LAB = "Lab conversion of ours alone"


def lab_alone() -> Batches:
    """Our conversion of one batch of bytes, again and again."""
    import tensorflow as tf

    from keras_colorize.data.tfdata import to_lab

    pixels = np.random.default_rng(0).integers(0, 256, (BATCH, SIZE, SIZE, 3), np.uint8)
    convert = functools.partial(tf.function(to_lab), tf.constant(pixels))
    while True:
        yield convert()


if __name__ == "__main__":
    warnings.filterwarnings("ignore", module=r"tensorflow_io\.")
    main()
