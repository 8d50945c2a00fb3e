"""Names of files on terminals that lack their letters, and names that would command one."""

import os
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from keras_colorize.cli.main import CommandGroup, main
from keras_colorize.cli.printing import without_controls


def test_an_encoding_that_lacks_a_letter_costs_no_traceback(folder, jpeg):
    name = "\u0428\u0443\u0440\u0430.jpg"
    (folder / name).write_bytes(jpeg)
    environment = {**os.environ, "PYTHONIOENCODING": "latin-1", "PYTHONUTF8": "1"}
    code = "from keras_colorize.cli.main import main; main()"
    command = [sys.executable, "-c", code, "colorize", name]
    done = subprocess.run(command, capture_output=True, env=environment)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout == rb"\u0428\u0443\u0440\u0430-colorized.jpg" + b"\n"
    assert (folder / "\u0428\u0443\u0440\u0430-colorized.jpg").exists()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain name.jpg", "plain name.jpg"),
        ("caf\u00e9 \u65e5\u672c \U0001f600.jpg", "caf\u00e9 \u65e5\u672c \U0001f600.jpg"),
        ("\x1b[2Jgone\x07.jpg", r"\x1b[2Jgone\x07.jpg"),
        ("two\nlines\r.jpg", r"two\nlines\r.jpg"),
        ("c1 \x9b31m.jpg", r"c1 \x9b31m.jpg"),
        ("gpj.\u202egnp", r"gpj.\u202egnp"),
        ("\u2028", r"\u2028"),
    ],
)
def test_what_commands_a_terminal_is_escaped(text, shown):
    assert without_controls(text) == shown


def test_ends_of_lines_may_stay():
    assert without_controls("a\nb\x1b", keep="\n") == "a\nb\\x1b"


def test_no_sentence_of_the_command_commands_a_terminal(folder, colorize):
    name = "\x1b]0;mine\x07\nError: no.jpg"
    (folder / "album" / name).write_bytes(b"no picture")
    escaped = r"album/\x1b]0;mine\x07\nError: no.jpg"
    for arguments in (["album", "-o", "out"], [f"album/{name}"]):
        result = colorize(*arguments)
        assert result.exit_code == 1
        assert f"{escaped} is not a JPEG" in result.stderr
        assert "\x1b" not in result.stderr and "\x07" not in result.stderr
    (folder / "out").mkdir(exist_ok=True)
    result = colorize("album/one.jpg", "album/two.JPG", "-o", "out/\x1b.jpg")
    assert result.exit_code == 2
    assert r"out/\x1b.jpg names one file" in result.stderr


@pytest.mark.parametrize(
    "error", [OSError(2, "No such file", "\x1b[31m"), click.UsageError("\x1b[31m")]
)
def test_neither_does_that_of_another_command(error):
    def fail():
        raise error

    group = CommandGroup(name="keras-colorize")
    group.get_command = lambda ctx, name: click.Command(name, callback=fail)
    result = CliRunner().invoke(group, ["train"])
    assert r"\x1b[31m" in result.stderr
    assert "\x1b" not in result.stderr


def test_an_address_is_a_sentence(folder):
    for name in ("https://example.org/old.jpg?size=2", "file:///home/me/old.jpg"):
        result = CliRunner().invoke(main, ["colorize", "album/one.jpg", name])
        assert result.exit_code == 2
        assert result.stderr.splitlines()[-1] == (
            f"Error: {name} is an address, not a file: download the picture, and name its file."
        )
        assert not (folder / "album/one-colorized.jpg").exists()


def test_an_address_in_python_is_one_too():
    from keras_colorize.imaging.images import ImageError, read_photograph

    with pytest.raises(ImageError, match=r"^http://a/b\.jpg is an address, not a file: "):
        read_photograph("http://a/b.jpg")
