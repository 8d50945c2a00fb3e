"""TIFFs of several pages: one of them, or all, each to a file of its own."""

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def scans(folder):
    """A TIFF of three pages of different sizes, and one of a single page."""
    y, x = np.mgrid[:60, :80]
    grey = (120 + 60 * np.sin(x / 9) * np.cos(y / 7)).astype(np.uint8)
    pages = [Image.fromarray(grey[:height]) for height in (60, 50, 40)]
    (folder / "scans").mkdir()
    pages[0].save(folder / "scans/roll.tif", save_all=True, append_images=pages[1:])
    pages[2].save(folder / "scans/one.tif")
    return folder / "scans"


def height(path):
    with Image.open(path) as image:
        return image.height


def heights(folder):
    return {path.name: height(path) for path in folder.iterdir()}


def test_without_the_option_it_is_refused(scans, colorize):
    result = colorize("scans/roll.tif")
    assert result.exit_code == 1
    assert result.stderr == (
        "Error: scans/roll.tif has 3 pages; --page 1 colours the first, --page all each.\n"
    )


def test_all_pages(scans, colorize, folder):
    result = colorize("scans", "-o", "out", "--page", "all")
    assert result.exit_code == 0, result.output
    assert heights(folder / "out") == {
        "one-colorized.tif": 40,
        "roll-p1-colorized.tif": 60,
        "roll-p2-colorized.tif": 50,
        "roll-p3-colorized.tif": 40,
    }
    assert "Coloured 0 of 4 pictures, 4 had their result" in (
        colorize("scans", "-o", "out", "--page", "all").stderr
    )


def test_one_page(scans, colorize, folder):
    result = colorize("scans/roll.tif", "--page", 2)
    assert (result.exit_code, result.stdout) == (0, "scans/roll-p2-colorized.tif\n")
    assert height(scans / "roll-p2-colorized.tif") == 50
    assert colorize("scans/roll.tif", "-o", "third.png", "--page", 3).exit_code == 0
    assert height("third.png") == 40
    data = (scans / "roll.tif").read_bytes()
    assert colorize("-", "-o", "piped.png", "--page", 2, input=data).exit_code == 0
    assert height("piped.png") == 50


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["scans/roll.tif", "--page", "4"], 1, "roll.tif has 3 pages, and no page 4."),
        (["scans/roll.tif", "--page", "0"], 2, "0 is not in the range x>=1"),
        (["scans/roll.tif", "--page", "some"], 2, "'some' is not a valid integer range"),
        (["scans/roll.tif", "--page", "all", "-o", "a.png"], 2, "has 3 pages: name a folder"),
        (["-", "--page", "all"], 2, "--page all does not work with standard"),
    ],
)
def test_misuse_is_one_sentence(scans, colorize, snapshot, folder, arguments, code, sentence):
    before = snapshot(folder)
    result = colorize(*arguments, input=b"")
    assert (result.exit_code, sentence in result.stderr) == (code, True), result.stderr
    assert snapshot(folder) == before
