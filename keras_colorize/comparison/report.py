"""The report of a comparison: scores with intervals, tables in Markdown and a figure."""

import math
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from keras_colorize.comparison.training import Trained
from keras_colorize.evaluation.figures import grid
from keras_colorize.evaluation.intervals import mean_interval, ratio_interval
from keras_colorize.evaluation.metrics import METRICS
from keras_colorize.evaluation.protocol import read_truth
from keras_colorize.evaluation.tables import markdown_table
from keras_colorize.imaging.color import lab_to_rgb, rgb_to_lightness
from keras_colorize.inference.colorizer import Colorizer

RATIO = "colorfulness_ratio"
# Heading, metric, factor, number of decimals. The first two are those of the paper.
_COLUMNS = (
    ("PSNR, dB", "psnr", 1, 2),
    ("Acc@2, %", "acc_2", 100, 1),
    ("CIEDE2000", "ciede2000", 1, 2),
    ("color ratio", RATIO, 1, 2),
    ("edge PSNR, dB", "edge_psnr", 1, 2),
)
_WITHOUT_MODEL = ("grey", "image_mean")
_ROWS_SHOWN = 8
_CAPTION_HEIGHT = 24

Figures = dict[str, float]


def summarize(trained: Sequence[Trained], without: str | None = None) -> dict[str, Any]:
    """Summarizes the scores of all systems.

    Args:
        trained: The systems. The others are compared with the first.
        without: A pattern for relative paths of photographs to leave out, such as `*/veri_*`.

    Returns:
        Plain data. `images` is the number of photographs. `rows` has, by the name of the system,
        the mean of each metric with its 95 % interval over photographs (`mean`, `low`, `high`) and
        the mean of each seed (`seeds`). It also has the cost of each system and, in `over_first`,
        the paired differences from the first system with their intervals.
    """
    first = trained[0]
    kept = np.array(
        [not (without and fnmatchcase(name, without)) for name in first.scores[0].names], bool
    )
    real = first.values("real", "colorfulness")[kept]

    def row(values: Mapping[str, NDArray[np.float64]]) -> dict[str, dict[str, Any]]:
        figures: dict[str, dict[str, Any]] = {
            metric: {**_figures(array[kept])} for metric, array in values.items()
        }
        color = values["colorfulness"][kept]
        low, high = ratio_interval(color, real)
        ratio = float(color.sum() / real.sum()) if real.any() else math.nan
        return {**figures, RATIO: {"mean": ratio, "low": low, "high": high}}

    rows: dict[str, Any] = {}
    for name in _WITHOUT_MODEL:
        rows[name] = {"metrics": row({m: first.values(name, m) for m in METRICS})}
    for system in trained:
        values = {metric: system.values("model", metric) for metric in METRICS}
        metrics = row(values)
        for metric in METRICS:
            means = [float(s.values["model"][metric][kept].mean()) for s in system.scores]
            metrics[metric]["seeds"] = means
        rows[system.name] = {
            "parameters": system.parameters,
            "multiply_adds": system.macs,
            "training_seconds": round(system.training_seconds, 1),
            "milliseconds": round(system.milliseconds, 2),
            "runs": [str(run) for run in system.runs],
            "metrics": metrics,
            "over_first": {
                metric: _figures((values[metric] - first.values("model", metric))[kept])
                for metric in METRICS
            },
        }
    return {"images": int(kept.sum()), "without": without, "rows": rows}


def _figures(values: NDArray[np.float64]) -> Figures:
    low, high = mean_interval(values)
    return {"mean": float(values.mean()), "low": low, "high": high}


def page(report: dict[str, Any]) -> str:
    """Formats a whole comparison as Markdown: the command, the tables and the protocol.

    Args:
        report: `command`, `photographs`, `budget`, `recipe`, `protocol` and `scores`, a list of
            summaries. The summaries after the first leave photographs out.

    Returns:
        The page.
    """
    size, (first, *others) = report["recipe"]["size"], report["scores"]
    parts = [
        f"```console\n$ {report['command']}\n```",
        f"Trained on {report['photographs']} photographs, {report['budget']} crops of {size} x "
        f"{size} for each system. Scored on {first['images']} photographs that were not used to "
        "choose an epoch. In brackets: 95 % bootstrap intervals over the photographs. Grey and "
        "image mean need no model.",
        table(first),
    ]
    for summary in others:
        parts += [
            f"Without `{summary['without']}`, {summary['images']} photographs:",
            table(summary),
        ]
    return "\n\n".join([*parts, f"Protocol: {report['protocol']}."])


