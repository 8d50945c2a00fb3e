"""Many pictures in Python: which results there are, and what each says."""

from functools import partial

import numpy as np
import pytest
from PIL import Image

from keras_colorize.imaging.images import ImageError
from keras_colorize.inference.batch import colorize_files, colorize_jobs
from keras_colorize.inference.colorizer import Colorizer
from keras_colorize.inference.jobs import find_jobs
from keras_colorize.inference.search import JobError


@pytest.fixture
def album(tmp_path, scene):
    """Two pictures, one of them in a sub-folder, and a file that is damaged."""
    folder = tmp_path / "album"
    (folder / "deep").mkdir(parents=True)
    for name in ("one.png", "deep/two.png"):
        Image.fromarray(scene).save(folder / name)
    (folder / "broken.png").write_bytes(b"no picture")
    return folder


@pytest.fixture
def make_colorizer(fake_runtime):
    return partial(Colorizer, fake_runtime())


def statuses(results, folder):
    return {result.source.relative_to(folder).as_posix(): result.status for result in results}


def test_a_folder_gives_a_result_for_each_picture(album, tmp_path, make_colorizer):
    results = [*colorize_files(album, tmp_path / "out", make_colorizer=make_colorizer)]
    expected = {"one.png": "colorized", "deep/two.png": "colorized", "broken.png": "failed"}
    assert statuses(results, album) == expected
    for result in results:
        assert result.destination.is_file() == (result.status == "colorized")
        if result.status == "failed":
            assert isinstance(result.error, ImageError)
            assert result.reason == str(result.error)
        else:
            assert result.seconds > 0
            assert (result.error, result.reason) == (None, None)
    assert (tmp_path / "out/deep/two-colorized.png").is_file()


def test_the_second_call_leaves_results_alone(album, make_colorizer):
    first = album / "one-colorized.png"
    assert len([*colorize_files([album], make_colorizer=make_colorizer)]) == 3
    first.write_bytes(b"mine")
    again = [*colorize_files([album], make_colorizer=make_colorizer)]
    assert sorted(result.status for result in again) == ["exists", "exists", "failed"]
    assert first.read_bytes() == b"mine"
    [*colorize_files([album], make_colorizer=make_colorizer, overwrite=True)]
    assert first.read_bytes() != b"mine"


def test_options_reach_the_colorizer_and_the_file(album, tmp_path, fake_runtime, scene):
    grey = partial(Colorizer, fake_runtime(), saturation=0)
    source = str(album / "one.png")
    (result,) = colorize_files(
        source, tmp_path / "out", make_colorizer=grey, format="TIFF", max_pixels=scene.size
    )
    with Image.open(result.destination) as image:
        assert (image.format, image.size) == ("TIFF", scene.shape[::-1])
        assert np.array_equal(np.asarray(image)[..., 1], scene)
    (result,) = colorize_files(
        source, tmp_path / "new.png", make_colorizer=grey, max_pixels=scene.size - 1
    )
    assert result.status == "failed"


def test_mistakes_show_before_any_work(album, make_colorizer):
    with pytest.raises(JobError, match=r"names one file: name a folder for several pictures\.$"):
        colorize_files(album, "new.png", make_colorizer=make_colorizer)
    with pytest.raises(JobError, match="would both write"):
        colorize_files(
            [album / "one.png", album / "deep/one.png"], "x", make_colorizer=make_colorizer
        )


@pytest.mark.parametrize("workers", [1, 2, 9])
def test_each_worker_has_its_share_of_the_cores(album, fake_runtime, workers, monkeypatch):
    monkeypatch.setattr("keras_colorize.inference.batch.available_cores", lambda: 4)
    seen = []

    def make(threads):
        seen.append(threads)
        return Colorizer(fake_runtime())

    jobs, _ = find_jobs([str(album)])
    results = [*colorize_jobs(jobs, make, workers)]
    assert seen == [4 // min(workers, 3)] * min(workers, 3)
    assert {result.destination for result in results} == {job.destination for job in jobs}
