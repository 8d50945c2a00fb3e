"""How long `keras-colorize colorize` takes, and what takes the time; see README.md beside this.

Everything is compared with something that runs in the same minutes, alternating: on a machine that
does other work as well, the ratios hold where seconds do not. Linux only (`wait4`, `/proc`).
"""

import argparse
import io
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from keras_colorize.imaging.color import lab_to_rgb
from keras_colorize.imaging.decoding import decode
from keras_colorize.imaging.images import DEFAULT_MAX_PIXELS, read_photograph, write_image
from keras_colorize.imaging.strips import available_cores
from keras_colorize.imaging.upsampling import guided_upsample, render
from keras_colorize.inference.colorizer import Colorizer
from keras_colorize.inference.fitting import predict_fitted

PARTS = ("start", "large", "shares", "folder")
ONE_MEGAPIXEL, TWELVE_MEGAPIXELS = (864, 1152), (3000, 4000)
PROGRAM = Path(sys.executable).with_name("keras-colorize")
IMPORT_TENSORFLOW = (sys.executable, "-c", "import tensorflow")
IMPORT_PILLOW = (sys.executable, "-c", "from PIL import Image")


def main() -> None:
    """Runs the parts asked for and prints what they found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, help="parts to run")
    parser.add_argument("--runs", type=int, default=5, help="repetitions of each measurement")
    parser.add_argument("--pictures", type=int, default=200, help="pictures in the folder")
    parser.add_argument("--jobs", type=int, help="--jobs of the folder run")
    parser.add_argument("--model", help="--model of all runs")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    report: dict[str, Any] = {"cores": available_cores(), "load": os.getloadavg()[0]}
    with tempfile.TemporaryDirectory() as folder:
        for part in options.only:
            report[part] = globals()[f"measure_{part}"](Path(folder), options)
            if not options.json:
                print_part(part, report[part])
    if options.json:
        print(json.dumps(report, indent=2))


def measure_start(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """A whole process on a JPEG of 1 MP, against the import of TensorFlow alone."""
    write_photograph(folder / "one.jpg", ONE_MEGAPIXEL)
    ours, theirs = [], []
    for _ in range(options.runs + 1):  # the first one fills the file cache
        ours.append(run(colorize_command(options, folder / "one.jpg", folder / "new.jpg")))
        theirs.append(run(IMPORT_TENSORFLOW))
    wall, cpu = (
        (median(ours[1:], measure), median(theirs[1:], measure)) for measure in ("wall", "cpu")
    )
    return {
        "colorize_wall_s": wall[0],
        "tensorflow_wall_s": wall[1],
        "wall_ratio": wall[0] / wall[1],
        "colorize_cpu_s": cpu[0],
        "tensorflow_cpu_s": cpu[1],
        "cpu_ratio": cpu[0] / cpu[1],
    }


def measure_large(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """A whole process on a JPEG of 12 MP, against one that only decodes and encodes."""
    source, result = folder / "twelve.jpg", folder / "twelve-new.jpg"
    write_photograph(source, TWELVE_MEGAPIXELS)
    runs, alone, starts = [], [], []
    for _ in range(options.runs):
        runs.append(run(colorize_command(options, source, result)))
        alone.append(decode_and_encode(source, result))
        starts.append(run(IMPORT_PILLOW))
    wall, floor, start = (median(some, "wall") for some in (runs, alone, starts))
    return {
        "colorize_wall_s": wall,
        "decode_encode_wall_s": floor,
        "python_with_pillow_wall_s": start,
        "wall_ratio_of_processes": wall / (start + floor),
        "cpu_ratio_of_processes": median(runs, "cpu")
        / (median(starts, "cpu") + median(alone, "cpu")),
        "peak_memory_mb": max(one["peak_mb"] for one in runs),
    }


def measure_shares(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Milliseconds of each stage, in one process that has warmed up."""
    colorizer = Colorizer(options.model)
    report = {}
    for name, size in ("1 MP", ONE_MEGAPIXEL), ("12 MP", TWELVE_MEGAPIXELS):
        path = folder / "shares.jpg"
        write_photograph(path, size)
        photograph = read_photograph(path)
        lightness = photograph.lightness
        low = predict_fitted(lightness, colorizer.runtime, colorizer.size)
        ab, rgb = guided_upsample(low, lightness), render(lightness, low)
        stages: dict[str, Callable[[], object]] = {
            "decode": lambda path=path: decode(path, DEFAULT_MAX_PIXELS),
            "decode, lightness": lambda path=path: read_photograph(path),
            "network": lambda x=lightness: predict_fitted(x, colorizer.runtime, colorizer.size),
            "upsampling": lambda low=low, x=lightness: guided_upsample(low, x),
            "colour": lambda ab=ab, x=lightness: lab_to_rgb(x, ab),
            "encode": lambda rgb=rgb: write_image(rgb, io.BytesIO(), format="JPEG"),
        }
        times: dict[str, list[float]] = {stage: [] for stage in stages}
        for _ in range(options.runs):
            for stage, work in stages.items():
                started = time.perf_counter()
                work()
                times[stage].append((time.perf_counter() - started) * 1e3)
        medians = {stage: statistics.median(values) for stage, values in times.items()}
        medians["lightness"] = max(0, medians.pop("decode, lightness") - medians["decode"])
        total = sum(medians.values())
        report[name] = {
            stage: {"ms": value, "share": value / total} for stage, value in medians.items()
        }
    return report


