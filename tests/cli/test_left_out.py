"""What `keras-colorize colorize` leaves out of folders, and that it says so."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from keras_colorize.cli.colorize_report import report_left_out
from keras_colorize.data.folders import photograph_names
from keras_colorize.imaging.walking import is_left_out
from keras_colorize.inference.jobs import find_jobs
from keras_colorize.inference.search import LeftOut


@pytest.fixture
def messy(tmp_path, monkeypatch):
    """A folder as cameras and network storage leave it; nothing in it is decoded."""
    monkeypatch.chdir(tmp_path)
    for name in (
        *("one.jpg", "one-colorized.jpg", "alone-colorized.png", "notes.txt", "film.mov"),
        *("layers.PSD", "camera.nef", ".hidden.jpg", "._one.jpg", ".DS_Store", "Thumbs.db"),
        *("desktop.ini", "@eaDir/one.jpg/SYNOPHOTO_THUMB_M.jpg", "__MACOSX/._one.jpg"),
        *("raw/two.jpg", "raw/proofs/three.jpg", "four-old.jpg"),
    ):
        path = tmp_path / "card" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"-")
    return tmp_path


@pytest.fixture
def planned(capsys):
    """Finds the pictures of paths, and what is said of the files that are left out."""

    def planned(*paths, exclude=()):
        jobs, left_out = find_jobs(paths, exclude=exclude)
        report_left_out(left_out)
        pictures = {job.source.relative_to("card").as_posix() for job in jobs}
        return pictures, capsys.readouterr().err.splitlines()

    return planned


def test_a_folder_says_what_it_left_out(messy, planned):
    pictures, sentences = planned("card")
    assert pictures == {"one.jpg", "raw/two.jpg", "raw/proofs/three.jpg", "four-old.jpg"}
    assert sentences == [
        "2 pictures have formats not read here: card/camera.nef, card/layers.PSD.",
        "2 files were not pictures: card/film.mov, card/notes.txt.",
        "1 file has the name of a result (*-colorized): card/alone-colorized.png.",
    ]
    assert planned("card/*") == (pictures, sentences)
    assert planned("card", "card/*") == (pictures, sentences)


def test_patterns_are_excluded(messy, planned):
    pictures, sentences = planned("card", exclude=("*-old*", "raw/proofs", "*.mov"))
    assert pictures == {"one.jpg", "raw/two.jpg"}
    assert sentences[2] == (
        "3 files or folders were left out by --exclude: "
        "card/film.mov, card/four-old.jpg, card/raw/proofs."
    )
    assert planned("card", exclude=("raw",))[0] == {"one.jpg", "four-old.jpg"}
    assert planned("card", exclude=("proofs/",))[0] == {"one.jpg", "raw/two.jpg", "four-old.jpg"}


def test_the_command_says_it_even_where_nothing_is_left(messy):
    from keras_colorize.cli.main import main

    arguments = ["colorize", "card", "--exclude", "*.jpg", "--exclude", "raw"]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 1
    assert result.stderr.splitlines()[1] == (
        "2 files were not pictures: card/film.mov, card/notes.txt."
    )
    assert result.stderr.splitlines()[-1] == "Error: There is no picture to colour in card."


def test_trainings_leave_out_what_systems_put_there(messy):
    assert photograph_names("card") == [
        *("alone-colorized.png", "four-old.jpg", "one-colorized.jpg", "one.jpg"),
        *("raw/proofs/three.jpg", "raw/two.jpg"),
    ]


def test_long_lists_are_counted(capsys):
    report_left_out(LeftOut(others=[Path(f"{index}.txt") for index in range(9)]))
    assert capsys.readouterr().err == (
        "9 files were not pictures: 0.txt, 1.txt, 2.txt, 3.txt, 4.txt and 4 more.\n"
    )


@pytest.mark.parametrize(
    ("path", "patterns", "expected"),
    [
        ("deep/@eaDir", None, True),
        ("deep/eaDir", None, False),
        ("deep/.x", None, True),
        ("a/b.jpg", ("b*",), True),
        ("a/b.jpg", ("a/*",), True),
        ("c/a/b.jpg", ("a/*",), False),
        ("b.jpg", ("B.jpg",), False),
    ],
)
def test_patterns_are_those_of_a_shell(path, patterns, expected):
    assert is_left_out(path, *([patterns] if patterns else [])) is expected
