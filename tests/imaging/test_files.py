"""Files appear whole or not at all, and replace nothing unasked."""

import errno
import os
import threading

import numpy as np
import pytest
from PIL import Image

from keras_colorize.imaging import files
from keras_colorize.imaging.images import read_rgb, write_image

RGB = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)


def test_existing_file_is_left_alone(tmp_path):
    path = tmp_path / "a.png"
    path.write_text("mine")
    with pytest.raises(FileExistsError, match="a.png"):
        write_image(RGB, path)
    assert path.read_text() == "mine"
    assert os.listdir(tmp_path) == ["a.png"]


def test_dangling_link_is_left_alone(tmp_path):
    path = tmp_path / "a.png"
    path.symlink_to(tmp_path / "nowhere")
    with pytest.raises(FileExistsError):
        write_image(RGB, path)
    assert path.is_symlink()
    assert not (tmp_path / "nowhere").exists()


def test_overwrite_when_asked_keeps_the_permissions(tmp_path):
    path = tmp_path / "a.png"
    path.write_text("mine")
    path.chmod(0o640)
    write_image(RGB, path, overwrite=True)
    assert np.array_equal(read_rgb(path), RGB)
    assert path.stat().st_mode & 0o777 == 0o640
    assert os.listdir(tmp_path) == ["a.png"]


def test_new_file_has_the_permissions_of_any_new_file(tmp_path):
    (tmp_path / "other").write_text("")
    write_image(RGB, tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_mode == (tmp_path / "other").stat().st_mode


@pytest.mark.parametrize("links", [True, False])
def test_file_that_appears_meanwhile_is_left_alone(tmp_path, monkeypatch, links):
    if not links:
        monkeypatch.setattr(os, "link", no_links)
    path = tmp_path / "a.bin"
    with pytest.raises(FileExistsError, match="a.bin"):
        with files.atomic_file(path) as stream:
            stream.write(b"ours")
            path.write_text("mine")
    assert path.read_text() == "mine"
    assert os.listdir(tmp_path) == ["a.bin"]


def no_links(source, destination):
    raise OSError(errno.EPERM, "Operation not permitted")


@pytest.mark.parametrize("code", [errno.EPERM, errno.ENOTSUP, errno.EINVAL])
def test_file_systems_without_links(tmp_path, monkeypatch, code):
    def fail(source, destination):
        raise OSError(code, "no links here")

    monkeypatch.setattr(os, "link", fail)
    write_image(RGB, tmp_path / "a.png")
    assert np.array_equal(read_rgb(tmp_path / "a.png"), RGB)
    assert os.listdir(tmp_path) == ["a.png"]


@pytest.mark.parametrize("failure", [KeyboardInterrupt, PermissionError])
def test_without_links_a_failure_leaves_no_empty_file(tmp_path, monkeypatch, failure):
    def fail(source, destination):
        raise failure

    monkeypatch.setattr(os, "link", no_links)
    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(failure):
        write_image(RGB, tmp_path / "a.png")
    assert os.listdir(tmp_path) == []


def test_other_failures_of_links_are_told(tmp_path, monkeypatch):
    def full(source, destination):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "link", full)
    with pytest.raises(OSError, match="No space left"):
        write_image(RGB, tmp_path / "a.png")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("overwrite", [True, False])
def test_of_many_racing_writers_each_file_is_whole(tmp_path, overwrite):
    path = tmp_path / "a.bin"
    outcomes = []

    def write(number: int) -> None:
        try:
            with files.atomic_file(path, overwrite=overwrite) as stream:
                stream.write(bytes([number]) * 100_000)
            outcomes.append(number)
        except FileExistsError:
            pass

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    data = path.read_bytes()
    assert len(data) == 100_000
    assert len(set(data)) == 1
    assert data[0] in outcomes
    assert len(outcomes) == (8 if overwrite else 1)
    assert os.listdir(tmp_path) == ["a.bin"]


