"""Every command explains itself, its help ends in an example, and the reference is current."""

import pkgutil
import re
import shlex
import sys
from importlib import import_module
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

import keras_colorize.cli
from keras_colorize.cli.main import COMMANDS, main


def load(name: str) -> click.Command:
    command = main.get_command(click.Context(main), name)
    assert command is not None
    return command


def help_of(*arguments: str) -> str:
    result = CliRunner().invoke(main, [*arguments, "--help"], prog_name="keras-colorize")
    assert result.exit_code == 0, result.output
    return result.output


def test_every_command_module_is_a_command() -> None:
    names = [module.name for module in pkgutil.iter_modules(keras_colorize.cli.__path__)]
    modules = {name: import_module(f"keras_colorize.cli.{name}") for name in names}
    assert set(COMMANDS) == {name for name in names if hasattr(modules[name], "command")}


@pytest.mark.parametrize("name", COMMANDS)
def test_help_ends_in_an_example_of_the_command(name: str) -> None:
    ending = re.split(r"\n\s*Examples?:", help_of(name))[1]
    examples = re.split(r"\s+(?=keras-colorize )", ending)[1:]
    assert len(examples) >= 1
    for example in examples:
        program, command, *arguments = shlex.split(example)
        assert (program, command) == ("keras-colorize", name)
        load(name).make_parser(click.Context(load(name))).parse_args(arguments)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_explained(name: str) -> None:
    options = [p for p in load(name).params if isinstance(p, click.Option)]
    assert [option.name for option in options if not option.help] == []


def test_the_programs_help_lists_the_commands_and_ends_in_an_example() -> None:
    text = help_of()
    for name in COMMANDS:
        (line,) = (line for line in text.splitlines() if line.split()[:1] == [name])
        assert len(line.split()) > 2
        assert not line.endswith("...")
    assert text.splitlines()[-1].strip().startswith("keras-colorize ")


def test_the_page_on_the_command_line_is_current(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(repository / "docs")
    monkeypatch.delitem(sys.modules, "command_line", raising=False)
    text = (repository / "docs" / "command-line.md").read_text()
    assert text == import_module("command_line").page(), "make reference renews it"


def test_an_unknown_command_is_a_usage_error() -> None:
    result = CliRunner().invoke(main, ["colour"])
    assert result.exit_code == 2
    assert "No such command 'colour'" in result.output
