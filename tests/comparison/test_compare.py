"""`keras-colorize compare`: from nothing to the table and the figure, and on from where it was."""

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from PIL import Image

from keras_colorize.cli.main import main
from keras_colorize.comparison import systems
from keras_colorize.config import PRESETS, GeneratorConfig
from keras_colorize.evaluation.metrics import METRICS
from keras_colorize.evaluation.scoring import score_folder
from keras_colorize.inference.colorizer import Colorizer

ALL = ["ours", "zhang2016", "iizuka2016", "pix2pix"]


def compare(*arguments: Any) -> Result:
    return CliRunner().invoke(main, ["compare", *map(str, arguments)])


@pytest.fixture(scope="module", autouse=True)
def quick(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Makes `tiny` a network that is quick to compile."""
    small = replace(PRESETS["tiny"], generator=GeneratorConfig((2, 2, 2, 2, 2), 2, "unet"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(PRESETS, "tiny", small)
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def val(tmp_path_factory: pytest.TempPathFactory, make_picture: Callable[..., Any]) -> Path:
    folder = tmp_path_factory.mktemp("val")
    for k in range(6):
        make_picture(100 + k, 280, 260).save(folder / f"{'veri_' * (k == 1)}{k}.jpg")
    return folder


@pytest.fixture(scope="module")
def options(photographs: Path, val: Path) -> list[Any]:
    recipe = "--preset tiny --budget 16 --epochs 2 --size 64 --ema 0.9".split()
    return ["--train", photographs, "--val", val, *recipe]


# One with a discriminator and one without; `train --model` is tested with each baseline.
@pytest.fixture(
    scope="module", params=[ALL[:2], pytest.param(ALL, marks=pytest.mark.slow)], ids=len
)
def systems_made(request: pytest.FixtureRequest) -> list[str]:
    return request.param


@pytest.fixture(scope="module")
def made(
    tmp_path_factory: pytest.TempPathFactory, options: list[Any], systems_made: list[str]
) -> tuple[Path, Result]:
    out = tmp_path_factory.mktemp("compare") / "out"
    named = [] if systems_made == ALL else ["--systems", ",".join(systems_made)]
    result = compare(*options, *named, "--without", "veri_*", "--out", out, "--json")
    assert result.exit_code == 0, result.output
    return out, result


def test_each_system_has_its_run_and_its_row(made, systems_made):
    out, result = made
    report = json.loads(result.stdout)
    assert report == json.loads((out / "comparison.json").read_text())
    assert list(report["networks"]) == systems_made
    all_rows, without = report["scores"]
    assert list(all_rows["rows"]) == ["grey", "image_mean", *systems_made]
    assert (all_rows["images"], without["images"]) == (3, 2)
    for name in systems_made:
        lines = (out / name / "seed-0/metrics.jsonl").read_text().splitlines()
        assert [json.loads(line)["images"] for line in lines] == [8, 16]
        row = all_rows["rows"][name]
        assert row["parameters"] > 1000
        assert row["multiply_adds"] > 1e6
        assert row["training_seconds"] > 0
        assert row["milliseconds"] > 0
        for figures in row["metrics"].values():
            assert figures["low"] <= figures["mean"] <= figures["high"]
    assert all_rows["rows"]["ours"]["over_first"]["psnr"] == {"mean": 0, "low": 0, "high": 0}


def test_scores_are_those_of_the_half_that_chose_nothing(made, systems_made, val):
    out, result = made
    name = systems_made[-1]
    rows = json.loads(result.stdout)["scores"][0]["rows"]
    scores = score_folder(val, Colorizer(out / name / "seed-0").predict_ab, part="report")
    for metric in METRICS:
        assert rows[name]["metrics"][metric]["mean"] == pytest.approx(scores.rows["model"][metric])
        assert rows["grey"]["metrics"][metric]["mean"] == pytest.approx(scores.rows["grey"][metric])
    ratio = rows[name]["metrics"]["colorfulness_ratio"]["mean"]
    assert ratio == pytest.approx(scores.rows["model"]["colorfulness_ratio"])


def test_the_recipe_is_the_same_for_all(made, systems_made):
    out, result = made
    recipe = json.loads(result.stdout)["recipe"]
    for name in systems_made:
        assert json.loads((out / name / "seed-0/config.json").read_text())["training"] == recipe
    assert recipe["warm_up_epochs"] == 0
    assert recipe["ema"] == 0.9


def test_table_and_figure_show_every_system(made, systems_made):
    out, _ = made
    text = (out / "table.md").read_text()
    for name in ("grey", "image mean", *systems_made):
        assert f"| {name} |" in text
    assert "Without `veri_*`, 2 photographs:" in text
    columns = 2 + len(systems_made)  # grey and the photographs themselves
    with Image.open(out / "figure.png") as figure:
        assert figure.size == (columns * 256 + (columns - 1) * 4, 24 + 3 * 256 + 2 * 4)


def test_what_is_done_is_not_done_again(made, systems_made, options):
    out, first = made
    changed = {path: path.stat().st_mtime_ns for path in out.rglob("epoch-*.h5")}
    assert len(changed) == 2 * len(systems_made)
    fewer = ["ours", systems_made[-1]]
    result = compare(*options, "--systems", ",".join(fewer), "--out", out, "--json")
    assert {path: path.stat().st_mtime_ns for path in changed} == changed
    again, before = json.loads(result.stdout), json.loads(first.stdout)
    for name in fewer:
        assert (
            again["scores"][0]["rows"][name]["metrics"]
            == before["scores"][0]["rows"][name]["metrics"]
        )


@pytest.mark.slow
def test_an_ablation_trains_each_variant_with_each_seed(options, tmp_path, monkeypatch):
    monkeypatch.setattr(systems, "AGGREGATIONS", ("unet",))  # one is enough
    out = tmp_path / "out"
    result = compare(*options, "--ablate", "aggregation", "--seeds", 2, "--out", out)
    assert result.exit_code == 0, result.output
    assert sorted(os.listdir(out)) == ["comparison.json", "figure.png", "table.md", "unet"]
    assert sorted(os.listdir(out / "unet")) == ["seed-0", "seed-1"]
    config = json.loads((out / "unet/seed-1/config.json").read_text())
    assert config["training"]["seed"] == 1
    assert "PSNR by seed, dB" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--systems", "ours,colornet"], "'ours,colornet' is not a list of ours, zhang2016"),
        (["--systems", ","], "is not a list of"),
        (["--size", "72"], "--size must be a multiple of 32, not 72."),
        (["--budget", "0"], "0 is not in the range"),
        (["--without", "nothing_*"], "--without nothing_* leaves out none of the 3 photographs"),
        (["--without", "*"], "--without * leaves out all of the 3 photographs"),
        (["--ablate", "loss", "--systems", "ours"], "--ablate compares variants of ours"),
        (["--ablate", "loss", "--full-width"], "--ablate compares variants of ours"),
    ],
)
def test_what_cannot_be_is_one_sentence(options, tmp_path, arguments, said):
    result = compare(*options, *arguments, "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert said in result.stderr
    assert not (tmp_path / "out").exists()


def test_a_folder_of_other_things_stays_as_it_is(options, tmp_path):
    (tmp_path / "table.md").write_text("mine")
    result = compare(*options, "--out", tmp_path)
    assert result.exit_code == 2
    assert "holds other things than a comparison" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["table.md"]
    assert (tmp_path / "table.md").read_text() == "mine"


def test_one_photograph_cannot_both_choose_and_report(options, make_picture, tmp_path):
    val = tmp_path / "val"
    val.mkdir()
    make_picture(1, 280, 260).save(val / "1.jpg")
    result = compare(*options, "--val", val, "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert "There is no photograph in" in result.stderr
    assert not (tmp_path / "out").exists()


def test_another_recipe_in_the_same_folder_is_refused(made, options):
    out, _ = made
    result = compare(*options, "--learning-rate", 0.5, "--out", out)
    assert result.exit_code == 1
    assert "different: training.learning_rate" in result.stderr
