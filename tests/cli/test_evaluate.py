"""`keras-colorize evaluate`: the table, the JSON, the exit codes."""

import json
import os

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from keras_colorize.cli.evaluate import command
from keras_colorize.cli.main import main
from keras_colorize.evaluation.intervals import mean_interval
from keras_colorize.evaluation.scoring import METRICS, PARTS, score_folder


def warm(lightness):
    """A model of one idea: everything is a little orange."""
    return np.broadcast_to(np.float32([8, 14]), (*lightness.shape, 2))


class WarmColorizer:
    asked_for: list = []

    def __init__(self, model=None):
        self.asked_for.append(model)

    def predict_ab(self, lightness):
        return warm(lightness)


@pytest.fixture
def folder(tmp_path):
    random = np.random.default_rng(0)
    for name in ("a/1", "a/2", "3"):
        path = tmp_path / f"photographs/{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        small = random.integers(60, 200, (9, 12, 3), np.uint8)
        Image.fromarray(small).resize((340, 256), Image.Resampling.BICUBIC).save(path)
    return tmp_path / "photographs"


@pytest.fixture
def evaluate(monkeypatch):
    monkeypatch.setattr("keras_colorize.inference.colorizer.Colorizer", WarmColorizer)
    monkeypatch.setattr(WarmColorizer, "asked_for", [])
    return lambda *arguments: CliRunner().invoke(main, ["evaluate", *map(str, arguments)])


def test_prints_a_row_for_the_model_and_two_that_no_model_made(evaluate, folder):
    result = evaluate(folder)
    assert result.exit_code == 0
    assert result.stderr == ""
    heading, *rows = result.stdout.splitlines()[:13]
    assert len(heading.split()) == len(METRICS) + 1  # the ratio, too
    names = ["model", "grey", "image mean", "over grey"]
    assert [row[:10].strip() for row in rows[::3]] == names
    assert {row[:10].strip() for row in rows} == {*names, "low", "high"}
    scores = score_folder(folder, warm)
    model = scores.rows["model"]
    assert rows[0].split()[1] == f"{model['psnr']:.2f}"
    assert rows[0].split()[4] == f"{100 * model['acc_5']:.1f}"
    low, high = mean_interval(scores.values["model"]["psnr"])
    assert [rows[k].split()[1] for k in (1, 2)] == [f"{low:.2f}", f"{high:.2f}"]
    gain = model["psnr"] - scores.rows["grey"]["psnr"]
    assert rows[9].split()[2] == f"{gain:.2f}"
    assert all(len(row) == len(heading) <= 100 for row in rows)
    assert "3 images (all)." in result.stdout
    assert "centre crop 256 x 256" in " ".join(result.stdout.split())


def test_json_is_all_of_standard_output(evaluate, folder):
    result = evaluate(folder, "--json", "--weights", "runs/x", "--part", "select")
    assert result.exit_code == 0
    report = json.loads(result.stdout)
    expected = score_folder(folder, warm, part="select")
    assert report["rows"] == expected.rows
    assert (report["images"], report["part"], report["weights"]) == (2, "select", "runs/x")
    assert report["unreadable"] == {}
    assert report["interval_level"] == 0.95
    values = expected.values["model"]
    assert report["intervals"]["model"]["psnr"] == list(mean_interval(values["psnr"]))
    over_grey = values["psnr"] - expected.values["grey"]["psnr"]
    assert report["over_grey"]["psnr"] == pytest.approx(over_grey.mean())
    assert report["intervals"]["over_grey"]["psnr"] == list(mean_interval(over_grey))
    assert "PSNR is capped" in report["protocol"]
    assert WarmColorizer.asked_for == ["runs/x"]


def test_default_is_the_packaged_model(evaluate, folder):
    assert evaluate(folder).exit_code == 0
    assert WarmColorizer.asked_for == [None]


