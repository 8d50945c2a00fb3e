"""The table: means over seeds, intervals over photographs, and paired differences."""

from pathlib import Path

import numpy as np
import pytest

from keras_colorize.comparison.report import page, summarize, table
from keras_colorize.comparison.training import Trained
from keras_colorize.evaluation.metrics import METRICS
from keras_colorize.evaluation.scoring import Scores

NAMES = tuple(f"{'veri_' * (k % 4 == 0)}{k}.jpg" for k in range(20))


def scores(seed, level=0.0):
    random = np.random.default_rng(seed)
    photographs = np.random.default_rng(99).uniform(1, 2, len(NAMES))
    rows = {
        row: {
            metric: photographs + random.uniform(0, 0.1, len(NAMES)) + level for metric in METRICS
        }
        for row in ("model", "grey", "image_mean")
    }
    values = {**rows, "real": {"colorfulness": 2 * photographs}}
    return Scores({}, len(NAMES), {}, NAMES, values)


def system(name, *found):
    runs = tuple(Path(f"seed-{k}") for k in range(len(found)))
    return Trained(name, 2_000_000, 3_000_000_000, 90.0, 12.3, runs, found)


@pytest.fixture
def trained():
    return [
        system("ours", scores(0), scores(1)),
        system("pix2pix", scores(2, 0.5), scores(3, 0.5)),
    ]


def test_a_figure_is_the_mean_over_photographs_and_seeds(trained):
    found = summarize(trained)
    first, second = (s.values["model"]["psnr"].mean() for s in trained[1].scores)
    figures = found["rows"]["pix2pix"]["metrics"]["psnr"]
    assert figures["mean"] == pytest.approx((first + second) / 2)
    assert figures["seeds"] == pytest.approx([first, second])
    assert figures["low"] < figures["mean"] < figures["high"]
    assert found["images"] == 20


def test_differences_are_of_the_same_photographs(trained):
    """Photographs differ by up to 1, systems by 0.5: only the paired interval is sure."""
    rows = summarize(trained)["rows"]
    over = rows["pix2pix"]["over_first"]["psnr"]
    assert 0.45 < over["low"] < over["mean"] < over["high"] < 0.55
    assert rows["ours"]["metrics"]["psnr"]["high"] > rows["pix2pix"]["metrics"]["psnr"]["low"] - 0.5
    assert set(rows["ours"]["over_first"]["psnr"].values()) == {0.0}


def test_the_ratio_is_of_the_sums(trained):
    ours = np.mean([s.values["model"]["colorfulness"] for s in trained[0].scores], axis=0)
    real = trained[0].scores[0].values["real"]["colorfulness"]
    figures = summarize(trained)["rows"]["ours"]["metrics"]["colorfulness_ratio"]
    assert figures["mean"] == pytest.approx(ours.sum() / real.sum())
    assert figures["low"] <= figures["mean"] <= figures["high"]


def test_photographs_can_be_left_out(trained):
    found = summarize(trained, "veri_*")
    kept = [k for k in range(20) if k % 4]
    grey = trained[0].scores[0].values["grey"]["ciede2000"], trained[0].scores[1].values["grey"]
    expected = np.mean([grey[0][kept], grey[1]["ciede2000"][kept]])
    assert found["images"] == 15
    assert found["rows"]["grey"]["metrics"]["ciede2000"]["mean"] == pytest.approx(expected)


def test_without_any_colour_in_truth_there_is_no_ratio(trained):
    for each in trained:
        for found in each.scores:
            found.values["real"]["colorfulness"][:] = 0
    report = {
        "command": "keras-colorize compare",
        "photographs": 7,
        "budget": 8,
        "recipe": {"size": 64},
        "scores": [summarize(trained)],
        "protocol": "as it is",
    }
    text = page(report)
    assert "nan (nan to nan)" in text
    assert "7 photographs, 8 crops of 64 x 64 for each system. Scored on 20 photographs" in text
    assert text.endswith("Protocol: as it is.")


def test_the_table_has_a_line_a_system(trained):
    lines = table(summarize(trained)).splitlines()
    ours = next(line for line in lines if line.startswith("| ours |"))
    assert ours.endswith("| 2.00 | 3.00 | 1.5 | 12 |")
    psnr = np.mean([s.values["model"]["psnr"].mean() for s in trained[0].scores])
    assert ours.startswith(f"| ours | {psnr:.2f} (")
    assert any(line.startswith("| minus ours |") for line in lines)
    deviation = np.std([s.values["model"]["psnr"].mean() for s in trained[1].scores], ddof=1)
    assert lines[-1].endswith(f"| {deviation:.3f} |")


def test_one_seed_has_no_spread_and_one_system_no_difference():
    text = table(summarize([system("ours", scores(0))]))
    assert "by seed" not in text
    assert "minus" not in text
