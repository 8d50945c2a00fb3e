"""The files of another program: which belongs to which photograph, and what is taken of them."""

import cv2
import numpy as np
import pytest

from keras_colorize.data.folders import FolderError
from keras_colorize.evaluation.predictions import Predictions
from keras_colorize.evaluation.protocol import ScoringError, read_truth
from keras_colorize.evaluation.scoring import score_folder, score_images
from keras_colorize.imaging.color import rgb_to_lab
from keras_colorize.imaging.images import ImageError


@pytest.fixture
def two(tmp_path):
    """A folder of photographs and one of predictions, to fill."""
    return tmp_path / "photographs", tmp_path / "predictions"


def ask(two, name, size):
    return Predictions(two[1], two[0]).ab(name, size, None)


class TestWhichFile:
    @pytest.mark.parametrize("prediction", ["a/1.png", "a/1.webp", "a/1-colorized.png"])
    def test_is_found_by_its_name(self, two, prediction, save, waves):
        save(waves(1), two[0] / "a/1.jpg")
        path = save(waves(2), two[1] / prediction)
        save(waves(3), two[1] / "1.png")
        expected = rgb_to_lab(read_truth(path))[..., 1:]
        np.testing.assert_array_equal(ask(two, "a/1.jpg", (256, 256)), expected)

    def test_two_photographs_of_one_stem_have_files_of_their_suffixes(self, two, save, waves):
        for suffix, shift in (("png", 1), ("bmp", 2)):
            save(waves(shift), two[0] / f"1.{suffix}")
            path = save(waves(shift + 2), two[1] / f"1-colorized.{suffix}")
            expected = rgb_to_lab(read_truth(path))[..., 1:]
            np.testing.assert_array_equal(ask(two, f"1.{suffix}", (256, 256)), expected)
        path.unlink()
        with pytest.raises(ImageError, match=r"^1\.bmp has no prediction in "):
            ask(two, "1.bmp", (256, 256))

    def test_a_name_that_ends_in_the_mark_is_its_own(self, two, save, waves):
        save(waves(1), two[0] / "1-colorized.png")
        save(waves(2), two[1] / "1-colorized.png")
        assert ask(two, "1-colorized.png", (256, 256)).shape == (256, 256, 2)

    def test_none_or_several_are_a_sentence(self, two, save, waves):
        save(waves(1), two[0] / "a/1.png")
        save(waves(2), two[1] / "1.png")
        with pytest.raises(ImageError) as caught:
            ask(two, "a/1.png", (256, 256))
        assert str(caught.value) == f"a/1.png has no prediction in {two[1]}."
        save(waves(2), two[1] / "a/1.png")
        save(waves(2), two[1] / "a/1-colorized.png")
        with pytest.raises(ImageError) as caught:
            ask(two, "a/1.png", (256, 256))
        assert str(caught.value) == (
            f"a/1.png has several predictions in {two[1]}: a/1-colorized.png, a/1.png."
        )

    def test_an_empty_folder_is_a_sentence(self, two, save, waves):
        save(waves(1), two[0] / "1.png")
        two[1].mkdir()
        with pytest.raises(FolderError, match="There is no photograph in"):
            Predictions(two[1], two[0])


class TestGeometry:
    @pytest.mark.parametrize("size", [(600, 401), (300, 200), (451, 301), (30, 20)])
    def test_a_prediction_of_any_size_lies_on_its_photograph(self, two, size, save):
        # A ramp of hue: a shift by half a pixel would be seen in the means of its quarters.
        def ramp(height, width):
            y, x = (np.linspace(0, 1, side + 1)[:-1] + 0.5 / side for side in (height, width))
            red, green = np.broadcast_arrays(60 + 130 * y[:, None], 60 + 130 * x)
            return np.rint(np.dstack([red, green, 0 * red + 110])).astype(np.uint8)

        photograph = save(ramp(600, 401), two[0] / "1.png")
        save(ramp(*size), two[1] / "1.png")
        expected = rgb_to_lab(read_truth(photograph))[..., 1:]
        difference = ask(two, "1.png", (600, 401)) - expected
        for rows in (slice(16, 128), slice(128, 240)):
            for columns in (slice(16, 128), slice(128, 240)):
                assert np.abs(difference[rows, columns].mean(axis=(0, 1))).max() < 0.1

    @pytest.mark.parametrize("size", [(256, 256), (401, 600), (600, 410), (600, 390)])
    def test_another_aspect_ratio_is_a_sentence(self, two, size, save, waves):
        save(waves(size=(600, 401)), two[0] / "1.png")
        path = save(waves(size=size), two[1] / "1.png")
        with pytest.raises(ImageError) as caught:
            ask(two, "1.png", (600, 401))
        assert str(caught.value) == (
            f"{path} has {size[1]} x {size[0]} pixels, another aspect ratio than the 401 x 600 of "
            "its photograph."
        )


class TestScores:
    def test_of_the_photographs_themselves_are_perfect(self, folder):
        copies = folder.parent / "copies"
        copies.mkdir()
        for name in ("a/2.png", "a/b/1.png", "c.png"):
            (copies / name).parent.mkdir(parents=True, exist_ok=True)
            (copies / name).write_bytes((folder / name).read_bytes())
        rows = score_images(folder, Predictions(copies, folder).ab).rows
        assert rows["model"]["psnr"] > 59.9
        assert rows["model"]["ciede2000"] < 1e-3

    def test_take_the_colour_of_the_file_and_the_lightness_of_the_photograph(self, folder, save):
        def predict(lightness):
            return np.broadcast_to(np.float32([12, 20]), (*lightness.shape, 2))

        darker = np.full((256, 256, 3), 90, np.uint8)
        lab = rgb_to_lab(darker)
        lab[..., 1:] = 12, 20
        linear = cv2.cvtColor(lab, cv2.COLOR_Lab2RGB)
        predictions = folder.parent / "predictions"
        for name in ("a/2.png", "a/b/1.png", "c.png"):
            save(np.rint(linear * 255).astype(np.uint8), predictions / name)
        theirs = score_images(folder, Predictions(predictions, folder).ab)
        ours = score_folder(folder, predict)
        assert theirs.names == ours.names
        for metric in ("psnr", "ciede2000", "colorfulness"):
            expected = ours.rows["model"][metric]
            assert theirs.rows["model"][metric] == pytest.approx(expected, rel=0.02)
        assert theirs.rows["grey"] == ours.rows["grey"]

    def test_what_is_missing_or_broken_is_listed(self, folder, save, waves):
        predictions = folder.parent / "predictions"
        save(waves(1), predictions / "c.png")
        (predictions / "a").mkdir()
        (predictions / "a/2.jpg").write_bytes(b"no image")
        scores = score_images(folder, Predictions(predictions, folder).ab)
        assert scores.names == ("c.png",)
        assert list(scores.unreadable) == ["a/2.png", "a/b/1.png"]
        assert "2.jpg is not a JPEG" in scores.unreadable["a/2.png"]
        (predictions / "c.png").rename(predictions / "d.png")
        with pytest.raises(ScoringError, match="No image under .* can be scored; the first: "):
            score_images(folder, Predictions(predictions, folder).ab)
