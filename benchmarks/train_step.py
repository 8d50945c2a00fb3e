"""How long an adversarial training step takes, and how much memory; see README.md beside this.

Each variant is a process of its own and takes turns with the first one, float32 on TensorFlow or
what `--first` says: on a machine that does other work as well, the ratios hold where seconds do
not. Linux only (`/proc`).
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from train_step_networks import NETWORKS
from turns import Worker, WorkerError

PARTS = 4  # of a batch, under accumulation
SETTINGS: dict[str, dict[str, Any]] = {
    "": {},
    "bfloat16": {"precision": "bfloat16"},
    "float16": {"precision": "float16"},
    "xla": {"xla": True},
    "execution": {"execution": True},
    "accumulation": {"accumulation": PARTS},
    "rematerialize": {"rematerialize": True},
}
OURS = {
    f"{backend}-{name}".rstrip("-"): {"backend": backend, **settings}
    for backend in ("tensorflow", "jax")
    for name, settings in SETTINGS.items()
    if (backend, name) != ("jax", "xla")  # XLA is all that JAX has
}
PYTORCH = ("pytorch", "pytorch-channels_last", "pytorch-compile")
PYTHON_OF_PYTORCH = Path(__file__).parents[1] / ".venv-torch/bin/python"
BATCHES = {"paper": 1, "half": 16, "tiny": 4}


def main() -> None:
    """Lets all variants take their turns and prints what they found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--network", choices=list(NETWORKS), default="half")
    parser.add_argument("--batch", type=int, help="images a step; default: by network")
    parser.add_argument("--size", type=int, default=256, help="side of the crops")
    parser.add_argument("--steps", type=int, default=4, help="steps a measurement")
    parser.add_argument("--rounds", type=int, default=5, help="measurements of each variant")
    parser.add_argument("--patience", type=float, default=300, help="seconds for a measurement")
    parser.add_argument("--first", choices=list(OURS), default="tensorflow", help="of all ratios")
    parser.add_argument("--only", nargs="+", choices=[*OURS, *PYTORCH], help="variants to run")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    options.batch = options.batch or BATCHES[options.network]
    others = options.only or [*OURS, *PYTORCH]
    names = [options.first, *(name for name in others if name != options.first)]
    with tempfile.TemporaryDirectory() as folder:
        found = measure(names, options, Path(folder) / "start.npz")
    report = {
        "network": options.network,
        "batch": options.batch,
        "size": options.size,
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0],
        **summary(found, options.batch),
    }
    print(json.dumps(report, indent=2) if options.json else table(report))


def measure(names: list[str], options: argparse.Namespace, start: Path) -> dict[str, Any]:
    """What each variant, and the first one beside it, took in each round; or why it failed."""
    found: dict[str, Any] = {}
    first = open_worker(options.first, options, start)
    try:
        prepared = first.ask("prepare")
        for name in names:
            print(f"{name} ...", file=sys.stderr)
            worker = first if name == options.first else open_worker(name, options, start)
            try:
                facts = prepared if worker is first else worker.ask("prepare")
                rounds, beside = [], []
                for _ in range(options.rounds):
                    rounds.append(worker.ask("run"))
                    beside.append(rounds[-1] if worker is first else first.ask("run"))
                found[name] = {**facts, "rounds": rounds, "beside": beside, **worker.ask("end")}
            except WorkerError as error:
                found[name] = {"failed": str(error)}
            finally:
                if worker is not first:
                    worker.end()
    finally:
        first.end()
    return found


def open_worker(name: str, options: argparse.Namespace, start: Path) -> Worker:
    """Starts the process of a variant; the first one writes the weights that all start from."""
    task = {
        "network": options.network,
        "batch": options.batch,
        "size": options.size,
        "steps": options.steps,
        "start": str(start),
        "writes_start": name == options.first,
    }
    here = Path(__file__).parent
    environment = {"PYTHONPATH": str(here.parent)}
    if name in PYTORCH:
        task["variant"] = name.partition("-")[2]
        command = [str(PYTHON_OF_PYTORCH), str(here / "train_step_torch.py"), json.dumps(task)]
        if not PYTHON_OF_PYTORCH.exists():
            command = ["sh", "-c", "echo there is no .venv-torch, see benchmarks/README.md >&2"]
    else:
        settings = dict(OURS[name])
        environment["KERAS_BACKEND"] = settings.pop("backend")
        task |= settings
        command = [sys.executable, str(here / "train_step_keras.py"), json.dumps(task)]
    return Worker(command, options.patience, **environment)


