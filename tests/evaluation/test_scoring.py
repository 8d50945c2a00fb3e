"""The protocol: what is cropped, what the model sees, what is averaged, what is skipped."""

import math

import numpy as np
import pytest
from PIL import Image
from skimage import color

from keras_colorize.data.folders import FolderError
from keras_colorize.evaluation import scoring
from keras_colorize.evaluation.metrics import FAST_METRICS, METRICS
from keras_colorize.evaluation.rgb_metrics import colorfulness
from keras_colorize.imaging.images import ImageError


def grey(lightness):
    return np.zeros((*lightness.shape, 2), np.float32)


def waves(shift=0, size=(256, 256)):
    """A smooth picture in warm colours, uint8 (H, W, 3)."""
    y, x = np.mgrid[: size[0], : size[1]]
    periods = ((160, 40, 30), (127, 25, -50), (90, -60, 28))
    channels = [mean + 50 * np.sin(x / a + y / b + shift) for mean, a, b in periods]
    return np.stack(channels, -1).astype(np.uint8)


def save(rgb, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(rgb).save(path)
    return path


@pytest.fixture
def folder(tmp_path):
    """Three images in nested folders; by path: a/2.png, a/b/1.png, c.png."""
    save(waves(0), tmp_path / "c.png")
    save(waves(1), tmp_path / "a/2.png")
    save(waves(2), tmp_path / "a/b/1.png")
    return tmp_path


def oracle(folder):
    """Predicts the real ab; relies on the images coming in the order of `list_images`."""
    truths = (scoring.read_truth(path) for path in scoring.list_images(folder))
    return lambda lightness: color.rgb2lab(next(truths))[..., 1:]


class TestListImages:
    def test_is_recursive_and_sorted_by_relative_path(self, folder):
        (folder / "notes.txt").write_text("not an image")
        save(waves(), folder / ".trash/1.png")
        save(waves(), folder / "A.JPG")
        (folder / "folder.png").mkdir()
        names = [path.relative_to(folder).as_posix() for path in scoring.list_images(folder)]
        assert names == ["A.JPG", "a/2.png", "a/b/1.png", "c.png"]

    def test_parts_share_out_all_images(self, folder):
        every = scoring.list_images(folder)
        select, report = (scoring.list_images(folder, part) for part in ("select", "report"))
        assert select == [every[0], every[2]]
        assert report == [every[1]]

    def test_says_that_there_is_nothing(self, tmp_path):
        with pytest.raises(FolderError, match="There is no photograph in"):
            scoring.list_images(tmp_path)
        save(waves(), tmp_path / "one.png")
        with pytest.raises(scoring.ScoringError, match="for the part 'report'"):
            scoring.list_images(tmp_path, "report")
        with pytest.raises(FolderError, match="is not a folder"):
            scoring.list_images(tmp_path / "one.png")
        with pytest.raises(ValueError, match="part is one of all, select, report"):
            scoring.list_images(tmp_path, "half")


class TestReadTruth:
    def test_leaves_a_256_square_alone(self, tmp_path):
        image = waves()
        np.testing.assert_array_equal(scoring.read_truth(save(image, tmp_path / "x.png")), image)

    def test_crops_the_centre(self, tmp_path):
        image = waves(size=(256, 301))
        truth = scoring.read_truth(save(image, tmp_path / "x.png"))
        np.testing.assert_array_equal(truth, image[:, 22:278])

    @pytest.mark.parametrize("size", [(300, 200), (64, 900), (1, 1), (257, 256), (999, 1000)])
    def test_is_always_256_square(self, size, tmp_path):
        assert scoring.read_truth(save(waves(size=size), tmp_path / "x.png")).shape == (256, 256, 3)

    @pytest.mark.parametrize("size", [(1, 101), (1500, 1), (2, 201)])
    def test_refuses_what_resizing_would_blow_up(self, size, tmp_path):
        path = save(waves(size=size), tmp_path / "strip.png")
        with pytest.raises(ImageError) as caught:
            scoring.read_truth(path)
        assert str(caught.value) == (
            f"{path} is too thin to be scored, {size[1]} x {size[0]} pixels."
        )

    def test_takes_pictures_up_to_that(self, tmp_path):
        path = save(waves(size=(300, 3)), tmp_path / "strip.png")
        assert scoring.read_truth(path).shape == (256, 256, 3)

    def test_is_anti_aliased(self, tmp_path):
        fine = np.indices((1024, 1024)).sum(axis=0) % 2 * 255
        image = np.repeat(fine[..., None], 3, axis=-1).astype(np.uint8)
        truth = scoring.read_truth(save(image, tmp_path / "x.png")).astype(int)
        assert np.abs(truth - 127.5).max() < 3

    def test_takes_the_short_side_to_256(self, tmp_path):
        # A red square of half the short side in the middle of a wide picture stays one of 128.
        image = np.zeros((512, 700, 3), np.uint8)
        image[128:384, 222:478, 0] = 255
        truth = scoring.read_truth(save(image, tmp_path / "x.png"))
        rows, columns = np.nonzero(truth[..., 0] > 127)
        assert [rows.min(), rows.max(), columns.min(), columns.max()] == [64, 191, 64, 191]


class TestScoreFolder:
    def test_of_the_real_colour_is_perfect(self, folder):
        scores = scoring.score_folder(folder, oracle(folder))
        model = scores.rows["model"]
        assert scores.images == 3
        assert scores.unreadable == {}
        # A value that lies on a rounding border of 8 bit may come back one off.
        assert model["psnr"] > 59
        assert model["ssim"] == pytest.approx(1, abs=1e-3)
        assert model["ciede2000"] == pytest.approx(0, abs=1e-2)
        assert [model[name] for name in ("acc_1", "acc_2", "acc_5", "acc_rgb", "auc")] == (
            pytest.approx([1] * 5, abs=1e-3)
        )
        assert model["colorfulness_ratio"] == pytest.approx(1, abs=1e-3)
        assert model["edge_psnr"] > 59

    def test_every_metric_is_worse_without_colour(self, folder):
        rows = scoring.score_folder(folder, oracle(folder)).rows
        for name in (*METRICS, "colorfulness_ratio"):
            better, worse = rows["model"][name], rows["grey"][name]
            assert (better < worse) if name == "ciede2000" else (better > worse), name

    def test_equals_the_metrics_of_a_plain_implementation(self, folder):
        def orange(lightness):
            return grey(lightness) + np.float32([12, 20])

        values = {"psnr": [], "ciede2000": [], "colorfulness": []}
        for path in folder.rglob("*.png"):
            real = np.asarray(Image.open(path))
            lab = color.rgb2lab(real)
            lab[..., 1:] = 12, 20
            ours = np.rint(np.clip(color.lab2rgb(lab), 0, 1) * 255).astype(np.uint8)
            error = (real.astype(float) - ours) ** 2
            values["psnr"].append(10 * np.log10(255**2 / error.mean()))
            delta = color.deltaE_ciede2000(color.rgb2lab(real), color.rgb2lab(ours))
            values["ciede2000"].append(delta.mean())
            values["colorfulness"].append(colorfulness(ours))
        model = scoring.score_folder(folder, orange).rows["model"]
        for name, expected in values.items():
            assert model[name] == pytest.approx(np.mean(expected), abs=2e-3), name

    def test_grey_row_is_the_model_that_predicts_none(self, folder):
        rows = scoring.score_folder(folder, grey).rows
        assert rows["model"] == rows["grey"]
        assert rows["image_mean"]["psnr"] > rows["grey"]["psnr"]

    def test_image_mean_row_is_perfect_on_one_colour(self, tmp_path):
        save(np.full((256, 256, 3), (150, 90, 60), np.uint8), tmp_path / "brown.png")
        save(np.full((256, 256, 3), (60, 90, 150), np.uint8), tmp_path / "blue.png")
        rows = scoring.score_folder(tmp_path, grey, metrics=("psnr", "ciede2000")).rows
        assert rows["image_mean"] == {"psnr": 60, "ciede2000": 0}

    def test_ratio_is_that_of_the_means(self, tmp_path):
        for name, rgb in (("1", (200, 40, 40)), ("2", (120, 120, 110))):
            save(np.full((256, 256, 3), rgb, np.uint8), tmp_path / f"{name}.png")
        real = [colorfulness(scoring.read_truth(tmp_path / f"{n}.png")) for n in "12"]
        first_only = oracle(tmp_path)

        def predict(lightness):
            ab = first_only(lightness)
            return ab if np.abs(ab).max() > 30 else ab * 0

        row = scoring.score_folder(tmp_path, predict, metrics=FAST_METRICS).rows["model"]
        grey_left = colorfulness(np.full((1, 1, 3), 120, np.uint8))
        assert row["colorfulness"] == pytest.approx((real[0] + grey_left) / 2, abs=0.2)
        assert row["colorfulness_ratio"] == pytest.approx(real[0] / sum(real), abs=0.01)

    def test_ratio_of_grey_photographs_is_not_a_number(self, tmp_path):
        save(np.full((256, 256, 3), 0, np.uint8), tmp_path / "black.png")
        rows = scoring.score_folder(tmp_path, grey, metrics=["colorfulness"]).rows
        assert math.isnan(rows["model"]["colorfulness_ratio"])

    def test_shows_the_model_the_lightness_of_the_crop(self, tmp_path):
        image = waves(size=(256, 300))
        save(image, tmp_path / "x.png")
        seen = []

        def predict(lightness):
            seen.append(lightness.copy())
            lightness[:] = 0  # what a model does with its input must not touch the score
            return grey(lightness)

        rows = scoring.score_folder(tmp_path, predict, metrics=["psnr"]).rows
        assert seen[0].dtype == np.float32
        expected = color.rgb2lab(image[:, 22:278])[..., 0]
        np.testing.assert_allclose(seen[0], expected, atol=0.01)
        assert rows == scoring.score_folder(tmp_path, grey, metrics=["psnr"]).rows

    def test_computes_what_is_asked_for_in_that_order(self, folder):
        rows = scoring.score_folder(folder, grey, metrics=("ssim", "psnr")).rows
        assert list(rows) == ["model", "grey", "image_mean"]
        assert [list(row) for row in rows.values()] == [["ssim", "psnr"]] * 3
        fast = scoring.score_folder(folder, grey, metrics=FAST_METRICS).rows["grey"]
        assert list(fast) == ["psnr", "colorfulness", "colorfulness_ratio"]
        with pytest.raises(ValueError, match="No such metric: lpips"):
            scoring.score_folder(folder, grey, metrics=["psnr", "lpips"])

    def test_parts_average_to_the_whole(self, folder):
        psnr = {
            part: scoring.score_folder(folder, grey, metrics=["psnr"], part=part)
            for part in scoring.PARTS
        }
        assert [psnr[part].images for part in scoring.PARTS] == [3, 2, 1]
        all_, select, report = (psnr[part].rows["grey"]["psnr"] for part in scoring.PARTS)
        assert all_ == pytest.approx((2 * select + report) / 3)

    def test_names_and_skips_what_it_cannot_read(self, folder):
        expected = scoring.score_folder(folder, grey, metrics=["psnr"]).rows
        (folder / "a/broken.jpg").write_bytes(b"no image")
        (folder / "gone.png").symlink_to(folder / "nowhere")
        scores = scoring.score_folder(folder, grey, metrics=["psnr"])
        assert scores.rows == expected
        assert scores.images == 3
        assert list(scores.unreadable) == ["a/broken.jpg", "gone.png"]
        assert "broken.jpg" in scores.unreadable["a/broken.jpg"]

    def test_refuses_a_folder_of_which_nothing_can_be_read(self, tmp_path):
        (tmp_path / "broken.jpg").write_bytes(b"no image")
        with pytest.raises(scoring.ScoringError, match=r"can be read; the first: .*broken\.jpg"):
            scoring.score_folder(tmp_path, grey)

    @pytest.mark.parametrize(
        ("predict", "reason"),
        [
            (lambda lightness: grey(lightness)[::2, ::2], r"has shape \(128, 128, 2\), not"),
            (lambda lightness: grey(lightness) + np.nan, "not finite"),
        ],
    )
    def test_refuses_what_is_no_prediction(self, folder, predict, reason):
        with pytest.raises(scoring.ScoringError, match=reason):
            scoring.score_folder(folder, predict)

    def test_is_quiet_unless_asked_and_on_a_terminal(self, folder, capfd):
        scoring.score_folder(folder, grey, metrics=["psnr"])
        scoring.score_folder(folder, grey, metrics=["psnr"], progress=True)
        assert capfd.readouterr() == ("", "")
