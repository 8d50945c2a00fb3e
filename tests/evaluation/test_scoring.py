"""The protocol: what is cropped, what the model sees, what is averaged, what is skipped."""

import math
import weakref

import numpy as np
import pytest
from PIL import Image
from skimage import color

from keras_colorize.evaluation import scoring
from keras_colorize.evaluation.metrics import FAST_METRICS, METRICS
from keras_colorize.evaluation.rgb_metrics import colorfulness, psnr
from keras_colorize.imaging.images import ImageError


def grey(lightness):
    return np.zeros((*lightness.shape, 2), np.float32)


def oracle(folder):
    """Predicts the real ab; relies on the images coming in the order of `list_images`."""
    truths = (scoring.read_truth(path) for path in scoring.list_images(folder))
    return lambda lightness: color.rgb2lab(next(truths))[..., 1:]


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

    def test_image_mean_row_is_perfect_on_one_colour(self, tmp_path, save):
        save(np.full((256, 256, 3), (150, 90, 60), np.uint8), tmp_path / "brown.png")
        save(np.full((256, 256, 3), (60, 90, 150), np.uint8), tmp_path / "blue.png")
        rows = scoring.score_folder(tmp_path, grey, metrics=("psnr", "ciede2000")).rows
        assert rows["image_mean"] == {"psnr": 60, "ciede2000": 0}

    def test_ratio_is_that_of_the_means(self, tmp_path, save):
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

    def test_ratio_of_grey_photographs_is_not_a_number(self, tmp_path, save):
        save(np.full((256, 256, 3), 0, np.uint8), tmp_path / "black.png")
        rows = scoring.score_folder(tmp_path, grey, metrics=["colorfulness"]).rows
        assert math.isnan(rows["model"]["colorfulness_ratio"])

    def test_shows_the_model_the_lightness_of_the_crop(self, tmp_path, save, waves):
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
        with pytest.raises(scoring.ScoringError, match=r"can be scored; the first: .*broken\.jpg"):
            scoring.score_folder(tmp_path, grey)

    def test_values_are_those_of_each_image(self, folder):
        whole = scoring.score_folder(folder, oracle(folder))
        assert whole.names == ("a/2.png", "a/b/1.png", "c.png")
        assert set(whole.values) == {*scoring.ROWS, "real"}
        truths = [scoring.read_truth(folder / name) for name in whole.names]
        assert list(whole.values["real"]) == ["colorfulness"]
        assert whole.values["real"]["colorfulness"].tolist() == list(map(colorfulness, truths))
        for row in scoring.ROWS:
            for metric in METRICS:
                values = whole.values[row][metric]
                assert values.dtype == np.float64 and values.shape == (3,)
                assert whole.rows[row][metric] == pytest.approx(values.mean(), rel=1e-12)
        for k, part in ((0, "a/2.png"), (2, "c.png")):
            alone = folder.parent / f"alone-{k}"
            (alone / part).parent.mkdir(parents=True)
            (alone / part).symlink_to(folder / part)
            rows = scoring.score_folder(alone, oracle(alone)).rows
            for metric in METRICS:
                assert rows["image_mean"][metric] == whole.values["image_mean"][metric][k]

    def test_without_colorfulness_nothing_of_the_real_image_is_a_score(self, folder):
        values = scoring.score_folder(folder, grey, metrics=["psnr"]).values
        assert values["real"] == {}
        assert [list(values[row]) for row in scoring.ROWS] == [["psnr"]] * 3

    def test_hands_over_each_image_and_keeps_none(self, folder):
        predict = oracle(folder)
        (folder / "b.png").write_bytes(b"no image")
        seen, pictures = [], []

        def look(image):
            seen.append((image.name, image.values))
            pictures.extend(map(weakref.ref, (image.real, *image.outputs.values())))
            if image.name == "c.png":
                np.testing.assert_array_equal(image.real, scoring.read_truth(folder / "c.png"))
                assert list(image.outputs) == list(scoring.ROWS)
                assert image.values["model"]["psnr"] == psnr(image.real, image.outputs["model"])
                assert np.ptp(image.outputs["grey"].astype(int), axis=-1).max() <= 1

        scores = scoring.score_folder(folder, predict, on_image=look)
        assert [name for name, _ in seen] == list(scores.names)
        for k, (_, values) in enumerate(seen):
            assert values == {
                row: {metric: numbers[k] for metric, numbers in of_row.items()}
                for row, of_row in scores.values.items()
            }
        assert len(pictures) == 12 and not any(picture() is not None for picture in pictures)

    def test_a_prediction_may_depend_on_which_image_it_is(self, tmp_path, save, waves):
        save(waves(size=(300, 400)), tmp_path / "a/1.png")
        save(waves(size=(256, 256)), tmp_path / "2.png")
        asked = []

        def predict(name, size, lightness):
            asked.append((name, size, lightness.shape))
            if name == "2.png":
                raise ImageError("There is none of it.")
            return grey(lightness)

        scores = scoring.score_images(tmp_path, predict, metrics=["psnr"])
        assert asked == [
            ("2.png", (256, 256), (256, 256)),
            ("a/1.png", (300, 400), (256, 256)),
        ]
        assert scores.unreadable == {"2.png": "There is none of it."}
        assert scores.names == ("a/1.png",)

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
