"""Scores in cells."""

import math

from keras_colorize.evaluation.metrics import METRICS
from keras_colorize.evaluation.tables import score_table, subfolder_table

ROW = dict.fromkeys((*METRICS, "colorfulness_ratio"), 0.5) | {"psnr": 23.204, "acc_5": 0.5394}


def test_a_line_a_row():
    heading, model, mean = score_table({"model": ROW, "image_mean": ROW | {"ssim": math.nan}})
    assert (model[0], mean[0]) == ("model", "image mean")
    cells = dict(zip(heading, model, strict=True))
    assert (cells["PSNR"], cells["Acc@5"], cells["SSIM"]) == ("23.20", "53.9", "0.500")
    assert dict(zip(heading, mean, strict=True))["SSIM"] == "-"


def test_intervals_are_two_more_lines():
    ends = {name: (value - 0.1, value + 0.1) for name, value in ROW.items()}
    lines = score_table({"model": ROW, "grey": ROW}, {"model": ends})
    assert [line[0] for line in lines] == ["", "model", "  low", "  high", "grey"]
    assert [line[1] for line in lines[1:4]] == ["23.20", "23.10", "23.30"]
    assert [line[4] for line in lines[1:4]] == ["53.9", "43.9", "63.9"]


def test_subfolders_that_gain_least_come_first():
    def of(psnr, images):
        rows = {"model": ROW | {"psnr": psnr}, "grey": ROW | {"psnr": 20.0}}
        return {"images": images, "rows": rows}

    found = {"a": of(21, 4), "b": of(19.5, 5), "c": of(21, 6), "d": of(25, 7)}
    heading, *lines = subfolder_table(found, 3)
    assert heading == ["sub-folder", "images", "PSNR", "over grey", "dE00", "ratio"]
    assert lines == [
        ["b", "5", "19.50", "-0.50", "0.50", "0.50"],
        ["a", "4", "21.00", "1.00", "0.50", "0.50"],
        ["c", "6", "21.00", "1.00", "0.50", "0.50"],
    ]
