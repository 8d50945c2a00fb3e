import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from keras_colorize.cli.main import main
from keras_colorize.inference.colorizer import Colorizer


def colorize(*arguments: str | Path, input: bytes | None = None) -> Result:
    return CliRunner().invoke(main, ["colorize", *map(str, arguments)], input=input)


def tree(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def is_coloured(path: Path) -> bool:
    with Image.open(path) as image:
        assert image.size == (80, 60)
        return bool(np.ptp(np.asarray(image.convert("RGB")).astype(int), axis=-1).max() > 0)


def snapshot(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in tree(folder)}


def test_one_picture_beside_the_original(folder: Path) -> None:
    before = snapshot(folder)
    result = colorize("album/one.jpg")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == "album/one-colorized.jpg\n"
    assert is_coloured(folder / "album/one-colorized.jpg")
    assert tree(folder) == set(before) | {"album/one-colorized.jpg"}
    assert {name: (folder / name).read_bytes() for name in before} == before


def test_output_as_a_file_or_a_folder(folder: Path) -> None:
    assert colorize("album/one.jpg", "-o", "new.png").exit_code == 0
    with Image.open("new.png") as image:
        assert image.format == "PNG"
    assert colorize("album/one.jpg", "-o", "out").exit_code == 0
    assert tree(folder / "out") == {"one-colorized.jpg"}


def test_a_folder_keeps_its_tree(folder: Path) -> None:
    result = colorize("album", "-o", "out", "--format", "png")
    assert result.exit_code == 0, result.output
    assert result.stderr == "Coloured 4 of 4 pictures.\n"
    assert result.stdout == ""
    assert tree(folder / "out") == {
        "one-colorized.png",
        "two-colorized.png",
        "deep/one-colorized.png",
        "deep/er/three-colorized.png",
    }
    assert all(is_coloured(folder / "out" / name) for name in tree(folder / "out"))


def test_a_folder_is_resumed(folder: Path) -> None:
    assert colorize("album").exit_code == 0
    made = tree(folder)
    (folder / "album/deep/one-colorized.jpg").unlink()
    (folder / "album/one-colorized.jpg").write_bytes(b"mine")
    result = colorize("album", "--json")
    assert result.exit_code == 0
    assert tree(folder) == made  # results were not taken for originals
    assert [record["status"] for record in json.loads(result.stdout)].count("exists") == 3
    assert "3 had their result already (--overwrite replaces it)" in result.stderr
    assert (folder / "album/one-colorized.jpg").read_bytes() == b"mine"
    assert colorize("album", "--overwrite").exit_code == 0
    assert is_coloured(folder / "album/one-colorized.jpg")


def test_results_inside_the_folder_are_not_originals(folder: Path) -> None:
    for _ in range(2):
        assert colorize("album", "-o", "album/out", "--overwrite").exit_code == 0
    assert len(tree(folder / "album/out")) == 4


def test_bad_files_are_listed_and_the_others_coloured(folder: Path, jpeg: bytes) -> None:
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


def test_a_single_bad_picture_is_one_sentence(folder: Path) -> None:
    for name, sentence in {
        "album/notes.txt": "album/notes.txt is not a JPEG, PNG, TIFF, WebP or BMP picture.",
        "gone.jpg": "gone.jpg does not exist.",
    }.items():
        result = colorize(name)
        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr == f"Error: {sentence}\n"


def test_a_folder_without_pictures(folder: Path) -> None:
    (folder / "bare").mkdir()
    result = colorize("bare")
    assert result.exit_code == 1
    assert result.stderr == "Error: There is no picture to colour in bare.\n"


def test_an_existing_result_is_an_error_for_a_single_picture(folder: Path) -> None:
    (folder / "new.jpg").write_bytes(b"mine")
    result = colorize("album/one.jpg", "-o", "new.jpg")
    assert result.exit_code == 1
    assert result.stderr == "Error: new.jpg exists; --overwrite replaces it.\n"
    assert (folder / "new.jpg").read_bytes() == b"mine"
    assert colorize("album/one.jpg", "-o", "new.jpg", "--overwrite").exit_code == 0
    assert is_coloured(folder / "new.jpg")


def test_quoted_patterns_keep_the_tree_below_their_fixed_part(folder: Path) -> None:
    result = colorize("album/**/one.jpg", "-o", "out")
    assert result.exit_code == 0, result.output
    assert tree(folder / "out") == {"one-colorized.jpg", "deep/one-colorized.jpg"}


def test_a_picture_whose_name_looks_like_a_pattern(folder: Path, jpeg: bytes) -> None:
    (folder / "scan[1].jpg").write_bytes(jpeg)
    assert colorize("scan[1].jpg").exit_code == 0
    assert is_coloured(folder / "scan[1]-colorized.jpg")


def test_files_named_colorized_are_skipped_unless_alone(folder: Path, jpeg: bytes) -> None:
    (folder / "one-colorized.jpg").write_bytes(jpeg)
    (folder / "one.jpg").write_bytes(jpeg)
    assert colorize("one.jpg", "one-colorized.jpg", "-o", "out").exit_code == 0
    assert colorize("*.jpg", "-o", "out2").exit_code == 0
    assert tree(folder / "out") == tree(folder / "out2") == {"one-colorized.jpg"}
    assert colorize("one-colorized.jpg").exit_code == 0
    assert is_coloured(folder / "one-colorized-colorized.jpg")


def test_two_pictures_that_would_write_one_file(folder: Path) -> None:
    before = snapshot(folder)
    result = colorize("album/one.jpg", "album/deep/one.jpg", "-o", "out")
    assert result.exit_code == 2
    assert (
        "album/one.jpg and album/deep/one.jpg would both write out/one-colorized.jpg."
        in result.stderr
    )
    assert snapshot(folder) == before


def test_folders_in_one_another(folder: Path) -> None:
    result = colorize("album", "album/deep", "album/deep/er/three.jpg", "-o", "out")
    assert result.exit_code == 0, result.output
    assert tree(folder / "out") == {
        "one-colorized.jpg",
        "two-colorized.JPG",
        "deep/one-colorized.jpg",
        "deep/er/three-colorized.jpg",
    }


def test_a_folder_with_the_name_of_a_picture(folder: Path) -> None:
    (folder / "result.gif").mkdir()
    assert colorize("album/one.jpg", "-o", "result.gif").exit_code == 0
    assert colorize("album/one.jpg", "-o", "of.1936").exit_code == 0
    assert tree(folder / "result.gif") == tree(folder / "of.1936") == {"one-colorized.jpg"}


def test_a_file_in_the_place_of_a_folder_fails_and_the_others_are_coloured(folder: Path) -> None:
    (folder / "out").mkdir()
    (folder / "out/deep").write_bytes(b"mine")
    result = colorize("album", "-o", "out", "--json")
    assert result.exit_code == 1
    records = {record["source"]: record for record in json.loads(result.stdout)}
    for name in ("album/deep/one.jpg", "album/deep/er/three.jpg"):
        assert records[name]["status"] == "failed"
        assert records[name]["reason"] == "out/deep is a file, not a folder."
    assert tree(folder / "out") == {"deep", "one-colorized.jpg", "two-colorized.JPG"}


@pytest.mark.parametrize("suffix", [".jfif", ".jpe", ".JFIF"])
def test_further_suffixes_of_jpeg(folder: Path, jpeg: bytes, suffix: str) -> None:
    (folder / "shots").mkdir()
    (folder / f"shots/a{suffix}").write_bytes(jpeg)
    for options in ([], ["--overwrite", "--format", "JPG"]):
        assert colorize("shots", *options).exit_code == 0
        assert tree(folder / "shots") == {f"a{suffix}", f"a-colorized{suffix}"}
        with Image.open(folder / f"shots/a-colorized{suffix}") as image:
            assert image.format == "JPEG"


@pytest.mark.parametrize("name, format", [("jpg", "JPEG"), ("tif", "TIFF"), ("JPEG", "JPEG")])
def test_a_format_may_be_named_by_a_suffix(jpeg: bytes, name: str, format: str) -> None:
    result = colorize("-", "--format", name, input=jpeg)
    assert result.exit_code == 0, result.output
    with Image.open(io.BytesIO(result.stdout_bytes)) as image:
        assert image.format == format


def test_the_resolution_is_kept(folder: Path) -> None:
    Image.new("L", (80, 60), 90).save("scan.png", dpi=(600, 600))
    for suffix in ("png", "jpg", "tif", "bmp"):
        assert colorize("scan.png", "-o", f"new.{suffix}").exit_code == 0
        with Image.open(f"new.{suffix}") as image:
            assert image.info["dpi"] == pytest.approx((600, 600), abs=0.1)


def lack_of_memory() -> cv2.error:
    error = cv2.error("Failed to allocate 1 bytes")
    error.code = cv2.Error.StsNoMem
    return error


@pytest.mark.parametrize("error", [MemoryError(), lack_of_memory()])
def test_lack_of_memory_is_one_sentence(
    folder: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    fail_on(monkeypatch, "one.jpg", error)
    result = colorize("album/one.jpg")
    assert result.exit_code == 1
    assert result.stderr == "Error: album/one.jpg needs more memory than there is.\n"
    assert colorize("album", "-o", "out").exit_code == 1
    assert tree(folder / "out") == {"two-colorized.JPG", "deep/er/three-colorized.jpg"}


@pytest.mark.parametrize("error", [RuntimeError("odd"), cv2.error("odd")])
def test_an_unforeseen_error_costs_one_picture_of_many(
    folder: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
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


def test_a_picture_named_twice_is_coloured_once(folder: Path) -> None:
    result = colorize("album/one.jpg", "album/../album/one.jpg", "album", "-o", "out", "--json")
    assert result.exit_code == 0, result.output
    assert len(json.loads(result.stdout)) == 4


@pytest.mark.parametrize("output", ["file.png", "taken"])
def test_one_output_file_for_several_pictures_is_refused(folder: Path, output: str) -> None:
    (folder / "taken").write_bytes(b"mine")
    result = colorize("album", "-o", output)
    assert result.exit_code == 2
    assert f"-o {output} names one file: name a folder" in result.stderr


@pytest.mark.parametrize("alias", ["itself", "symlink", "hardlink", "stdin"])
def test_an_original_is_never_replaced(folder: Path, alias: str) -> None:
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


def test_no_picture_of_the_run_is_replaced_by_anothers_result(folder: Path) -> None:
    (folder / "out").mkdir()
    os.link(folder / "album/two.JPG", folder / "out/one-colorized.jpg")
    before = snapshot(folder)
    result = colorize("album/one.jpg", "album/two.JPG", "-o", "out", "--overwrite")
    assert result.exit_code == 2
    assert snapshot(folder) == before


def test_standard_input_to_standard_output(jpeg: bytes) -> None:
    for arguments, image_format in (["-"], "JPEG"), (["-", "-o", "-", "--format", "png"], "PNG"):
        result = colorize(*arguments, input=jpeg)
        assert (result.exit_code, result.stderr) == (0, "")
        with Image.open(io.BytesIO(result.stdout_bytes)) as image:
            assert (image.format, image.size, image.mode) == (image_format, (80, 60), "RGB")


def test_standard_input_to_a_file_of_no_known_format(jpeg: bytes, folder: Path) -> None:
    result = colorize("-", "-o", "new.xyz", input=jpeg)
    assert result.exit_code == 1
    assert "new.xyz names no format" in result.stderr
    assert not (folder / "new.xyz").exists()


def test_standard_input_to_a_file_and_a_file_to_standard_output(folder: Path, jpeg: bytes) -> None:
    result = colorize("-", "-o", "new.png", "--json", input=jpeg)
    assert result.exit_code == 0, result.output
    (record,) = json.loads(result.stdout)
    assert (record["source"], record["destination"]) == ("-", "new.png")
    assert is_coloured(folder / "new.png")
    result = colorize("album/one.jpg", "-o", "-")
    with Image.open(io.BytesIO(result.stdout_bytes)) as image:
        assert image.size == (80, 60)


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
        (["album/one.jpg", "-o", "result.gif"], 2, "-o result.gif names no format to write: JPEG"),
        (["album", "-o", "results.GIF"], 2, "-o results.GIF names no format to write: JPEG"),
        ([], 2, "Missing argument"),
    ],
)
def test_misuse_is_one_sentence(
    folder: Path, arguments: list[str], code: int, sentence: str
) -> None:
    before = snapshot(folder)
    result = colorize(*arguments, input=b"")
    assert result.exit_code == code, result.output
    assert sentence in result.stderr
    assert snapshot(folder) == before


def test_options_reach_the_picture(folder: Path) -> None:
    assert colorize("album/one.jpg", "-o", "plain.png").exit_code == 0
    assert colorize("album/one.jpg", "-o", "grey.png", "--saturation", "0").exit_code == 0
    assert colorize("album/one.jpg", "-o", "large.png", "--size", "512").exit_code == 0
    assert is_coloured(folder / "plain.png")
    assert not is_coloured(folder / "grey.png")
    pixels: dict[str, Any] = {
        name: np.asarray(Image.open(io.BytesIO((folder / name).read_bytes())))
        for name in ("plain.png", "large.png")
    }
    assert not np.array_equal(pixels["plain.png"], pixels["large.png"])
    for quality in ("20", "100"):
        assert (
            colorize("album/one.jpg", "-o", f"{quality}.jpg", "--quality", quality).exit_code == 0
        )
    assert (folder / "20.jpg").stat().st_size < (folder / "100.jpg").stat().st_size


@pytest.mark.parametrize("jobs", [1, 3])
def test_every_number_of_jobs_gives_the_same_pictures(folder: Path, jobs: int) -> None:
    assert colorize("album", "-o", "out", "--jobs", jobs, "--format", "png").exit_code == 0
    assert colorize("album/one.jpg", "-o", "single.png").exit_code == 0
    one = np.asarray(Image.open(io.BytesIO((folder / "out/one-colorized.png").read_bytes())))
    single = np.asarray(Image.open(io.BytesIO((folder / "single.png").read_bytes())))
    assert np.abs(one.astype(int) - single).max() <= 2  # kernels differ with their threads


def test_records_come_in_the_order_of_the_pictures(folder: Path, jpeg: bytes) -> None:
    for index in range(12):
        (folder / f"{index:02}.jpg").write_bytes(jpeg)
    result = colorize("*.jpg", "-o", "out", "--json", "--jobs", "4")
    sources = [record["source"] for record in json.loads(result.stdout)]
    assert sources == [f"{index:02}.jpg" for index in range(12)]
