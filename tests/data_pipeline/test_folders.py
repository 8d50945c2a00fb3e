"""The scan: which photographs a training takes, which it leaves out, and what it remembers."""

import json
import os

import numpy as np
import pytest
from PIL import Image

from keras_colorize.data import folders
from keras_colorize.data.folders import FolderError, list_photographs, scan_folder


def names(files, folder):
    return [file.relative_to(folder).as_posix() for file in files]


@pytest.fixture
def mixed(tmp_path, make_picture):
    """Three photographs, two near-grey pictures, two files that are none; hidden and other ones."""
    folder = tmp_path / "mixed"
    (folder / "deep/er").mkdir(parents=True)
    (folder / ".hidden").mkdir()
    for k, name in enumerate(("b.jpg", "deep/er/a.PNG", "deep/c.webp")):
        make_picture(k).save(folder / name)
    for name in (".hidden/x.jpg", ".y.jpg"):
        make_picture(9).save(folder / name)
    make_picture(1).convert("L").save(folder / "gray.jpg")
    tinted = np.full((60, 60, 3), 120, np.uint8) + np.uint8([4, 2, 0])
    Image.fromarray(tinted).save(folder / "deep/sepia.png")
    (folder / "broken.jpg").write_bytes(b"no image")
    make_picture(2).save(folder / "ppm.png", format="PPM")
    (folder / "notes.txt").write_text("not a photograph")
    return folder


@pytest.fixture
def opened(monkeypatch):
    """Files that the scan looks into, in the order in which it does."""
    seen = []
    inspect = folders.inspect
    monkeypatch.setattr(folders, "inspect", lambda file: seen.append(file.name) or inspect(file))
    return seen


def test_sorts_photographs_by_what_they_are_fit_for(mixed):
    scan = scan_folder(mixed)
    assert names(scan.files, mixed) == ["b.jpg", "deep/c.webp", "deep/er/a.PNG"]
    assert scan.orientations == [1, 1, 1]
    assert names(scan.near_grey, mixed) == ["deep/sepia.png", "gray.jpg"]
    assert names(scan.unreadable, mixed) == ["broken.jpg", "ppm.png"]
    assert all(
        why.startswith("cannot be read: it is not a JPEG") for why in scan.unreadable.values()
    )


def test_lists_all_photographs_but_hidden_ones(mixed):
    listed = names(list_photographs(mixed), mixed)
    assert listed == sorted(listed)
    assert set(listed) == {
        *("b.jpg", "broken.jpg", "deep/c.webp", "deep/er/a.PNG", "deep/sepia.png"),
        *("ppm.png", "gray.jpg"),
    }


def test_a_folder_below_a_hidden_one_is_not_hidden(tmp_path, make_picture):
    folder = tmp_path / ".cache/photographs"
    folder.mkdir(parents=True)
    make_picture(0).save(folder / "a.jpg")
    assert len(scan_folder(folder).files) == 1


@pytest.mark.parametrize(("shift", "near_grey"), [(3, True), (10, False)])
def test_near_grey_is_a_mean_chroma_under_the_limit(tmp_path, shift, near_grey):
    """By CIE formulas, RGB 120 + (shift, 0, -shift) has a chroma of about 0.65 times 1.6 shift."""
    shade = np.uint8([120 + shift, 120, 120 - shift])
    Image.fromarray(np.full((50, 70, 3), shade, np.uint8)).save(tmp_path / "a.png")
    if near_grey:
        with pytest.raises(FolderError, match="1 are near-grey"):
            scan_folder(tmp_path)
    else:
        assert len(scan_folder(tmp_path).files) == 1


def test_a_second_scan_opens_no_file(mixed, tmp_path, opened):
    first = scan_folder(mixed, cache=tmp_path / "cache")
    assert len(opened) == 7
    opened.clear()
    assert scan_folder(mixed, cache=tmp_path / "cache") == first
    assert opened == []


