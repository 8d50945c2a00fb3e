"""The protocol: which images are taken, and what is cropped of them."""

import numpy as np
import pytest

from keras_colorize.data.folders import FolderError
from keras_colorize.evaluation import protocol
from keras_colorize.imaging.images import ImageError


class TestListImages:
    def test_is_recursive_and_sorted_by_relative_path(self, folder, save, waves):
        (folder / "notes.txt").write_text("not an image")
        save(waves(), folder / ".trash/1.png")
        save(waves(), folder / "A.JPG")
        (folder / "folder.png").mkdir()
        names = [path.relative_to(folder).as_posix() for path in protocol.list_images(folder)]
        assert names == ["A.JPG", "a/2.png", "a/b/1.png", "c.png"]

    def test_parts_share_out_all_images(self, folder):
        every = protocol.list_images(folder)
        select, report = (protocol.list_images(folder, part) for part in ("select", "report"))
        assert select == [every[0], every[2]]
        assert report == [every[1]]

    def test_says_that_there_is_nothing(self, tmp_path, save, waves):
        with pytest.raises(FolderError, match="There is no photograph in"):
            protocol.list_images(tmp_path)
        save(waves(), tmp_path / "one.png")
        with pytest.raises(protocol.ScoringError, match="for the part 'report'"):
            protocol.list_images(tmp_path, "report")
        with pytest.raises(FolderError, match="is not a folder"):
            protocol.list_images(tmp_path / "one.png")
        with pytest.raises(ValueError, match="part is one of all, select, report"):
            protocol.list_images(tmp_path, "half")


class TestReadTruth:
    def test_leaves_a_256_square_alone(self, tmp_path, save, waves):
        image = waves()
        np.testing.assert_array_equal(protocol.read_truth(save(image, tmp_path / "x.png")), image)

    def test_crops_the_centre(self, tmp_path, save, waves):
        image = waves(size=(256, 301))
        truth = protocol.read_truth(save(image, tmp_path / "x.png"))
        np.testing.assert_array_equal(truth, image[:, 22:278])

    @pytest.mark.parametrize("size", [(300, 200), (64, 900), (1, 1), (257, 256), (999, 1000)])
    def test_is_always_256_square(self, size, tmp_path, save, waves):
        assert protocol.read_truth(save(waves(size=size), tmp_path / "x.png")).shape == (
            256,
            256,
            3,
        )

    @pytest.mark.parametrize("size", [(1, 101), (1500, 1), (2, 201)])
    def test_refuses_what_resizing_would_blow_up(self, size, tmp_path, save, waves):
        path = save(waves(size=size), tmp_path / "strip.png")
        with pytest.raises(ImageError) as caught:
            protocol.read_truth(path)
        assert str(caught.value) == (
            f"{path} is too thin to be scored, {size[1]} x {size[0]} pixels."
        )

    def test_takes_pictures_up_to_that(self, tmp_path, save, waves):
        path = save(waves(size=(300, 3)), tmp_path / "strip.png")
        assert protocol.read_truth(path).shape == (256, 256, 3)

    def test_is_anti_aliased(self, tmp_path, save):
        fine = np.indices((1024, 1024)).sum(axis=0) % 2 * 255
        image = np.repeat(fine[..., None], 3, axis=-1).astype(np.uint8)
        truth = protocol.read_truth(save(image, tmp_path / "x.png")).astype(int)
        assert np.abs(truth - 127.5).max() < 3

    def test_takes_the_short_side_to_256(self, tmp_path, save):
        # A red square of half the short side in the middle of a wide picture stays one of 128.
        image = np.zeros((512, 700, 3), np.uint8)
        image[128:384, 222:478, 0] = 255
        truth = protocol.read_truth(save(image, tmp_path / "x.png"))
        rows, columns = np.nonzero(truth[..., 0] > 127)
        assert [rows.min(), rows.max(), columns.min(), columns.max()] == [64, 191, 64, 191]
