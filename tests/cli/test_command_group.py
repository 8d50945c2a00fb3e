import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

import keras_colorize
from keras_colorize.cli.main import CommandGroup, main


class PackageError(ValueError):
    """Stands for the package's own exceptions."""


PackageError.__module__ = "keras_colorize.imaging.images"


def fail_with(error: BaseException, command: str = "train") -> Result:
    """Run a group whose one command raises `error`."""

    class Group(CommandGroup):
        def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command:
            return click.Command(cmd_name, callback=callback)

    def callback() -> None:
        raise error

    return CliRunner().invoke(Group(name="keras-colorize"), [command])


@pytest.mark.parametrize(
    "module, command, line",
    [
        ("tensorboardX", "train", 'pip install ".[train]" in a clone of keras-colorize'),
        ("keras.src", "export", 'pip install ".[export]" in a clone of keras-colorize'),
        (
            "tensorflow_model_optimization",
            "compress",
            'pip install ".[compress]" in a clone of keras-colorize',
        ),
        ("keras", "compress", 'pip install ".[compress]" in a clone of keras-colorize'),
        ("tensorflow_serving", "export", 'pip install ".[export]" in a clone of keras-colorize'),
        ("onnxruntime", "colorize", 'pip install ".[onnx]" in a clone of keras-colorize'),
        ("onnxruntime", "export", 'pip install ".[export]" in a clone of keras-colorize'),
        ("tf2onnx", "export", 'pip install ".[export]" in a clone of keras-colorize'),
        ("matplotlib.pyplot", "evaluate", 'pip install ".[train]" in a clone of keras-colorize'),
    ],
)
def test_a_missing_extra_is_one_line_that_says_what_to_install(
    module: str, command: str, line: str
) -> None:
    result = fail_with(ModuleNotFoundError(f"No module named {module!r}", name=module), command)
    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1
    assert module in result.stderr
    assert line in result.stderr


BROKEN = ImportError("libGL.so.1: cannot open\nshared object file", name="cv2")


def test_a_library_that_cannot_be_loaded_is_one_line() -> None:
    result = fail_with(BROKEN)
    assert result.exit_code == 1
    assert result.stderr == (
        "Error: A library cannot be loaded: libGL.so.1: cannot open shared object file. "
        "Reinstall it, or install what it needs.\n"
    )


def test_help_that_meets_a_broken_library_shows_no_trace() -> None:
    class Group(CommandGroup):
        def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command:
            raise BROKEN

    result = CliRunner().invoke(Group(name="keras-colorize"), ["--help"])
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: A library cannot be loaded: libGL")


def test_no_file_takes_the_place_of_a_closed_stream() -> None:
    code = """
import os, sys, click
from keras_colorize.cli import main as module

def command():
    sys.stderr.write("a progress bar")
    with open(os.devnull) as first:
        os._exit(40 + first.fileno())

module.CommandGroup.get_command = lambda *_: click.Command("train", callback=command)
module.main(["train"])
"""
    done = subprocess.run(["bash", "-c", '"$0" -c "$1" <&- >&- 2>&-', sys.executable, code])
    assert done.returncode == 43  # it is the first after standard error


@pytest.mark.parametrize(
    "error, sentence",
    [
        (PackageError("old.jpg is empty."), "Error: old.jpg is empty."),
        (PermissionError(13, "Permission denied", "o.jpg"), "Error: o.jpg: Permission denied."),
        (FileExistsError("o.jpg exists."), "Error: o.jpg exists."),
    ],
)
def test_errors_for_the_user_are_one_sentence(error: Exception, sentence: str) -> None:
    result = fail_with(error)
    assert result.exit_code == 1
    assert result.stderr == f"{sentence}\n"


@pytest.mark.parametrize(
    "error",
    [
        ValueError("a mistake of ours"),
        ModuleNotFoundError("no 'nose'", name="nose"),
        ModuleNotFoundError("no module", name="keras_colorize.colour"),
        ImportError("cannot import name 'colour'", name="keras_colorize.imaging.color"),
    ],
)
def test_mistakes_of_the_program_keep_their_trace(error: Exception) -> None:
    assert fail_with(error).exception is error


def test_interrupt_says_so_and_exits_with_130() -> None:
    result = fail_with(KeyboardInterrupt())
    assert result.exit_code == 130
    assert result.stderr == "Interrupted.\n"


def test_ctrl_c_reaches_a_running_program() -> None:
    code = """
import os, signal, click
from keras_colorize.cli import main as module
command = click.Command("train", callback=lambda: os.kill(os.getpid(), signal.SIGINT))
module.CommandGroup.get_command = lambda *_: command
module.main(["train"])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "Interrupted.\n")


def test_version() -> None:
    result = CliRunner().invoke(main, ["--version"])
    assert result.output == f"keras-colorize, version {keras_colorize.__version__}\n"


def test_a_file_or_folder_in_the_place_of_a_command_is_coloured(
    folder: Path, colorize: Callable[..., Result], snapshot: Callable[[Path], dict[str, bytes]]
) -> None:
    arguments = ["album/two.JPG", "album/deep", "-o", "out", "--format", "png"]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    made = snapshot(folder / "out")
    assert set(made) == {"two-colorized.png", "one-colorized.png", "er/three-colorized.png"}
    assert colorize(*arguments, "--overwrite").exit_code == 0
    assert snapshot(folder / "out") == made


def test_a_command_goes_before_a_file_of_its_name(folder: Path) -> None:
    (folder / "doctor").mkdir()
    result = CliRunner().invoke(main, ["doctor", "--help"])
    assert result.output.startswith("Usage: main doctor [OPTIONS]")


def test_the_other_spelling_is_the_same_command_and_is_listed_once() -> None:
    results = [CliRunner().invoke(main, [name, "-h"]) for name in ("colorise", "colorize")]
    assert [result.exit_code for result in results] == [0, 0]
    assert results[0].output == results[1].output
    assert "colorise" not in CliRunner().invoke(main, ["--help"]).output


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        (["colour"], "No such command 'colour'. Did you mean 'colorize'?"),
        (["exprot", "x"], "No such command 'exprot'. Did you mean 'export'?"),
        (["odl.jpg"], "No such command 'odl.jpg', and no file or folder has this name."),
    ],
)
def test_a_misspelt_command_is_a_sentence(arguments: list[str], sentence: str) -> None:
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2
    assert result.stderr.splitlines()[-1] == f"Error: {sentence}"


@pytest.mark.parametrize(
    "arguments, option",
    [
        (["colorize", "--saturaton", "2"], "--saturation"),
        (["doctor", "--jsn"], "--json"),
        (["--versoin"], "--version"),
    ],
)
def test_a_misspelt_option_names_the_right_one(arguments: list[str], option: str) -> None:
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2
    assert re.search(f"Did you mean '?{option}'?\\?", result.stderr)