def test_a_changed_or_new_file_is_looked_at_again(mixed, tmp_path, make_picture, opened):
    scan_folder(mixed, cache=tmp_path / "cache")
    opened.clear()
    make_picture(5).save(mixed / "gray.jpg")
    make_picture(6).save(mixed / "new.jpg")
    (mixed / "b.jpg").unlink()
    stat = (mixed / "deep/c.webp").stat()
    os.utime(mixed / "deep/c.webp", ns=(stat.st_atime_ns, stat.st_mtime_ns + 1))
    scan = scan_folder(mixed, cache=tmp_path / "cache")
    assert sorted(opened) == ["c.webp", "gray.jpg", "new.jpg"]
    assert names(scan.files, mixed) == ["deep/c.webp", "deep/er/a.PNG", "gray.jpg", "new.jpg"]
    opened.clear()
    assert scan_folder(mixed, cache=tmp_path / "cache") == scan
    assert opened == []


def test_a_scan_that_is_stopped_goes_on(mixed, tmp_path, opened, monkeypatch):
    """Seven files, in order; Ctrl-C comes with the fifth."""
    usual = folders.inspect

    def stop(path):
        if path.name == "sepia.png":
            raise KeyboardInterrupt
        return usual(path)

    monkeypatch.setattr(folders, "inspect", stop)
    with pytest.raises(KeyboardInterrupt):
        scan_folder(mixed, cache=tmp_path / "cache")
    monkeypatch.setattr(folders, "inspect", usual)
    (store,) = (tmp_path / "cache").iterdir()
    seen = [name.rpartition("/")[2] for name in json.loads(store.read_text())["looks"]]
    assert 1 <= len(seen) < 7
    opened.clear()
    assert len(scan_folder(mixed, cache=tmp_path / "cache").files) == 3
    assert sorted([*opened, *seen]) == sorted(set(opened) | set(seen))
    assert len(opened) + len(seen) == 7


def test_folders_do_not_share_a_memory(mixed, tmp_path, make_picture, opened):
    scan_folder(mixed, cache=tmp_path / "cache")
    other = tmp_path / "other"
    other.mkdir()
    make_picture(0).save(other / "b.jpg")
    opened.clear()
    scan_folder(other, cache=tmp_path / "cache")
    assert opened == ["b.jpg"]
    assert len(list((tmp_path / "cache").iterdir())) == 2


@pytest.mark.parametrize(
    "damage",
    ["{", "[]", "", '{"b.jpg": [0, 0, 1, 0.0, ""]}', '{"format": 1, "looks": {"b.jpg": [0]}}'],
    ids=["cut", "list", "empty", "without a format", "another format"],
)
def test_a_memory_that_is_damaged_or_of_another_format_is_forgotten(
    mixed, tmp_path, opened, damage
):
    first = scan_folder(mixed, cache=tmp_path / "cache")
    (store,) = (tmp_path / "cache").iterdir()
    store.write_text(damage)
    opened.clear()
    assert scan_folder(mixed, cache=tmp_path / "cache") == first
    assert len(opened) == 7
    assert len(json.loads(store.read_text())["looks"]) == 7


def test_a_folder_that_cannot_be_read_is_not_passed_over(mixed, close_folder):
    close_folder("er")
    with pytest.raises(FolderError, match="deep/er cannot be read: Permission denied."):
        list_photographs(mixed)


def test_orientations_come_along(tmp_path, make_picture):
    for turn in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = turn
        make_picture(turn).save(tmp_path / f"{turn}.jpg", exif=exif)
    exif[0x0112] = 99
    make_picture(9).save(tmp_path / "9.jpg", exif=exif)
    assert scan_folder(tmp_path).orientations == [*range(1, 9), 1]


def test_says_what_is_wrong_with_a_folder(tmp_path):
    with pytest.raises(FolderError, match="nowhere is not a folder"):
        scan_folder(tmp_path / "nowhere")
    with pytest.raises(FolderError, match=r"There is no photograph in .*\(\.jpg, "):
        scan_folder(tmp_path)
    (tmp_path / "broken.jpg").write_bytes(b"")
    Image.new("RGB", (9, 9)).save(tmp_path / "black.png")
    with pytest.raises(FolderError, match="1 are near-grey, 1 cannot be read"):
        scan_folder(tmp_path)


def test_a_memory_that_cannot_be_written_costs_nothing(tmp_path, make_picture, files_end_at):
    make_picture(0).save(tmp_path / "a.jpg")
    cache = tmp_path / "cache"
    with files_end_at(10):
        assert scan_folder(tmp_path, cache=cache).count == 1
    assert list(cache.iterdir()) == []
