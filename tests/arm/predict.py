"""Runs in the emulated processor: `predict.py INPUT.npz OUTPUT.npz MODEL.tflite`.

Colours each array of the input with the package's own runtime, and says on which machine.
"""

import platform
import sys
import time
from pathlib import Path

import numpy as np

from keras_colorize.inference.runtime import LiteRTRuntime


def main(given: Path, wanted: Path, model: Path) -> None:
    runtime = LiteRTRuntime(model, threads=1)
    print(f"{platform.machine()}, Python {platform.python_version()}, NumPy {np.__version__}")
    made = {}
    with np.load(given) as arrays:
        for name, lightness in arrays.items():
            start = time.perf_counter()
            made[name] = runtime.predict(lightness)
            print(f"{name}: {time.perf_counter() - start:.1f} s", flush=True)
    np.savez(wanted, **made)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
