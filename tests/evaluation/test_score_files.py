"""What `evaluate --output` leaves."""

import json

import numpy as np
import pytest

from keras_colorize.evaluation.figures import grid_columns
from keras_colorize.evaluation.protocol import ScoringError
from keras_colorize.evaluation.score_files import ScoreFiles
from keras_colorize.evaluation.scoring import ScoredImage
from keras_colorize.imaging.images import read_rgb
from keras_colorize.imaging.locks import FOLDER_LOCK, FolderInUseError


def scored(name, difference):
    """An image whose pictures say by their shade which they are, and how bad it is."""

    def plain(shade):
        return np.full((256, 256, 3), shade, np.uint8)

    outputs = {"model": plain(int(difference)), "grey": plain(200), "image_mean": plain(201)}
    return ScoredImage(name, {"model": {"ciede2000": difference}}, plain(220), outputs)


def shown(path):
    """Shade of the output of each row, having looked at those beside it."""
    grey, output, real = (column[128::260, 128, 0].tolist() for column in strips(path))
    assert set(grey) == {200} and set(real) == {220}
    return output


def strips(path):
    return grid_columns(read_rgb(path), 3)


def test_lines_are_there_while_images_are_scored(tmp_path):
    with ScoreFiles(tmp_path / "new/folder") as files:
        lines = tmp_path / "new/folder/images.jsonl"
        for count, name in enumerate(("a.png", "b.png"), 1):
            files.add(scored(name, 10.5))
            read = [json.loads(line) for line in lines.read_text().splitlines()]
            assert len(read) == count
            assert read[-1] == {"name": name, "model": {"ciede2000": 10.5}}
        with ScoreFiles(lines.parent, overwrite=True) as others:
            with pytest.raises(FolderInUseError):
                others.add(scored("c.png", 10.5))
    assert [path.name for path in lines.parent.iterdir()] == ["images.jsonl"]
    assert len(lines.read_text().splitlines()) == 2


def test_strips_show_the_eight_worst_and_best(tmp_path):
    differences = [30, 12, 50, 8, 41, 19, 27, 33, 60, 15, 22, 44]
    with ScoreFiles(tmp_path) as files:
        for k, difference in enumerate(differences):
            files.add(scored(f"{k}.png", float(difference)))
        files.finish({"rows": {}})
    assert shown(tmp_path / "worst.png") == sorted(differences, reverse=True)[:8]
    assert shown(tmp_path / "best.png") == sorted(differences)[:8]
    assert json.loads((tmp_path / "scores.json").read_text()) == {"rows": {}}
    assert {path.name for path in tmp_path.iterdir()} == {
        "scores.json",
        "images.jsonl",
        "worst.png",
        "best.png",
    }


def test_few_images_make_short_strips(tmp_path):
    with ScoreFiles(tmp_path) as files:
        files.add(scored("a.png", 9.0))
        files.add(scored("b.png", 4.0))
        files.finish({})
    assert shown(tmp_path / "worst.png") == [9, 4]
    assert shown(tmp_path / "best.png") == [4, 9]


def test_a_scoring_that_finds_no_image_touches_nothing(tmp_path):
    (tmp_path / "scores.json").write_text("an older one")
    with ScoreFiles(tmp_path, overwrite=True), ScoreFiles(tmp_path / "new"):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["scores.json"]


def test_refuses_a_folder_that_holds_something(tmp_path):
    (tmp_path / "letter.txt").write_text("Dear")
    with pytest.raises(ScoringError, match=r"is not empty; --overwrite replaces the scores in it"):
        ScoreFiles(tmp_path)
    with pytest.raises(ScoringError, match=r"letter\.txt is a file, not a folder\.$"):
        ScoreFiles(tmp_path / "letter.txt", overwrite=True)
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_overwriting_leaves_what_is_not_its_own_and_nothing_of_before(tmp_path):
    (tmp_path / "letter.txt").write_text("Dear")
    for name in ("scores.json", "images.jsonl", "worst.png"):
        (tmp_path / name).write_text("an older one")
    with ScoreFiles(tmp_path, overwrite=True) as files:
        files.add(scored("a.png", 9.0))
        there = {path.name for path in tmp_path.iterdir()} - {FOLDER_LOCK}
        assert there == {"letter.txt", "images.jsonl"}
        files.finish({"images": 1})
    assert (tmp_path / "letter.txt").read_text() == "Dear"
    assert len((tmp_path / "images.jsonl").read_text().splitlines()) == 1
    assert json.loads((tmp_path / "scores.json").read_text()) == {"images": 1}
