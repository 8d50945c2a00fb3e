"""Figures: pictures in rows, and curves."""

import matplotlib.axes
import numpy as np
import pytest
from PIL import Image

from keras_colorize.evaluation.figures import draw_curves, grid, grid_columns


def plain(height, width, shade):
    return np.full((height, width, 3), shade, np.uint8)


def test_pictures_stand_in_rows_with_white_between():
    red, green, blue = np.eye(3, dtype=np.uint8) * 200
    picture = grid([[plain(10, 20, red), plain(10, 30, green)], [plain(10, 10, blue)]], 10)
    assert picture.dtype == np.uint8
    assert picture.shape == (10 + 4 + 10, 20 + 4 + 30, 3)
    assert (picture[:10, :20] == red).all()
    assert (picture[:10, 20:24] == 255).all()
    assert (picture[:10, 24:] == green).all()
    assert (picture[10:14] == 255).all()
    assert (picture[14:, :10] == blue).all()
    assert (picture[14:, 10:] == 255).all()


def test_columns_of_a_grid_come_apart_again():
    columns = [plain(30, 20, shade) for shade in (10, 20, 30)]
    apart = grid_columns(grid([columns], 30), 3)
    assert [(part.shape, part.min(), part.max()) for part in apart] == [
        ((30, 20, 3), shade, shade) for shade in (10, 20, 30)
    ]


@pytest.mark.parametrize(("size", "width"), [((40, 60), 30), ((10, 5), 10), ((300, 1), 1)])
def test_pictures_are_resized_to_the_height(size, width):
    picture = grid([[plain(*size, 90)]], 20)
    assert picture.shape == (20, width, 3)
    assert (picture == 90).all()


def test_shrinking_averages():
    stripes = np.tile(plain(1, 1, 0), (40, 40, 1))
    stripes[::2] = 200
    assert np.abs(grid([[stripes]], 20).astype(int) - 100).max() <= 1


@pytest.fixture
def plotted(monkeypatch):
    """Curves by label, as they are drawn."""
    seen = {}
    plot = matplotlib.axes.Axes.plot

    def spy(self, x, y, *arguments, **options):
        seen[options["label"]] = (list(x), list(y))
        return plot(self, x, y, *arguments, **options)

    monkeypatch.setattr(matplotlib.axes.Axes, "plot", spy)
    return seen


def test_curves_of_a_warm_up_and_an_adversarial_epoch(plotted, tmp_path):
    records = [
        {"epoch": 1, "generator_loss": 9.0, "l1_loss": 0.09, "discriminator_loss": None},
        {"epoch": 2, "generator_loss": 8.0, "l1_loss": 0.07, "discriminator_loss": 1.3},
    ]
    draw_curves(records, tmp_path / "curves.png")
    assert plotted["generator_loss"] == ([1, 2], [9.0, 8.0])
    assert plotted["l1_loss"] == ([1, 2], [0.09, 0.07])
    epochs, values = plotted["discriminator_loss"]
    assert epochs == [1, 2] and np.isnan(values[0]) and values[1] == 1.3
    assert "adversarial_loss" not in plotted
    with Image.open(tmp_path / "curves.png") as three:
        assert three.format == "PNG" and three.size == (1500, 400)


def test_gradient_norms_share_a_logarithmic_panel_and_more_than_three_panels_wrap(
    plotted, tmp_path, monkeypatch
):
    scales = []
    usual = matplotlib.axes.Axes.set

    def spy(self, **options):
        scales.append((options["title"], options["yscale"]))
        return usual(self, **options)

    monkeypatch.setattr(matplotlib.axes.Axes, "set", spy)
    norms = {f"gradient_norm_{scale}": 10.0**-scale for scale in range(5)}
    record = {"generator_loss": 9.0, "l1_loss": 0.09, "val_psnr_gain": 1.0, **norms}
    draw_curves([{"epoch": k, **record} for k in (1, 2)], tmp_path / "curves.png")
    assert {name for name in plotted if "norm" in name} == set(norms)
    assert plotted["gradient_norm_3"] == ([1, 2], [1e-3, 1e-3])
    assert [scale for _, scale in scales] == ["linear", "linear", "log", "linear"]
    assert "gradient norm" in scales[2][0]
    with Image.open(tmp_path / "curves.png") as four:
        assert four.size == (1500, 800)


def test_curves_of_validation_get_panels_and_replace_the_file(plotted, tmp_path):
    path = tmp_path / "curves.png"
    path.write_bytes(b"an older one")
    record = {"epoch": 1, "l1_loss": 0.1, "val_psnr_gain": 0.4, "val_colorfulness_ratio": 0.3}
    draw_curves([record], path)
    with Image.open(path) as three:
        assert three.size == (1500, 400)
    assert set(plotted) == {"l1_loss", "val_psnr_gain", "val_colorfulness_ratio"}
    assert [file.name for file in tmp_path.iterdir()] == ["curves.png"]