def summary(found: dict[str, Any], batch: int) -> dict[str, Any]:
    """Medians of the rounds, for a step of so many images, and the rates of matrix products."""
    whole = {name: one for name, one in found.items() if "failed" not in one}
    peaks: dict[str, float] = {}
    for one in whole.values():
        rate = statistics.median(turn["product_gflops"] for turn in one["rounds"])
        dtype = one["rounds"][0]["product_dtype"]
        peaks[dtype] = max(rate, peaks.get(dtype, 0))
    result: dict[str, dict[str, Any]] = {}
    for name, one in found.items():
        if "failed" in one:
            result[name] = one
            continue
        per_image = {
            measure_: [turn[measure_] / turn["images"] for turn in one["rounds"]]
            for measure_ in ("wall_s", "processor_s")
        }
        wall, processor = (statistics.median(values) for values in per_image.values())
        ratios = [
            mine / (turn["processor_s"] / turn["images"])
            for mine, turn in zip(per_image["processor_s"], one["beside"], strict=True)
        ]
        gflops = next(iter(found.values()))["gflop_per_image"] / wall
        result[name] = {
            "step_s": wall * batch,
            "processor_s": processor * batch,
            "processor_ratio": statistics.median(ratios),
            "images_per_s": 1 / wall,
            "gflops": gflops,
            "share_of_peak": gflops / peaks[one["rounds"][0]["product_dtype"]],
            "memory_gib": one["device_gib"] or one["memory_gib"],
            "temporaries_gib": one.get("temporaries_gib"),
            "parameters": one["parameters"],
            "forward_difference": one.get("forward_difference"),
            "losses": one["losses"],
        }
    return {"product_gflops": peaks, "variants": result}


def table(report: dict[str, Any]) -> str:
    """The figures as rows of Markdown."""
    peaks = ", ".join(f"{rate:.1f} in {name}" for name, rate in report["product_gflops"].items())
    lines = [
        f"`{report['network']}`, batch {report['batch']}, {report['size']} x {report['size']}; "
        f"matrix products reach {peaks} GFLOP/s; {report['cores']} cores, "
        f"load {report['load']:.1f}",
        "",
        "| variant | s a step | processor s | over the first | images/s | GFLOP/s | of the peak "
        "| memory, GiB | XLA's temporaries, GiB |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name, one in report["variants"].items():
        if "failed" in one:
            lines.append(f"| {name} | {one['failed']} | | | | | | | |")
            continue
        extra = one["temporaries_gib"]
        lines.append(
            f"| {name} | {one['step_s']:.3g} | {one['processor_s']:.3g} "
            f"| {one['processor_ratio']:.2f} | {one['images_per_s']:.3g} | {one['gflops']:.3g} "
            f"| {one['share_of_peak']:.0%} | {one['memory_gib']:.2f} "
            f"| {'' if extra is None else f'{extra:.2f}'} |"
        )
    return "\n".join([*lines, "", *same_work(report["variants"])])


def same_work(variants: dict[str, Any]) -> list[str]:
    """Says how far the variants' parameters, outputs and losses are from the first one's."""
    whole = {name: one for name, one in variants.items() if one.get("losses")}
    expected = {
        k: v for k, v in next(iter(whole.values()))["losses"].items() if k.endswith("_loss")
    }
    lines = []
    for name, one in whole.items():
        worst = max(abs(one["losses"][key] / value - 1) for key, value in expected.items())
        forward = one["forward_difference"]
        lines.append(
            f"{name}: {one['parameters']} parameters, losses of the first steps within {worst:.1e}"
            + ("" if forward is None else f", outputs of the same weights within {forward:.1e}")
        )
    return lines


if __name__ == "__main__":
    main()
