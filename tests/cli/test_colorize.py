"""`keras-colorize colorize`: which files it makes of which pictures, and what is in them."""

import io
import json
import os

import numpy as np
import pytest
from PIL import Image


def test_one_picture_beside_the_original(folder, colorize, tree, is_coloured, snapshot):
    before = snapshot(folder)
    result = colorize("album/one.jpg")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == "album/one-colorized.jpg\n"
    assert is_coloured(folder / "album/one-colorized.jpg")
    assert tree(folder) == set(before) | {"album/one-colorized.jpg"}
    assert {name: (folder / name).read_bytes() for name in before} == before


def test_output_as_a_file_or_a_folder(folder, colorize, tree):
    assert colorize("album/one.jpg", "-o", "new.png").exit_code == 0
    with Image.open("new.png") as image:
        assert image.format == "PNG"
    assert colorize("album/one.jpg", "-o", "out").exit_code == 0
    assert tree(folder / "out") == {"one-colorized.jpg"}


def test_a_folder_keeps_its_tree(folder, colorize, tree, is_coloured):
    result = colorize("album", "-o", "out", "--format", "png")
    assert result.exit_code == 0, result.output
    assert result.stderr == (
        "Coloured 4 of 4 pictures.\n1 file was not a picture: album/notes.txt.\n"
    )
    assert result.stdout == ""
    assert tree(folder / "out") == {
        "one-colorized.png",
        "two-colorized.png",
        "deep/one-colorized.png",
        "deep/er/three-colorized.png",
    }
    assert all(is_coloured(folder / "out" / name) for name in tree(folder / "out"))


def test_a_folder_is_resumed(folder, colorize, tree, is_coloured):
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


def test_what_a_killed_run_left_goes_though_nothing_is_to_be_done(folder, colorize, tree):
    assert colorize("album").exit_code == 0
    made = tree(folder)
    for place in ("album", "album/deep"):
        left = folder / place / f".keras-colorize-{'0' * 16}.tmp"
        left.write_bytes(b"half")
        os.utime(left, (0, 0))
    assert colorize("album").exit_code == 0
    assert tree(folder) == made


def test_results_inside_the_folder_are_not_originals(folder, colorize, tree):
    for _ in range(2):
        assert colorize("album", "-o", "album/out", "--overwrite").exit_code == 0
    assert len(tree(folder / "album/out")) == 4


def test_quoted_patterns_keep_the_tree_below_their_fixed_part(folder, colorize, tree):
    result = colorize("album/**/one.jpg", "-o", "out")
    assert result.exit_code == 0, result.output
    assert tree(folder / "out") == {"one-colorized.jpg", "deep/one-colorized.jpg"}


def test_a_picture_whose_name_looks_like_a_pattern(folder, jpeg, colorize, is_coloured):
    (folder / "scan[1].jpg").write_bytes(jpeg)
    assert colorize("scan[1].jpg").exit_code == 0
    assert is_coloured(folder / "scan[1]-colorized.jpg")


def test_files_named_colorized_are_skipped_unless_alone(folder, jpeg, colorize, tree, is_coloured):
    (folder / "one-colorized.jpg").write_bytes(jpeg)
    (folder / "one.jpg").write_bytes(jpeg)
    assert colorize("one.jpg", "one-colorized.jpg", "-o", "out").exit_code == 0
    assert colorize("*.jpg", "-o", "out2").exit_code == 0
    assert tree(folder / "out") == tree(folder / "out2") == {"one-colorized.jpg"}
    assert colorize("one-colorized.jpg").exit_code == 0
    assert is_coloured(folder / "one-colorized-colorized.jpg")


def test_folders_in_one_another(folder, colorize, tree):
    result = colorize("album", "album/deep", "album/deep/er/three.jpg", "-o", "out")
    assert result.exit_code == 0, result.output
    assert tree(folder / "out") == {
        "one-colorized.jpg",
        "two-colorized.JPG",
        "deep/one-colorized.jpg",
        "deep/er/three-colorized.jpg",
    }


def test_a_folder_with_the_name_of_a_picture(folder, colorize, tree):
    (folder / "result.gif").mkdir()
    assert colorize("album/one.jpg", "-o", "result.gif").exit_code == 0
    assert colorize("album/one.jpg", "-o", "of.1936").exit_code == 0
    assert tree(folder / "result.gif") == tree(folder / "of.1936") == {"one-colorized.jpg"}


@pytest.mark.parametrize("suffix", [".jfif", ".jpe", ".JFIF"])
def test_further_suffixes_of_jpeg(folder, jpeg, suffix, colorize, tree):
    (folder / "shots").mkdir()
    (folder / f"shots/a{suffix}").write_bytes(jpeg)
    for options in ([], ["--overwrite", "--format", "JPG"]):
        assert colorize("shots", *options).exit_code == 0
        assert tree(folder / "shots") == {f"a{suffix}", f"a-colorized{suffix}"}
        with Image.open(folder / f"shots/a-colorized{suffix}") as image:
            assert image.format == "JPEG"


