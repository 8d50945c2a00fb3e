"""Which kinds of TFLite files a GPU takes whole, and what it makes of them.

`make test-gpu` installs the GPU and runs this. The GPU is SwiftShader, in software: it says nothing
about speed, nor about a phone's driver. LiteRT's part that decides what a GPU can run, and its
shaders, are the real ones, those of its WebGPU accelerator; a phone has that or the one for OpenCL.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from keras_colorize.exporting.calibration import read_calibration
from keras_colorize.exporting.tflite import SIZES, Kind, convert, signature_name
from keras_colorize.inference.generators import load_generator
from keras_colorize.inference.runtime import LiteRTRuntime
from keras_colorize.inference.weights import resolve_weights

ROOT = Path(__file__).parents[2]
TOOLS = ROOT / ".venv-gpu"
TOLERANCE = 0.5  # mean absolute difference to the same file on the CPU, in Lab units
TAKEN: dict[Kind, bool] = {  # as export/android/README.md says it
    "float32": True,
    "float16": True,
    "dynamic": True,
    "int8": False,
    "int16x8": False,
}


def on_gpu(model: Path, signature: str, lightness: np.ndarray) -> np.ndarray | str:
    """Runs a file on the GPU alone: ab (1, H/c, W/c, 2), or in a sentence why not."""
    with tempfile.TemporaryDirectory() as folder:
        given, made = Path(folder, "given.npy"), Path(folder, "made.npy")
        np.save(given, lightness[None, ..., None])
        environment = {
            **os.environ,
            "LD_LIBRARY_PATH": str(TOOLS),
            "VK_ICD_FILENAMES": str(TOOLS / "vk_swiftshader_icd.json"),
            "XDG_RUNTIME_DIR": folder,
        }
        command = (
            sys.executable,
            Path(__file__).with_name("run.py"),
            model,
            signature,
            given,
            made,
        )
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return np.load(made)
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        return lines[-1] if lines else f"the process ended with {done.returncode}"


def files(folder: Path) -> Iterator[tuple[str, Path, bool]]:
    """Makes a file of each kind: what it is, its path, and whether a GPU should take it."""
    generator = load_generator()
    photographs = read_calibration(ROOT / "examples" / "photographs").lightness
    for kind, taken in TAKEN.items():
        path = folder / f"{kind}.tflite"
        path.write_bytes(convert(generator, kind=kind, sizes=SIZES[:1], representative=photographs))
        yield f"{kind}, one size", path, taken
    path = folder / "all.tflite"
    path.write_bytes(convert(generator, kind="float16"))
    yield f"float16, {len(SIZES)} sizes", path, TAKEN["float16"]
    yield "the packaged file", resolve_weights(None), TAKEN["dynamic"]


def main() -> int:
    with np.load(resolve_weights(None).with_suffix(".golden.npz")) as golden:
        lightness = golden["lightness"]
    signature = signature_name(lightness.shape)
    failed = []
    with tempfile.TemporaryDirectory() as folder:
        for what, path, taken in files(Path(folder)):
            made = on_gpu(path, signature, lightness)
            if isinstance(made, str):
                print(f"{what}: not taken ({made})", flush=True)
                right = not taken
            else:
                difference = np.abs(made[0] - LiteRTRuntime(path).predict(lightness))
                print(
                    f"{what}: taken whole; off the CPU's ab by {difference.mean():.2g} in the "
                    f"mean, {difference.max():.2g} at most",
                    flush=True,
                )
                right = taken and difference.mean() < TOLERANCE
            if not right:
                failed.append(what)
    if failed:
        print(f"FAILED, unlike export/android/README.md says: {', '.join(failed)}")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