@pytest.mark.parametrize("failure", [KeyboardInterrupt, OSError, SystemExit])
@pytest.mark.parametrize("overwrite", [True, False])
def test_failure_leaves_nothing(tmp_path, monkeypatch, failure, overwrite):
    path = tmp_path / "a.png"
    if overwrite:
        path.write_text("mine")

    def fail(self, stream, *args, **kwargs):
        stream.write(b"half")
        raise failure

    monkeypatch.setattr(Image.Image, "save", fail)
    with pytest.raises(failure):
        write_image(RGB, path, overwrite=overwrite, exif=b"Exif\0\0II*\0")
    assert [p.read_text() for p in tmp_path.iterdir()] == (["mine"] if overwrite else [])


def test_missing_folder(tmp_path):
    with pytest.raises(FileNotFoundError):
        write_image(RGB, tmp_path / "none" / "a.png")


def test_longest_names_are_writable(tmp_path):
    path = tmp_path / ("x" * 251 + ".png")
    write_image(RGB, path)
    assert path.exists()


def test_a_folder_appears_with_all_that_is_in_it(tmp_path):
    with files.atomic_folder(tmp_path / "new") as folder:
        (folder / "inner").mkdir()
        (folder / "inner" / "a").write_text("ours")
        assert not (tmp_path / "new").exists()
    assert (tmp_path / "new" / "inner" / "a").read_text() == "ours"
    assert os.listdir(tmp_path) == ["new"]


def test_a_folder_that_fails_leaves_what_was_there(tmp_path):
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "a").write_text("mine")
    for name, overwrite in (("new", False), ("old", True)):
        with pytest.raises(KeyError):
            with files.atomic_folder(tmp_path / name, overwrite=overwrite) as folder:
                (folder / "a").write_text("ours")
                raise KeyError
    assert os.listdir(tmp_path) == ["old"]
    assert (tmp_path / "old" / "a").read_text() == "mine"


def test_an_existing_folder_is_replaced_only_when_asked(tmp_path):
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "a").write_text("mine")
    with pytest.raises(FileExistsError, match="the folder exists already: .*old"):
        with files.atomic_folder(tmp_path / "old"):
            pass
    assert (tmp_path / "old" / "a").read_text() == "mine"
    with files.atomic_folder(tmp_path / "old", overwrite=True) as folder:
        (folder / "b").write_text("ours")
    assert os.listdir(tmp_path / "old") == ["b"]
    assert os.listdir(tmp_path) == ["old"]


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_what_appears_in_the_place_of_a_folder_meanwhile_is_left_alone(tmp_path, kind):
    path = tmp_path / "new"
    with pytest.raises(FileExistsError, match="new"):
        with files.atomic_folder(path):
            if kind == "folder":
                path.mkdir()
            (path / "a" if kind == "folder" else path).write_text("mine")
    assert os.listdir(tmp_path) == ["new"]
    assert (path / "a" if kind == "folder" else path).read_text() == "mine"


def test_a_folder_that_cannot_be_replaced_is_still_there(tmp_path, monkeypatch):
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "a").write_text("mine")
    rename = os.rename

    def renamed(source, destination):
        if (source / "b").exists():
            raise PermissionError
        rename(source, destination)

    monkeypatch.setattr(os, "rename", renamed)
    with pytest.raises(PermissionError):
        with files.atomic_folder(tmp_path / "old", overwrite=True) as folder:
            (folder / "b").write_text("ours")
    assert os.listdir(tmp_path) == ["old"]
    assert (tmp_path / "old" / "a").read_text() == "mine"


def test_a_link_to_a_folder_stays_a_link(tmp_path):
    (tmp_path / "old").mkdir()
    (tmp_path / "link").symlink_to("old")
    with files.atomic_folder(tmp_path / "link", overwrite=True) as folder:
        (folder / "b").write_text("ours")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "old" / "b").read_text() == "ours"
