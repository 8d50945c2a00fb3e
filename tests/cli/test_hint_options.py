"""Hints on the command line, in files, and beside photographs."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from keras_colorize.cli.main import main
from keras_colorize.imaging.color import rgb_to_lab

RED = "#c02020"


def run(*arguments: object):
    return CliRunner().invoke(main, ["colorize", *map(str, arguments)])


def redness(path: Path) -> float:
    """Mean of a over the middle of a picture."""
    with Image.open(path) as picture:
        lab = rgb_to_lab(np.asarray(picture.convert("RGB")))
    height, width, _ = lab.shape
    return float(lab[height // 3 : height // 2, width // 3 : width // 2, 1].mean())


@pytest.fixture
def old(tmp_path: Path, make_picture) -> Path:
    path = tmp_path / "album" / "old.png"
    path.parent.mkdir()
    make_picture(3, 96, 64).convert("L").save(path)
    return path


def hint_file(path: Path, color: str = RED) -> Path:
    hints = [{"x": 0.4, "y": 0.4, "color": color, "radius": 0.3}]
    path.write_text(json.dumps({"hints": hints}))
    return path


def test_a_hint_a_file_of_hints_and_one_beside_the_photograph_colour_it(old: Path) -> None:
    plain, hinted, by_file = (old.with_name(f"{name}.png") for name in ("plain", "hinted", "file"))
    assert run(old, "-o", plain).exit_code == 0
    assert run(old, "-o", hinted, "--hint", f"0.4,0.4={RED}").exit_code == 0
    hints = hint_file(old.parent / "elsewhere.json")
    assert run(old, "-o", by_file, "--hints", hints).exit_code == 0
    assert redness(hinted) > redness(plain) + 10
    assert redness(by_file) > redness(plain) + 20

    hint_file(old.with_suffix(".hints.json"))
    folder = old.parent.parent / "coloured"
    done = run(old.parent, "-o", folder, "--exclude", "[!o]*")
    assert done.exit_code == 0, done.output
    assert redness(folder / "old-colorized.png") == pytest.approx(redness(by_file), abs=0.01)
    assert "hints.json" not in done.output


def test_keep_and_grey_are_colours_of_hints(old: Path) -> None:
    grey = old.with_name("grey.png")
    assert (
        run(old, "-o", grey, "--hints", hint_file(old.with_name("h.json"), "grey")).exit_code == 0
    )
    assert abs(redness(grey)) < 3
    assert run(old, "-o", old.with_name("kept.png"), "--hint", "0.5,0.5=keep").exit_code == 0


@pytest.mark.parametrize("option", [("--hint", "0.5=red"), ("--hint", "2,0=#000000")])
def test_a_mistake_in_a_hint_is_one_sentence(old: Path, option: tuple[str, str]) -> None:
    done = run(old, *option)
    assert done.exit_code == 2
    assert "of a hint must be" in done.output or "is written as X,Y=COLOR" in done.output
    assert [path.name for path in old.parent.iterdir()] == ["old.png"]


def test_a_mistake_in_a_file_names_the_file_and_the_field(old: Path) -> None:
    beside = hint_file(old.with_suffix(".hints.json"), "red")
    done = run(old)
    assert done.exit_code == 1
    assert f"{beside}: Hint 1: color of a hint must be" in done.output
    done = run(old, "--hints", beside)
    assert done.exit_code == 2
    assert "Hint 1: color" in done.output


def test_hints_are_for_one_picture(old: Path) -> None:
    done = run(old.parent, "--hint", f"0.5,0.5={RED}")
    assert done.exit_code == 2
    assert "--hint and --hints are for one picture." in done.output