@pytest.mark.parametrize("name, format", [("jpg", "JPEG"), ("tif", "TIFF"), ("JPEG", "JPEG")])
def test_a_format_may_be_named_by_a_suffix(jpeg, name, format, colorize):
    result = colorize("-", "--format", name, input=jpeg)
    assert result.exit_code == 0, result.output
    with Image.open(io.BytesIO(result.stdout_bytes)) as image:
        assert image.format == format


def test_the_resolution_is_kept(folder, colorize):
    Image.new("L", (80, 60), 90).save("scan.png", dpi=(600, 600))
    for suffix in ("png", "jpg", "tif", "bmp"):
        assert colorize("scan.png", "-o", f"new.{suffix}").exit_code == 0
        with Image.open(f"new.{suffix}") as image:
            assert image.info["dpi"] == pytest.approx((600, 600), abs=0.1)


def test_a_picture_named_twice_is_coloured_once(folder, colorize):
    result = colorize("album/one.jpg", "album/../album/one.jpg", "album", "-o", "out", "--json")
    assert result.exit_code == 0, result.output
    assert len(json.loads(result.stdout)) == 4


def test_standard_input_to_standard_output(jpeg, colorize):
    for arguments, image_format in (["-"], "JPEG"), (["-", "-o", "-", "--format", "png"], "PNG"):
        result = colorize(*arguments, input=jpeg)
        assert (result.exit_code, result.stderr) == (0, "")
        with Image.open(io.BytesIO(result.stdout_bytes)) as image:
            assert (image.format, image.size, image.mode) == (image_format, (80, 60), "RGB")


def test_standard_input_to_a_file_and_a_file_to_standard_output(
    folder, jpeg, colorize, is_coloured
):
    result = colorize("-", "-o", "new.png", "--json", input=jpeg)
    assert result.exit_code == 0, result.output
    (record,) = json.loads(result.stdout)
    assert (record["source"], record["destination"]) == ("-", "new.png")
    assert is_coloured(folder / "new.png")
    result = colorize("album/one.jpg", "-o", "-")
    with Image.open(io.BytesIO(result.stdout_bytes)) as image:
        assert image.size == (80, 60)


def test_borders_are_left_out_unless_asked(folder, colorize, make_picture):
    scan = Image.new("RGB", (200, 160), "white")
    scan.paste(make_picture(2, 160, 130), (20, 12))
    scan.save(folder / "scan.png")
    for name, options in (("adapted", []), ("as-it-is", ["--no-adapt"])):
        assert colorize("scan.png", "-o", f"{name}.png", *options).exit_code == 0
    adapted, plain = (
        np.asarray(Image.open(io.BytesIO((folder / f"{name}.png").read_bytes())))
        for name in ("adapted", "as-it-is")
    )
    assert (adapted[:12] == 255).all() and (adapted[:, -20:] == 255).all()
    assert np.ptp(adapted[12:142, 20:180].astype(int), axis=-1).max() > 5
    assert not np.array_equal(adapted, plain)


def test_options_reach_the_picture(folder, colorize, is_coloured):
    assert colorize("album/one.jpg", "-o", "plain.png").exit_code == 0
    assert colorize("album/one.jpg", "-o", "grey.png", "--saturation", "0").exit_code == 0
    assert colorize("album/one.jpg", "-o", "large.png", "--size", "512").exit_code == 0
    assert is_coloured(folder / "plain.png")
    assert not is_coloured(folder / "grey.png")
    pixels = {
        name: np.asarray(Image.open(io.BytesIO((folder / name).read_bytes())))
        for name in ("plain.png", "large.png")
    }
    assert not np.array_equal(pixels["plain.png"], pixels["large.png"])
    assert colorize("album/one.jpg", "-o", "again.png", "--no-adapt").exit_code == 0
    assert is_coloured(folder / "again.png")
    for quality in ("20", "100"):
        assert (
            colorize("album/one.jpg", "-o", f"{quality}.jpg", "--quality", quality).exit_code == 0
        )
    assert (folder / "20.jpg").stat().st_size < (folder / "100.jpg").stat().st_size


@pytest.mark.parametrize("jobs", [1, 3])
def test_every_number_of_jobs_gives_the_same_pictures(folder, jobs, colorize):
    assert colorize("album", "-o", "out", "--jobs", jobs, "--format", "png").exit_code == 0
    assert colorize("album/one.jpg", "-o", "single.png").exit_code == 0
    one = np.asarray(Image.open(io.BytesIO((folder / "out/one-colorized.png").read_bytes())))
    single = np.asarray(Image.open(io.BytesIO((folder / "single.png").read_bytes())))
    assert np.abs(one.astype(int) - single).max() <= 2  # kernels differ with their threads


def test_records_come_in_the_order_of_the_pictures(folder, jpeg, colorize):
    for index in range(12):
        (folder / f"{index:02}.jpg").write_bytes(jpeg)
    result = colorize("*.jpg", "-o", "out", "--json", "--jobs", "4")
    sources = [record["source"] for record in json.loads(result.stdout)]
    assert sources == [f"{index:02}.jpg" for index in range(12)]
