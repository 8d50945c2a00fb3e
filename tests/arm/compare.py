"""The packaged network on an emulated Arm processor, compared with its golden tensors.

`make test-arm` installs the emulator and runs this. The processor is QEMU's Cortex-A76, LiteRT its
published wheel for aarch64. What is emulated says nothing about speed.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from keras_colorize.inference.runtime import LiteRTRuntime
from keras_colorize.inference.weights import resolve_weights

ROOT = Path(__file__).parents[2]
TOOLS = ROOT / ".venv-arm"
TOLERANCE = 0.5  # mean absolute difference, that of tests/inference/test_runtime.py


def emulated(model: Path, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Predicts ab (H/c, W/c, 2) of each lightness (H, W) on the emulated processor."""
    root = TOOLS / "root"
    with tempfile.TemporaryDirectory() as folder:
        given, made = Path(folder, "given.npz"), Path(folder, "made.npz")
        np.savez(given, **inputs)
        subprocess.run(
            [
                *(TOOLS / "qemu" / "qemu-aarch64-static", "-cpu", "cortex-a76", "-L", root),
                *("-E", f"PYTHONHOME={root}/usr", "-E", f"PYTHONPATH={root}/wheels:{ROOT}"),
                *("-E", "PYTHONDONTWRITEBYTECODE=1", root / "usr" / "bin" / "python3.11"),
                *(Path(__file__).with_name("predict.py"), given, made, model),
            ],
            check=True,
        )
        with np.load(made) as arrays:
            return dict(arrays)


def main() -> int:
    start = time.monotonic()
    model = resolve_weights(None)
    runtime = LiteRTRuntime(model)
    with np.load(model.with_suffix(".golden.npz")) as golden:
        lightness, golden_ab = golden["lightness"], golden["ab"]
    random = np.random.default_rng(0)
    inputs = {"golden": lightness}
    for height, width in runtime.sizes or ():
        coarse = random.uniform(0, 100, (height // 32, width // 32))
        inputs[f"{height}x{width}"] = np.kron(coarse, np.ones((32, 32))).astype(np.float32)
    print(f"{model.name}, on QEMU's Cortex-A76:", flush=True)
    made = emulated(model, inputs)
    references = {name: ("this processor", runtime.predict(x)) for name, x in inputs.items()}
    rows = [("golden", "the golden ab", golden_ab), *((k, *v) for k, v in references.items())]
    failed = False
    for name, what, expected in rows:
        difference = np.abs(made[name] - expected)
        failed |= not difference.mean() < TOLERANCE
        print(
            f"{name} against {what}: mean {difference.mean():.2g}, at most {difference.max():.2g}, "
            f"of ab up to {np.abs(expected).max():.0f}"
        )
    verdict = "FAILED" if failed else "passed"
    print(f"{verdict}: mean difference under {TOLERANCE}; {time.monotonic() - start:.0f} s")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
