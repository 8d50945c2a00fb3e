"""Where pictures come from: folders give files alone, and what has no end has one here."""

import os
import socket
import threading
import time
from io import BytesIO, RawIOBase

import numpy as np
import pytest
from PIL import Image

from keras_colorize.data.folders import photograph_names, scan_folder
from keras_colorize.evaluation.protocol import list_images
from keras_colorize.imaging import sources
from keras_colorize.imaging.images import ImageError, read_photograph
from keras_colorize.imaging.walking import walk

GRAY = np.random.default_rng(0).integers(0, 256, (24, 36), dtype=np.uint8)


def png():
    stream = BytesIO()
    Image.fromarray(GRAY).save(stream, "PNG")
    return stream.getvalue()


@pytest.fixture
def folder(tmp_path, make_picture):
    make_picture(0).save(tmp_path / "a.jpg")
    (tmp_path / "deep").mkdir()
    make_picture(1).save(tmp_path / "deep" / "b.jpg")
    (tmp_path / "link.jpg").symlink_to("a.jpg")
    (tmp_path / "broken.jpg").symlink_to("nowhere")
    (tmp_path / "round").symlink_to(tmp_path)
    (tmp_path / "zero.jpg").symlink_to("/dev/zero")
    os.mkfifo(tmp_path / "pipe.jpg")
    os.mkfifo(tmp_path / "deep" / "pipe.png")
    with socket.socket(socket.AF_UNIX) as server:
        here = os.getcwd()
        os.chdir(tmp_path)  # addresses are short
        server.bind("socket.jpg")
        os.chdir(here)
        yield tmp_path


def test_folders_give_files_alone(folder):
    """Of these live `train`, `prepare` and `evaluate`; `colorize` is tried as a program."""
    expected = ["a.jpg", "broken.jpg", "deep/b.jpg", "link.jpg"]
    assert photograph_names(folder) == expected
    assert [path.relative_to(folder).as_posix() for path in list_images(folder)] == expected
    scan = scan_folder(folder)
    assert [path.name for path in scan.files] == ["a.jpg", "b.jpg", "link.jpg"]
    assert [path.name for path in scan.unreadable] == ["broken.jpg"]


def test_it_walks_as_the_library_does(tmp_path):
    for name in ("b/c", "a", ".hidden"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "file.txt").write_text("")
    ours, theirs = [], []
    for found, function in (
        (ours, lambda: walk(tmp_path, print)),
        (theirs, lambda: os.walk(tmp_path)),
    ):
        for here, below, files in function():
            below[:] = sorted(name for name in below if name != "a")
            found.append((here, list(below), sorted(files)))
    assert ours == theirs


def test_a_pipe_that_somebody_writes_to_is_a_picture(tmp_path):
    pipe = tmp_path / "old.png"
    os.mkfifo(pipe)

    def write():
        time.sleep(0.1)
        with open(pipe, "wb") as stream:
            stream.write(png()[:100])
            stream.flush()
            time.sleep(0.1)
            stream.write(png()[100:])

    thread = threading.Thread(target=write)
    thread.start()
    assert read_photograph(pipe).size == (24, 36)
    thread.join()


def test_a_pipe_that_nobody_writes_to_is_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "_PATIENCE", 0.05)
    pipe = tmp_path / "old.png"
    os.mkfifo(pipe)
    with pytest.raises(ImageError) as caught:
        read_photograph(pipe)
    assert str(caught.value) == f"{pipe} is a pipe to which nobody writes (0.05 seconds)."


class Endless(RawIOBase):
    """Begins as a picture and goes on."""

    def __init__(self):
        self.given = 0

    def readable(self):
        return True

    def read(self, size=-1):
        assert size > 0
        self.given += size
        return png() if self.given == size else bytes(size)


def test_a_stream_without_an_end_is_a_sentence():
    endless = Endless()
    with pytest.raises(ImageError, match=r"^The picture goes on after \d+ bytes, more than its"):
        read_photograph(endless, max_pixels=1000)
    assert endless.given < 2**27
