"""`keras-colorize colorize` when something is wrong: what it says, and what it leaves alone."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import pytest

from keras_colorize.imaging.formats import READ_NAMES
from keras_colorize.inference.colorizer import Colorizer


def test_bad_files_are_listed_and_the_others_coloured(folder, jpeg, colorize, tree):
    (folder / "album/cut.jpg").write_bytes(jpeg[: len(jpeg) // 2])
    (folder / "album/empty.png").touch()
    result = colorize("album", "missing.jpg", "nothing-*.jpg", "-o", "out", "--json")
    assert result.exit_code == 1
    records = {record["source"]: record for record in json.loads(result.stdout)}
    failed = {name for name, record in records.items() if record["status"] == "failed"}
    assert failed == {"album/cut.jpg", "album/empty.png", "missing.jpg", "nothing-*.jpg"}
    assert len(tree(folder / "out")) == 4
    assert result.stderr.startswith("Coloured 4 of 8 pictures, 4 failed:\n")
    for name in failed:
        assert records[name]["reason"] in result.stderr
    assert "missing.jpg does not exist." in result.stderr


def test_a_single_bad_picture_is_one_sentence(folder, colorize):
    for name, sentence in {
        "album/notes.txt": f"album/notes.txt is not a {READ_NAMES} picture.",
        "gone.jpg": "gone.jpg does not exist.",
    }.items():
        result = colorize(name)
        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr == f"Error: {sentence}\n"


def test_a_folder_without_pictures(folder, colorize):
    (folder / "bare").mkdir()
    result = colorize("bare")
    assert result.exit_code == 1
    assert result.stderr == "Error: There is no picture to colour in bare.\n"


def test_a_folder_that_cannot_be_read_is_a_failure(folder, colorize, close_folder, tree):
    close_folder("deep")
    result = colorize("album", "-o", "out")
    assert result.exit_code == 1
    assert result.stderr.startswith("Coloured 2 of 3 pictures, 1 failed:\n  album/deep ")
    assert tree(folder / "out") == {"one-colorized.jpg", "two-colorized.JPG"}
    close_folder("album")
    assert colorize("album").stderr.startswith("Error: album ")


def test_an_existing_result_is_an_error_for_a_single_picture(folder, colorize, is_coloured):
    (folder / "new.jpg").write_bytes(b"mine")
    result = colorize("album/one.jpg", "-o", "new.jpg")
    assert result.exit_code == 1
    assert result.stderr == "Error: new.jpg exists; --overwrite replaces it.\n"
    assert (folder / "new.jpg").read_bytes() == b"mine"
    assert colorize("album/one.jpg", "-o", "new.jpg", "--overwrite").exit_code == 0
    assert is_coloured(folder / "new.jpg")


def test_two_pictures_that_would_write_one_file(folder, colorize, snapshot):
    before = snapshot(folder)
    result = colorize("album/one.jpg", "album/deep/one.jpg", "-o", "out")
    assert result.exit_code == 2
    assert (
        "album/one.jpg and album/deep/one.jpg would both write out/one-colorized.jpg."
        in result.stderr
    )
    assert snapshot(folder) == before


def test_a_file_in_the_place_of_a_folder_fails_and_the_others_are_coloured(folder, colorize, tree):
    (folder / "out").mkdir()
    (folder / "out/deep").write_bytes(b"mine")
    result = colorize("album", "-o", "out", "--json")
    assert result.exit_code == 1
    records = {record["source"]: record for record in json.loads(result.stdout)}
    for name in ("album/deep/one.jpg", "album/deep/er/three.jpg"):
        assert records[name]["status"] == "failed"
        assert records[name]["reason"].endswith(": out/deep is a file, not a folder.")
    assert tree(folder / "out") == {"deep", "one-colorized.jpg", "two-colorized.JPG"}


def lack_of_memory() -> cv2.error:
    error = cv2.error("Failed to allocate 1 bytes")
    error.code = cv2.Error.StsNoMem
    return error


@pytest.mark.parametrize("error", [MemoryError(), lack_of_memory()])
def test_lack_of_memory_is_one_sentence(folder, monkeypatch, error, colorize, tree):
    fail_on(monkeypatch, "one.jpg", error)
    result = colorize("album/one.jpg")
    assert result.exit_code == 1
    assert result.stderr == "Error: album/one.jpg needs more memory than there is.\n"
    assert colorize("album", "-o", "out").exit_code == 1
    assert tree(folder / "out") == {"two-colorized.JPG", "deep/er/three-colorized.jpg"}


@pytest.mark.parametrize("error", [RuntimeError("odd"), cv2.error("odd")])
def test_an_unforeseen_error_costs_one_picture_of_many(folder, monkeypatch, error, colorize, tree):
    fail_on(monkeypatch, "three.jpg", error)
    result = colorize("album", "-o", "out", "--json")
    assert result.exit_code == 1
    assert "Coloured 3 of 4 pictures, 1 failed:" in result.stderr
    assert f"album/deep/er/three.jpg met a fault of this program: {error!r}." in result.stderr
    assert len(json.loads(result.stdout)) == 4
    assert len(tree(folder / "out")) == 3
    assert colorize("album/deep/er/three.jpg").exception is error  # alone it keeps its trace


def fail_on(monkeypatch: pytest.MonkeyPatch, name: str, error: Exception) -> None:
    colorize_file = Colorizer.colorize_file

    def fail(self: Colorizer, source: Any, *arguments: Any, **options: Any) -> None:
        if Path(source).name == name:
            raise error
        colorize_file(self, source, *arguments, **options)

    monkeypatch.setattr(Colorizer, "colorize_file", fail)


@pytest.mark.parametrize("output", ["file.png", "taken"])
def test_one_output_file_for_several_pictures_is_refused(folder, output, colorize):
    (folder / "taken").write_bytes(b"mine")
    result = colorize("album", "-o", output)
    assert result.exit_code == 2
    assert f"{output} names one file: name a folder" in result.stderr


@pytest.mark.parametrize("alias", ["itself", "symlink", "hardlink", "stdin"])
def test_an_original_is_never_replaced(folder, alias, colorize):
    original, out = folder / "album/one.jpg", folder / "alias.jpg"
    if alias == "symlink":
        out.symlink_to(original)
    elif alias == "hardlink":
        os.link(original, out)
    else:
        out = original
    before = original.read_bytes()
    if alias == "stdin":
        code = "from keras_colorize.cli.main import main; main()"
        command = [sys.executable, "-c", code, "colorize", "-", "-o", str(out), "--overwrite"]
        with original.open("rb") as stdin:
            done = subprocess.run(command, stdin=stdin, capture_output=True, text=True)
        assert done.returncode == 2
        assert "is the picture itself" in done.stderr
    else:
        result = colorize(original, "-o", out, "--overwrite")
        assert result.exit_code == 2
        assert "is a picture to colour" in result.stderr
    assert original.read_bytes() == before
    assert out.read_bytes() == before


def test_no_picture_of_the_run_is_replaced_by_anothers_result(folder, colorize, snapshot):
    (folder / "out").mkdir()
    os.link(folder / "album/two.JPG", folder / "out/one-colorized.jpg")
    before = snapshot(folder)
    result = colorize("album/one.jpg", "album/two.JPG", "-o", "out", "--overwrite")
    assert result.exit_code == 2
    assert snapshot(folder) == before


def test_standard_input_to_a_file_of_no_known_format(jpeg, folder, colorize):
    result = colorize("-", "-o", "new.xyz", input=jpeg)
    assert result.exit_code == 1
    assert "new.xyz names no format" in result.stderr
    assert not (folder / "new.xyz").exists()


@pytest.mark.parametrize(
    "arguments, code, sentence",
    [
        (["-", "--json"], 2, "cannot both go to standard output"),
        (["-", "album/one.jpg"], 2, "one picture alone"),
        (["-", "-o", "album"], 2, "album is a folder"),
        (["-"], 1, "The picture is empty."),
        (["album/one.jpg", "--size", "300"], 1, "has no size 300; it has 256 and 512"),
        (["album/one.jpg", "--model", "nothing"], 1, "There are no weights 'nothing'"),
        (["album/one.jpg", "--max-pixels", "100"], 1, "limit of 100; --max-pixels raises it."),
        (["album/one.jpg", "-o", "album/notes.txt/x"], 1, "album/notes.txt is a file, not a fold"),
        (["album/one.jpg", "-o", "album/notes.txt/x.png"], 1, "album/notes.txt is a file, not"),
        (["album/one.jpg", "-o", "result.gif"], 2, "result.gif names no format to write: JPEG"),
        (["album", "-o", "results.GIF"], 2, "results.GIF names no format to write: JPEG"),
        (["album/one.jpg", "-o", "result.pdf"], 2, "result.pdf names no format to write: JPEG"),
        (["nowhere/one.jpg"], 1, "nowhere/one.jpg does not exist."),
        (["nowhere/one.jpg", "-o", "new/one.jpg"], 1, "nowhere/one.jpg does not exist."),
        ([], 2, "Missing argument"),
    ],
)
def test_misuse_is_one_sentence(folder, arguments, code, sentence, colorize, snapshot):
    before = snapshot(folder)
    result = colorize(*arguments, input=b"")
    assert result.exit_code == code, result.output
    assert sentence in result.stderr
    assert snapshot(folder) == before
