"""Runs in a process of its own: `run.py MODEL.tflite SIGNATURE INPUT.npy OUTPUT.npy`.

Asks LiteRT to compile the whole file for the GPU, with no other processor to fall back on, as
`litert-benchmark --use_gpu --no_cpu --require_full_delegation` does, and runs one signature.
"""

import sys
import time

import numpy as np
from ai_edge_litert.compiled_model import CompiledModel
from ai_edge_litert.hardware_accelerator import HardwareAccelerator


def main(model: str, signature: str, given: str, wanted: str) -> None:
    start = time.perf_counter()
    compiled = CompiledModel.from_file(model, hardware_accel=HardwareAccelerator.GPU)
    assert compiled.is_fully_accelerated()
    shape = compiled.get_output_tensor_details(signature)["ab"]["shape"]
    print(f"compiled in {time.perf_counter() - start:.1f} s", flush=True)
    lightness = compiled.create_input_buffer_by_name(signature, "lightness")
    ab = compiled.create_output_buffer_by_name(signature, "ab")
    lightness.write(np.load(given))
    start = time.perf_counter()
    compiled.run_by_name(signature, {"lightness": lightness}, {"ab": ab})
    made = ab.read(int(np.prod(shape)), np.float32)
    print(f"ran in {time.perf_counter() - start:.1f} s", flush=True)
    np.save(wanted, np.asarray(made).reshape(shape))


if __name__ == "__main__":
    main(*sys.argv[1:])
