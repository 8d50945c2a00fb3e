"""`keras-colorize train --model`: other methods' networks, trained by the same command."""

import json
import shutil

import pytest
from click.testing import CliRunner

from keras_colorize.cli.main import main
from keras_colorize.imaging.images import read_rgb

RECIPE = "--preset tiny --width 0.125 --epochs 2 --steps-per-epoch 2 --ema 0.9".split()


def keras_colorize(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.mark.parametrize("name", ["zhang2016", "iizuka2016"])
def test_a_network_without_discriminator_trains_and_colours(
    name, photographs, val, train, tmp_path
):
    run = tmp_path / "run"
    result = train(photographs, "--model", name, "--run", run, "--val", val, *RECIPE, "--epochs", 1)
    assert result.exit_code == 0, result.output
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert [line["images"] for line in lines] == [8]
    for line in lines:
        assert line["discriminator_loss"] is None
        assert 0 < line["l1_loss"] < 2
        assert line["generator_loss"] > 0
        assert not [key for key in line if key.startswith("gradient_norm")]
    assert not (run / "discriminator.keras").exists()
    config = json.loads((run / "config.json").read_text())
    assert config["generator"] == {"name": name, "width": 0.125, "size": 64}
    assert config["discriminator"] is None

    picture = next(path for path in sorted(photographs.rglob("*.jpg")))
    out = tmp_path / "coloured.png"
    result = keras_colorize("colorize", picture, "-o", out, "--model", run)
    assert result.exit_code == 0, result.output
    assert read_rgb(out).shape == read_rgb(picture).shape


def test_pix2pix_goes_on_with_the_same_dropout(photographs, val, train, tmp_path):
    run, unbroken = tmp_path / "run", tmp_path / "unbroken"
    arguments = [photographs, "--model", "pix2pix", "--val", val, *RECIPE]
    result = train(*arguments, "--run", unbroken)
    assert result.exit_code == 0, result.output
    shutil.copytree(unbroken, run)
    checkpoints = run / "checkpoints"
    (checkpoints / "epoch-0002.weights.h5").unlink()
    result = train(*arguments, "--run", run)
    assert result.exit_code == 0, result.output
    names = ("metrics.jsonl", "generator.keras", "discriminator.keras")
    assert all((run / name).exists() for name in names)
    before, after = (
        [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
        for folder in (unbroken, run)
    )
    for lines in (before, after):
        for line in lines:
            del line["seconds"]
    assert after == before
    assert before[1]["discriminator_loss"] > 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--width", "0.5"], "--width needs --model."),
        (["--model", "pix2pix", "--rematerialize"], "--rematerialize does not work with --model."),
        (["--model", "zhang2016", "--size", "40"], "must be multiples of 16 for zhang2016"),
        (["--model", "colornet"], "'colornet' is not one of"),
    ],
)
def test_what_does_not_go_together_is_one_sentence(photographs, train, tmp_path, arguments, said):
    result = train(photographs, "--preset", "tiny", *arguments, "--run", tmp_path / "run")
    assert result.exit_code == 2
    assert said in result.stderr
    assert not (tmp_path / "run").exists()