def test_a_ratio_without_colour_to_compare_with(evaluate, tmp_path):
    Image.new("RGB", (300, 256)).save(tmp_path / "black.png")
    table = evaluate(tmp_path)
    assert table.stdout.splitlines()[4].split()[-2] == "-"
    report = json.loads(evaluate(tmp_path, "--json").stdout)
    assert report["rows"]["grey"]["colorfulness_ratio"] is None
    assert report["intervals"]["model"]["colorfulness_ratio"] == [None, None]


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_lists_unreadable_files_and_fails(evaluate, folder, options):
    (folder / "a/broken.jpg").write_bytes(b"no image")
    result = evaluate(folder, *options)
    assert result.exit_code == 1
    assert result.stderr.splitlines()[0] == "1 file could not be scored:"
    assert "broken.jpg" in result.stderr.splitlines()[1]
    if options:
        report = json.loads(result.stdout)
        assert report["images"] == 3
        assert list(report["unreadable"]) == ["a/broken.jpg"]
    else:
        assert "3 images" in result.stdout


def test_subfolders_stand_in_a_table_of_their_own(evaluate, folder, monkeypatch):
    report = json.loads(evaluate(folder, "--json").stdout)
    assert {name: of["images"] for name, of in report["subfolders"].items()} == {".": 1, "a": 2}
    lines = evaluate(folder).stdout.splitlines()
    start = next(k for k, line in enumerate(lines) if line.startswith("sub-folder"))
    assert sorted(line.split()[0] for line in lines[start + 1 : start + 3]) == [".", "a"]
    monkeypatch.setattr("keras_colorize.cli.evaluate._SUBFOLDERS_SHOWN", 1)
    lines = evaluate(folder).stdout.splitlines()
    assert lines[start + 1].split()[0] in (".", "a") and lines[start + 2] == ""
    assert lines[start + 3].startswith("The table shows the 1 of 2 sub-folders that gain")
    assert "sub-folder" not in evaluate(folder / "a").stdout


def test_a_name_that_is_no_utf_8_is_printed(evaluate, folder):
    strange = os.path.join(os.fsencode(folder), b"\xff")
    os.rename(folder / "a", strange)
    result = evaluate(folder)
    assert result.exit_code == 0
    assert r"\udcff" in result.stdout


def test_output_is_a_folder_of_scores(evaluate, folder, tmp_path):
    output = tmp_path / "scores"
    result = evaluate(folder, "--output", output, "--json")
    assert (result.exit_code, result.stderr) == (0, "")
    report = json.loads((output / "scores.json").read_text())
    assert report == json.loads(result.stdout)
    lines = [json.loads(line) for line in (output / "images.jsonl").read_text().splitlines()]
    assert [line["name"] for line in lines] == ["3.png", "a/1.png", "a/2.png"]
    for row in ("model", "grey", "image_mean"):
        for metric in METRICS:
            mean = np.mean([line[row][metric] for line in lines])
            assert report["rows"][row][metric] == pytest.approx(mean, rel=1e-12)
    for name in ("worst.png", "best.png"):
        with Image.open(output / name) as strip:
            assert strip.size == (3 * 256 + 2 * 4, 3 * 256 + 2 * 4)
    again = evaluate(folder, "--output", output)
    assert again.exit_code == 1
    assert again.stderr == f"Error: {output} is not empty; --overwrite replaces the scores in it.\n"
    assert evaluate(folder, "--output", output, "--overwrite").exit_code == 0


@pytest.fixture
def predictions(folder, tmp_path):
    """The photographs, turned grey, as another program might have left them."""
    for path in folder.rglob("*.png"):
        copy = tmp_path / "predictions" / path.relative_to(folder).with_suffix(".bmp")
        copy.parent.mkdir(parents=True, exist_ok=True)
        with Image.open(path) as image:
            image.convert("L").save(copy)
    return tmp_path / "predictions"


