"""`keras-colorize evaluate`: the table, the JSON, the exit codes."""

import json

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from keras_colorize.cli.evaluate import command
from keras_colorize.cli.main import main
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
        path = tmp_path / f"{name}.png"
        path.parent.mkdir(exist_ok=True)
        small = random.integers(60, 200, (9, 12, 3), np.uint8)
        Image.fromarray(small).resize((340, 256), Image.Resampling.BICUBIC).save(path)
    return tmp_path


@pytest.fixture
def evaluate(monkeypatch):
    monkeypatch.setattr("keras_colorize.inference.colorizer.Colorizer", WarmColorizer)
    monkeypatch.setattr(WarmColorizer, "asked_for", [])
    return lambda *arguments: CliRunner().invoke(main, ["evaluate", *map(str, arguments)])


def test_prints_a_row_for_the_model_and_two_that_no_model_made(evaluate, folder):
    result = evaluate(folder)
    assert result.exit_code == 0
    assert result.stderr == ""
    heading, *rows = result.stdout.splitlines()[:4]
    assert len(heading.split()) == len(METRICS) + 1  # the ratio, too
    assert [row[:10].strip() for row in rows] == ["model", "grey", "image mean"]
    model = score_folder(folder, warm).rows["model"]
    assert rows[0].split()[1] == f"{model['psnr']:.2f}"
    assert rows[0].split()[4] == f"{100 * model['acc_5']:.1f}"
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
    assert "PSNR is capped" in report["protocol"]
    assert WarmColorizer.asked_for == ["runs/x"]


def test_default_is_the_packaged_model(evaluate, folder):
    assert evaluate(folder).exit_code == 0
    assert WarmColorizer.asked_for == [None]


def test_a_ratio_without_colour_to_compare_with(evaluate, tmp_path):
    Image.new("RGB", (300, 256)).save(tmp_path / "black.png")
    table = evaluate(tmp_path)
    assert table.stdout.splitlines()[2].split()[-2] == "-"
    report = json.loads(evaluate(tmp_path, "--json").stdout)
    assert report["rows"]["grey"]["colorfulness_ratio"] is None


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_lists_unreadable_files_and_fails(evaluate, folder, options):
    (folder / "a/broken.jpg").write_bytes(b"no image")
    result = evaluate(folder, *options)
    assert result.exit_code == 1
    assert result.stderr.splitlines()[0] == "1 file could not be read:"
    assert "broken.jpg" in result.stderr.splitlines()[1]
    if options:
        report = json.loads(result.stdout)
        assert report["images"] == 3
        assert list(report["unreadable"]) == ["a/broken.jpg"]
    else:
        assert "3 images" in result.stdout


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


def test_help_ends_in_an_example(evaluate):
    result = evaluate("--help")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1].strip().startswith("keras-colorize evaluate ")
