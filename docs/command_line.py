"""Writes docs/command-line.md, which holds the help of every command: `make reference`."""

from pathlib import Path

from click.testing import CliRunner

from keras_colorize.cli.main import COMMANDS, main
from keras_colorize.imaging.files import atomic_file

PAGE = Path(__file__).parent / "command-line.md"
WIDTH = 84  # characters that fit into a page of the site
INTRODUCTION = """# Command line

This page lists all commands of `keras-colorize` and their options, as `--help` prints them.
`make reference` writes it.

"""


def page() -> str:
    """Makes the page from what the commands print."""
    commands = [f"- [{name}](#{name})\n" for name in COMMANDS]
    sections = [f"\n## {name}\n\n```text\n{help_of(name)}```\n" for name in COMMANDS]
    return "".join([INTRODUCTION, *commands, *sections])


def help_of(name: str) -> str:
    """Runs a command with `--help`."""
    arguments = [name, "--help"]
    done = CliRunner().invoke(main, arguments, prog_name="keras-colorize", terminal_width=WIDTH)
    if done.exit_code:
        raise RuntimeError(done.output)
    return done.output


if __name__ == "__main__":
    with atomic_file(PAGE, overwrite=True) as file:
        file.write(page().encode())
