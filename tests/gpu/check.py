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
from itertools import pairwise
from pathlib import Path

import numpy as np

from keras_colorize.inference.quiet import import_quietly
from keras_colorize.inference.runtime import LiteRTRuntime
from keras_colorize.inference.weights import resolve_weights

ROOT = Path(__file__).parents[2]
TOOLS = ROOT / ".venv-gpu"
TOLERANCE = 0.5  # mean absolute difference to the same file on the CPU, in Lab units


def on_gpu(model: Path, signature: str, lightness: np.ndarray) -> np.ndarray | str:
    """Runs a file on the GPU alone: ab (1, H/c, W/c, 2), or what speaks against it."""
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
        for line, reason in pairwise(done.stderr.splitlines()):
            if "not supported by GPU" in line:
                return reason
        return done.stderr or f"the process ended with {done.returncode}"


def files(folder: Path) -> Iterator[tuple[str, Path]]:
    """Makes a file of each kind: what it is, and its path."""
    import_quietly("tensorflow")

    from keras_colorize.exporting.calibration import read_calibration
    from keras_colorize.exporting.kinds import KINDS
    from keras_colorize.exporting.tflite import SIZES, Conversion, convert
    from keras_colorize.inference.generators import load_generator

    generator = load_generator()
    photographs = read_calibration(ROOT / "examples" / "photographs").lightness
    conversion = Conversion(generator, sizes=SIZES[:1], representative=photographs)
    for kind in KINDS:
        path = folder / f"{kind}.tflite"
        path.write_bytes(conversion.file(kind))
        yield f"{kind}, one size", path
    path = folder / "all.tflite"
    path.write_bytes(convert(generator, kind="float16"))
    yield f"float16, {len(SIZES)} sizes", path


def main() -> int:
    with np.load(resolve_weights(None).with_suffix(".golden.npz")) as golden:
        lightness = golden["lightness"]
    signature = f"colorize_{lightness.shape[0]}x{lightness.shape[1]}"
    failed = []
    with tempfile.TemporaryDirectory() as folder:
        for what, path in files(Path(folder)):
            made = on_gpu(path, signature, lightness)
            right = False
            if isinstance(made, str):
                print(f"{what}: not taken. {made}", flush=True)
            else:
                on_cpu = LiteRTRuntime(path).predict(lightness)
                difference = np.abs(made[0] - on_cpu)
                right = bool(difference.mean() < TOLERANCE)
                print(
                    f"{what}: taken whole. Off the CPU's ab by {difference.mean():.2g} in the "
                    f"mean, {difference.max():.2g} at most, of {np.abs(on_cpu).max():.0f}",
                    flush=True,
                )
            if not right:
                failed.append(what)
    if failed:
        print(f"FAILED, unlike export/android/README.md says: {', '.join(failed)}")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
