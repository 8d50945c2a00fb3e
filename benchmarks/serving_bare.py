"""The work of `POST /colorize` without HTTP, as a process that works when it is asked to.

`serving_load.py` starts it: a folder of pictures, and the seconds of a measurement.
"""

import hashlib
import sys
import threading
import time
from io import BytesIO
from itertools import count
from pathlib import Path
from typing import Any

from turns import obey

from keras_colorize.imaging.strips import available_cores
from keras_colorize.inference.colorizer import Colorizer
from keras_colorize.inference.runtime import Runtime, load_runtime


def main() -> None:
    """Loads a network for each core, as the server does, and obeys."""
    folder, seconds = Path(sys.argv[1]), float(sys.argv[2])
    pictures = [path.read_bytes() for path in sorted(folder.iterdir())]
    runtimes = [load_runtime(None, 1) for _ in range(available_cores())]
    obey(
        {
            "warm": lambda: {"digests": [digest(one, runtimes[0]) for one in pictures]},
            "work": lambda: work(pictures, runtimes, seconds),
        }
    )


def digest(picture: bytes, runtime: Runtime) -> str:
    """The SHA-256 of the coloured picture."""
    return hashlib.sha256(colour(picture, runtime)).hexdigest()


def colour(picture: bytes, runtime: Runtime) -> bytes:
    """Colours a JPEG."""
    made = BytesIO()
    Colorizer(runtime).colorize_file(picture, made, format="JPEG")
    return made.getvalue()


def work(pictures: list[bytes], runtimes: list[Runtime], seconds: float) -> dict[str, Any]:
    """Colours in all threads; what is not finished in time does not count."""
    numbers, done = count(), []
    started, processor = time.perf_counter(), time.process_time()

    def one(runtime: Runtime) -> None:
        while time.perf_counter() < started + seconds:
            colour(pictures[next(numbers) % len(pictures)], runtime)
            done.append(time.perf_counter())

    threads = [threading.Thread(target=one, args=(runtime,)) for runtime in runtimes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {
        "pictures_per_s": sum(end <= started + seconds for end in done) / seconds,
        "processor_s_a_picture": (time.process_time() - processor) / len(done),
    }


if __name__ == "__main__":
    main()
