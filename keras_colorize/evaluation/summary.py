"""The result of a scoring as plain data: means, intervals, and the scores of sub-folders."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from keras_colorize.evaluation.intervals import mean_interval, ratio_interval
from keras_colorize.evaluation.scoring import ROWS, Scores, Values, mean_rows

LEVEL = 0.95


def summary(scores: Scores) -> dict[str, Any]:
    """Summarizes the result of `score_folder`.

    Returns:
        "images", "unreadable" and "rows" as in `Scores`; "over_grey", the model's means minus those
        of grey; "intervals", the ends (low, high) of the intervals of the level "interval_level" by
        row and metric, where that of "over_grey" is calculated from the differences on the same
        images; and "subfolders", as returned by `subfolders`.
    """
    model, grey = scores.rows["model"], scores.rows["grey"]
    return {
        "images": scores.images,
        "unreadable": scores.unreadable,
        "rows": scores.rows,
        "over_grey": {metric: model[metric] - grey[metric] for metric in model},
        "interval_level": LEVEL,
        "intervals": _intervals(scores.values),
        "subfolders": subfolders(scores),
    }


def subfolders(scores: Scores) -> dict[str, dict[str, Any]]:
    """Computes the means of each sub-folder of the first level.

    Returns:
        "images" and "rows" as in `Scores`, by the name of the sub-folder. Images that are not in a
        sub-folder have the name ".". The result is empty if there is only one name.
    """
    groups: dict[str, list[int]] = {}
    for index, name in enumerate(scores.names):
        first, slash, _ = name.partition("/")
        groups.setdefault(first if slash else ".", []).append(index)
    if len(groups) < 2:
        return {}
    return {
        name: {"images": len(chosen), "rows": mean_rows(_of(scores.values, chosen))}
        for name, chosen in sorted(groups.items())
    }


def finite(data: Any) -> Any:
    """Replaces NaN and infinity in plain data by None, because JSON does not have them."""
    if isinstance(data, Mapping):
        return {name: finite(value) for name, value in data.items()}
    if isinstance(data, list | tuple):
        return [finite(value) for value in data]
    return None if isinstance(data, float) and not math.isfinite(data) else data


def _intervals(values: Values) -> dict[str, dict[str, tuple[float, float]]]:
    model, grey = values["model"], values["grey"]
    over_grey = {metric: model[metric] - grey[metric] for metric in model}
    found = {}
    for row, numbers in ({name: values[name] for name in ROWS} | {"over_grey": over_grey}).items():
        found[row] = {metric: mean_interval(each, level=LEVEL) for metric, each in numbers.items()}
        if "colorfulness" in numbers:
            found[row]["colorfulness_ratio"] = ratio_interval(
                numbers["colorfulness"], values["real"]["colorfulness"], level=LEVEL
            )
    return found


def _of(values: Values, chosen: list[int]) -> Values:
    return {
        row: {metric: np.take(numbers, chosen) for metric, numbers in found.items()}
        for row, found in values.items()
    }
