"""`keras-colorize benchmark`: measures how fast a network runs here, in each runtime."""

import json
import platform
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

import click

from keras_colorize.evaluation.tables import markdown_table
from keras_colorize.imaging.strips import available_cores
from keras_colorize.inference.weights import (
    DEFAULT_NAME,
    find_saved_model,
    packaged_weights,
    resolve_weights,
)

if TYPE_CHECKING:
    from keras_colorize.inference.benchmarking import Benchmark, LayerTime

_LIBRARIES = ("ai-edge-litert", "onnxruntime", "tensorflow", "keras")


@click.command(
    epilog="\b\nExamples:\n"
    "  keras-colorize benchmark\n"
    "  keras-colorize benchmark --model exported --model runs/mine --threads 1 --threads 4"
)
@click.option(
    "--model",
    "models",
    metavar="W",
    multiple=True,
    default=[DEFAULT_NAME],
    show_default=True,
    help="Network to measure: a packaged name, a run folder, a .keras, .tflite or .onnx file, a "
    "SavedModel, or a folder made by export, of which everything is measured. Can be repeated.",
)
@click.option(
    "--threads",
    type=click.IntRange(1),
    multiple=True,
    help="Number of threads. Can be repeated.  [default: 1, and one for each core]",
)
@click.option(
    "--size",
    type=click.IntRange(1),
    help="Side of the square picture in pixels.  [default: 256, or the nearest size of a network]",
)
@click.option(
    "--repeats",
    type=click.IntRange(1),
    default=30,
    show_default=True,
    help="Number of predictions for each row.",
)
@click.option(
    "--layers",
    is_flag=True,
    help="Also time each layer of the .tflite files, with the first number of threads.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def command(
    models: tuple[str, ...],
    threads: tuple[int, ...],
    size: int | None,
    repeats: int,
    layers: bool,
    as_json: bool,
) -> None:
    """Measure how fast networks run on this machine.

    Each row of the table is a network, a runtime and a number of threads, and runs in a separate
    process. The times are medians. The share compares the speed of the network with that of large
    matrix products, in float32 or in 8-bit integers. Other programs that run at the same time
    distort the figures.
    """
    from tqdm import tqdm

    from keras_colorize.inference.benchmarking import benchmark, layer_times
    from keras_colorize.inference.fitting import short_side
    from keras_colorize.inference.runtime import load_runtime

    counts = threads or tuple(dict.fromkeys((1, available_cores())))
    models = _files(models)
    rows = [(model, count) for model in models for count in counts]
    found = [
        benchmark(model, count, size=size, repeats=repeats)
        for model, count in tqdm(rows, unit="row", disable=None, delay=1)
    ]
    times = [
        (path, layer_times(path, counts[0], short_side(load_runtime(path), size), repeats))
        for path in tqdm(_tflite_files(models) if layers else (), unit="file", disable=None)
    ]
    if as_json:
        report = {
            "machine": _machine(),
            "rows": [asdict(one) | {"rate": one.rate, "share": one.share} for one in found],
            "layers": {str(path): [one.facts() for one in found] for path, found in times},
        }
        click.echo(json.dumps(report, indent=2))
        return
    click.echo(", ".join(f"{name} {value}" for name, value in _machine().items()))
    click.echo(f"\n{_table(found)}")
    for path, its in times:
        click.echo(f"\n{path.name}: each layer alone, threads: {counts[0]}\n")
        click.echo(_layer_table(its))


def _files(models: Sequence[str]) -> tuple[str, ...]:
    """Returns the models, and in the place of a folder of `export` all that is in it."""
    found: list[str] = []
    for model in models:
        folder = Path(model)
        if model in packaged_weights() or not (folder / "report.json").is_file():
            found.append(model)
            continue
        for pattern in ("tflite/*.tflite", "onnx/*.onnx", "saved_model/*/*/saved_model.pb"):
            paths = sorted(folder.glob(pattern))
            found += [str(p.parent if p.suffix == ".pb" else p) for p in paths]
    return tuple(found)


def _tflite_files(models: Sequence[str]) -> list[Path]:
    files = [resolve_weights(model) for model in models if find_saved_model(model) is None]
    return [path for path in files if path.suffix == ".tflite"]


def _machine() -> dict[str, str]:
    found = {
        "processor": _processor(),
        "cores": str(available_cores()),
        "system": platform.platform(),
        "python": platform.python_version(),
    }
    for library in _LIBRARIES:
        with suppress(PackageNotFoundError):
            found[library] = version(library)
    return found


def _processor() -> str:
    """Returns the name of the processor, on Linux with its model."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()


def _table(found: Sequence["Benchmark"]) -> str:
    return _markdown(
        {
            "network": one.name,
            "runtime": one.runtime,
            "threads": str(one.threads),
            "side": str(one.side),
            "ms": f"{one.milliseconds:.1f}",
            "numbers": "int8" if one.flops.is_integer else "float32",
            "GMAC": f"{one.flops.multiply_adds / 1e9:.2f}",
            "Gop/s": f"{one.rate:.1f}",
            "matrix products, Gop/s": f"{one.matrix_rate:.1f}",
            "share": f"{one.share:.0%}",
        }
        for one in found
    )


def _layer_table(times: Sequence["LayerTime"]) -> str:
    whole = sum(one.milliseconds for one in times)
    rows = [
        {
            "layer": one.operator.layer or "-",
            "operator": one.operator.kind,
            "output": " x ".join(map(str, one.operator.output)),
            "ms": f"{one.milliseconds:.3f}",
            "of all": f"{one.milliseconds / whole:.1%}",
            "MMAC": f"{one.operator.multiply_adds / 1e6:.1f}",
            "share of matrix rate": f"{one.share:.0%}" if one.operator.multiply_adds else "-",
        }
        for one in sorted(times, key=lambda one: -one.milliseconds)
    ]
    return _markdown([*rows, dict.fromkeys(rows[0], "") | {"layer": "all", "ms": f"{whole:.3f}"}])


def _markdown(rows: Iterable[dict[str, str]]) -> str:
    rows = list(rows)
    return markdown_table([list(rows[0]), *(list(row.values()) for row in rows)])