def test_scores_what_another_program_made(evaluate, folder, predictions):
    result = evaluate(folder, "--predictions", predictions, "--json")
    assert (result.exit_code, result.stderr) == (0, "")
    report = json.loads(result.stdout)
    assert report["rows"]["model"] == pytest.approx(report["rows"]["grey"], rel=0.02, abs=0.1)
    assert (report["predictions"], report["weights"]) == (str(predictions), None)
    assert "another program's file" in report["protocol"]
    assert WarmColorizer.asked_for == []
    assert "another program's file" in " ".join(
        evaluate(folder, "--predictions", predictions).stdout.split()
    )


def test_lists_missing_predictions_and_fails(evaluate, folder, predictions):
    (predictions / "a/1.bmp").unlink()
    result = evaluate(folder, "--predictions", predictions)
    assert result.exit_code == 1
    assert "2 images (all)." in result.stdout
    assert result.stderr.splitlines() == [
        "1 file could not be scored:",
        f"  a/1.png has no prediction in {predictions}.",
    ]


def test_refuses_weights_beside_predictions(evaluate, folder, predictions):
    result = evaluate(folder, "--predictions", predictions, "--weights", "mobile")
    assert result.exit_code == 2
    assert "Give either --weights or --predictions, not both." in result.stderr


@pytest.mark.parametrize("option", ["--predictions", "--output"])
@pytest.mark.parametrize("inner", [".", "a"])
def test_refuses_a_folder_among_the_photographs(evaluate, folder, option, inner):
    result = evaluate(folder, option, folder / inner, "--overwrite")
    assert result.exit_code == 2
    assert f"{option} {folder / inner} lies in {folder}" in " ".join(result.stderr.split())
    assert sorted(path.name for path in folder.iterdir()) == ["3.png", "a"]


def test_says_that_a_folder_is_empty(evaluate, tmp_path):
    result = evaluate(tmp_path)
    assert result.exit_code == 1
    assert result.stderr.startswith(f"Error: There is no photograph in {tmp_path} (.jpg, ")
    assert result.stdout == ""


def test_says_that_there_is_no_folder(evaluate, tmp_path):
    result = evaluate(tmp_path / "nowhere")
    assert result.exit_code == 2
    assert "does not exist" in result.stderr


def test_knows_every_part():
    part = next(option for option in command.params if option.name == "part")
    assert tuple(part.type.choices) == PARTS


class LightnessColorizer(WarmColorizer):
    """Colours by lightness, so that what it is shown can be told from its colours."""

    def predict_ab(self, lightness):
        return np.stack([lightness - 50, lightness - 50], -1)


def test_aged_photographs_are_shown_and_their_own_lightness_is_kept(
    evaluate, folder, monkeypatch, tmp_path
):
    monkeypatch.setattr("keras_colorize.inference.colorizer.Colorizer", LightnessColorizer)
    plain, aged, again = (
        json.loads(evaluate(folder, "--json", *options).stdout)
        for options in ([], ["--aged"], ["--aged"])
    )
    assert aged == again
    assert aged["aged"] and not plain["aged"]
    assert aged["protocol"] != plain["protocol"]
    assert aged["rows"]["grey"] == plain["rows"]["grey"]
    assert abs(aged["rows"]["model"]["psnr"] - plain["rows"]["model"]["psnr"]) > 0.05


def test_the_lightness_of_aged_photographs_is_not_scored(evaluate, folder):
    """Colours that do not depend on lightness are scored as if nothing were aged."""
    aged, plain = evaluate(folder, "--json", "--aged"), evaluate(folder, "--json")
    assert json.loads(aged.stdout)["rows"] == json.loads(plain.stdout)["rows"]


def test_made_predictions_cannot_be_aged(evaluate, folder, tmp_path):
    (tmp_path / "other").mkdir()
    result = evaluate(folder, "--predictions", tmp_path / "other", "--aged")
    assert result.exit_code == 2
    assert "--aged needs a network" in result.stderr