def table(summary: dict[str, Any]) -> str:
    """Formats a summary as Markdown: scores and costs, then differences from the first system."""
    rows = summary["rows"]
    systems = [name for name in rows if name not in _WITHOUT_MODEL]
    lines = [
        ["system", *(heading for heading, *_ in _COLUMNS)]
        + ["parameters, M", "GMAC", "training, min", "ms a photograph"]
    ]
    for name, row in rows.items():
        cells = [_spread(row["metrics"][metric], f, d) for _, metric, f, d in _COLUMNS]
        costs = ["-"] * 4
        if "parameters" in row:
            costs = [
                f"{row['parameters'] / 1e6:.2f}",
                f"{row['multiply_adds'] / 1e9:.2f}",
                f"{row['training_seconds'] / 60:.1f}",
                f"{row['milliseconds']:.0f}",
            ]
        lines.append([name.replace("_", " "), *cells, *costs])
    text = markdown_table(lines)
    if len(systems) > 1:
        columns = [column for column in _COLUMNS if column[1] != RATIO]
        lines = [[f"minus {systems[0]}", *(heading for heading, *_ in columns)]]
        for name in systems[1:]:
            over = rows[name]["over_first"]
            cells = [_spread(over[metric], f, d, sign="+") for _, metric, f, d in columns]
            lines.append([name.replace("_", " "), *cells])
        text += f"\n\n{markdown_table(lines)}"
    seeds = {name: rows[name]["metrics"]["psnr"]["seeds"] for name in systems}
    if any(len(found) > 1 for found in seeds.values()):
        lines = [["PSNR by seed, dB", "each", "standard deviation"]]
        for name, found in seeds.items():
            each = ", ".join(f"{value:.2f}" for value in found)
            lines.append([name.replace("_", " "), each, f"{np.std(found, ddof=1):.3f}"])
        text += f"\n\n{markdown_table(lines)}"
    return text


def _spread(figures: Figures, factor: float, digits: int, sign: str = "") -> str:
    mean, low, high = (factor * figures[name] for name in ("mean", "low", "high"))
    return f"{mean:{sign}.{digits}f} ({low:{sign}.{digits}f} to {high:{sign}.{digits}f})"


def draw(trained: Sequence[Trained], val: Path) -> NDArray[np.uint8]:
    """Draws some photographs of the report half: grey, real, and the result of each system.

    Args:
        trained: The systems. If there are several seeds, the first is shown.
        val: The folder that they were scored on.

    Returns:
        An RGB image (H, W, 3), with a name above each column.
    """
    names = trained[0].scores[0].names
    shown = names[:: max(1, len(names) // _ROWS_SHOWN)][:_ROWS_SHOWN]
    truths = [read_truth(val / name) for name in shown]
    lightnesses = [rgb_to_lightness(truth) for truth in truths]
    columns = {
        "grey": [lab_to_rgb(x, np.zeros((*x.shape, 2), np.float32)) for x in lightnesses],
        "real": truths,
    }
    for system in trained:
        predict = Colorizer(system.runs[0]).predict_ab
        columns[system.name] = [lab_to_rgb(x, predict(x)) for x in lightnesses]
    picture = grid(list(zip(*columns.values(), strict=True)), truths[0].shape[0])
    caption = np.full((_CAPTION_HEIGHT, picture.shape[1], 3), 255, np.uint8)
    step = picture.shape[1] / len(columns)
    for k, name in enumerate(columns):
        text = name.replace("_", " ")
        cv2.putText(
            caption, text, (round(k * step) + 4, 17), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (0, 0, 0)
        )
    return np.vstack([caption, picture])