def measure_folder(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """A folder of 1 MP pictures: speed, use of the cores, memory over time."""
    originals, results = folder / "originals", folder / "results"
    originals.mkdir()
    distinct = min(20, options.pictures)
    for index in range(options.pictures):
        path = originals / f"{index:04}.jpg"
        if index < distinct:
            write_photograph(path, ONE_MEGAPIXEL, seed=index)
        else:
            shutil.copy(originals / f"{index % distinct:04}.jpg", path)
    command = colorize_command(options, originals, results)
    if options.jobs:
        command += ("--jobs", str(options.jobs))
    finished = run(command)
    shutil.rmtree(originals)
    quarters = [statistics.median(part) for part in np.array_split(finished["memory_mb"], 4)]
    return {
        "pictures": options.pictures,
        "pictures_per_s": options.pictures / finished["wall"],
        "cpu_s_per_picture": finished["cpu"] / options.pictures,
        "cores_busy": finished["cpu"] / finished["wall"],
        "memory_mb_by_quarter": quarters,
        "peak_memory_mb": finished["peak_mb"],
    }


def write_photograph(path: Path, size: tuple[int, int], seed: int = 0) -> None:
    """Writes a grey JPEG of (height, width) with the spectrum of photographs, 1 / f, and grain."""
    height, width = size
    random = np.random.default_rng(seed)
    y, x = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)
    distance = np.hypot(y, x)
    distance[0, 0] = 1
    phase = np.exp(2j * np.pi * random.random(distance.shape)) / distance**1.2
    phase[0, 0] = 0
    picture = np.fft.irfft2(phase, s=size)
    picture += np.where(np.sin(picture / picture.std() * 3) > 0, 0.7, -0.7) * picture.std()  # edges
    gray = 128 + 45 * picture / picture.std() + random.normal(0, 2.5, size)
    Image.fromarray(np.clip(gray, 0, 255).astype(np.uint8)).save(path, quality=92)


def colorize_command(options: argparse.Namespace, source: Path, out: Path) -> tuple[str, ...]:
    """Returns the command that colours `source` to `out`."""
    model = ("--model", options.model) if options.model else ()
    return (str(PROGRAM), "colorize", str(source), "-o", str(out), "--overwrite", *model)


def decode_and_encode(source: Path, result: Path) -> dict[str, float]:
    """Times Pillow's decoding of `source` and encoding of `result`, as they are written here."""
    coloured = np.asarray(Image.open(result))
    wall, cpu = time.perf_counter(), time.process_time()
    np.asarray(Image.open(source))
    Image.fromarray(coloured).save(io.BytesIO(), "JPEG", quality=95, subsampling="4:4:4")
    return {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}


def run(command: Sequence[str]) -> dict[str, Any]:
    """Runs a process and returns its wall and CPU seconds, its peak memory, its memory in time.

    The peak is VmHWM as the process last showed it: its ru_maxrss would begin with ours.
    """
    memory, peak = [], 0.0
    started = time.perf_counter()
    with open(os.devnull, "w") as nowhere:
        process = subprocess.Popen(command, stdout=nowhere, stderr=nowhere)
    while True:
        ended, status, usage = os.wait4(process.pid, os.WNOHANG)
        if ended:
            break
        state = Path(f"/proc/{process.pid}/status").read_text()
        if "VmHWM" in state:  # a process that is ending has no memory
            kilobytes = dict(line.split()[:2] for line in state.splitlines() if "kB" in line)
            memory.append(int(kilobytes["VmRSS:"]) / 1e3)
            peak = int(kilobytes["VmHWM:"]) / 1e3
        time.sleep(0.02)
    wall = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}.")
    return {
        "wall": wall,
        "cpu": usage.ru_utime + usage.ru_stime,
        "peak_mb": peak,
        "memory_mb": memory,
    }


def median(runs: Sequence[dict[str, Any]], measure: str) -> float:
    """Returns the median of one measure of some runs."""
    return statistics.median(one[measure] for one in runs)


def print_part(part: str, found: dict[str, Any]) -> None:
    """Prints the findings of a part for people."""
    print(measure_title(part))
    for name, value in found.items():
        if isinstance(value, dict):
            stages = (f"{k} {v['ms']:.0f} ms ({v['share']:.0%})" for k, v in value.items())
            print(f"  {name}: {', '.join(stages)}")
        elif isinstance(value, list):
            print(f"  {name}: {', '.join(f'{one:.0f}' for one in value)}")
        else:
            print(f"  {name}: {value:.3g}")
    print()


def measure_title(part: str) -> str:
    """Returns the first line of the docstring of a part."""
    return str(globals()[f"measure_{part}"].__doc__).splitlines()[0]


if __name__ == "__main__":
    main()
