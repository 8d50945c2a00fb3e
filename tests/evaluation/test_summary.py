"""Scores as plain data: intervals of each figure, the gain over grey, sub-folders."""

import json
import math

import numpy as np
import pytest

from keras_colorize.evaluation.intervals import mean_interval, ratio_interval
from keras_colorize.evaluation.scoring import ROWS, Scores, mean_rows
from keras_colorize.evaluation.summary import finite, subfolders, summary


@pytest.fixture
def scores():
    """Six images in two sub-folders and beside them, with values out of nothing."""
    random = np.random.default_rng(0)
    values = {
        row: {name: random.uniform(10, 30, 6) for name in ("psnr", "colorfulness")} for row in ROWS
    }
    values["real"] = {"colorfulness": random.uniform(20, 60, 6)}
    names = ("b/1.png", "b/2.png", "a/x/1.png", "3.png", "a/2.png", "a/3.png")
    return Scores(mean_rows(values), 6, {"z.png": "No image."}, names, values)


def test_every_figure_has_its_interval(scores):
    found = summary(scores)
    assert (found["images"], found["unreadable"]) == (6, {"z.png": "No image."})
    assert found["rows"] == scores.rows
    assert found["interval_level"] == 0.95
    assert list(found["intervals"]) == [*ROWS, "over_grey"]
    real = scores.values["real"]["colorfulness"]
    for row in ROWS:
        values, intervals = scores.values[row], found["intervals"][row]
        assert list(intervals) == list(scores.rows[row])
        assert intervals["psnr"] == mean_interval(values["psnr"])
        assert intervals["colorfulness_ratio"] == ratio_interval(values["colorfulness"], real)
        for metric, (low, high) in intervals.items():
            assert low < scores.rows[row][metric] < high


def test_the_gain_over_grey_is_paired(scores):
    found = summary(scores)
    gain = {name: scores.values["model"][name] - scores.values["grey"][name] for name in ("psnr",)}
    assert found["over_grey"]["psnr"] == pytest.approx(gain["psnr"].mean())
    assert found["intervals"]["over_grey"]["psnr"] == mean_interval(gain["psnr"])
    for metric, (low, high) in found["intervals"]["over_grey"].items():
        assert low < found["over_grey"][metric] < high


def test_subfolders_of_the_first_level_share_out_the_images(scores):
    found = subfolders(scores)
    assert {name: of["images"] for name, of in found.items()} == {".": 1, "a": 3, "b": 2}
    assert list(found) == [".", "a", "b"]
    psnr = scores.values["model"]["psnr"]
    assert found["a"]["rows"]["model"]["psnr"] == pytest.approx(psnr[[2, 4, 5]].mean())
    ours, real = (scores.values[row]["colorfulness"][:2].mean() for row in ("grey", "real"))
    assert found["b"]["rows"]["grey"]["colorfulness_ratio"] == pytest.approx(ours / real)
    assert list(found["b"]["rows"]["grey"]) == list(scores.rows["grey"])


@pytest.mark.parametrize("names", [("1.png", "2.png"), ("a/1.png", "a/b/2.png")])
def test_one_folder_has_no_parts(names):
    values = {row: {"psnr": np.ones(2)} for row in ROWS} | {"real": {}}
    assert subfolders(Scores(mean_rows(values), 2, {}, names, values)) == {}


def test_json_can_say_it():
    data = {"a": math.nan, "b": (1.5, -math.inf), "c": {"d": [0, "x", None, True]}}
    assert json.loads(json.dumps(finite(data), allow_nan=False)) == {
        "a": None,
        "b": [1.5, None],
        "c": {"d": [0, "x", None, True]},
    }
