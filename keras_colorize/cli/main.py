"""The `keras-colorize` command. It imports the module of a command when that command is used."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from importlib import import_module
from io import TextIOWrapper

import click

import keras_colorize
from keras_colorize.cli.printing import without_controls

COMMANDS = (
    "colorize",
    "train",
    "evaluate",
    "compare",
    "export",
    "compress",
    "prepare",
    "serve",
    "benchmark",
    "doctor",
)
ALIASES = {"colorise": "colorize"}
INTERRUPTED = 128 + 2  # what a shell reports of a program that SIGINT ended


class CommandGroup(click.Group):
    """A group that imports commands when they are used, and reports errors in one sentence."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """List the commands, the most common ones first."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the module of a command, or return `None` if there is no such command."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"keras_colorize.cli.{cmd_name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that the first argument names; a file or folder is coloured.

        Raises:
            click.UsageError: if there is neither a command nor a file of that name.
        """
        name = ALIASES.get(args[0], args[0])
        if self.get_command(ctx, name) is not None:
            return super().resolve_command(ctx, [name, *args[1:]])
        if os.path.exists(name):
            return super().resolve_command(ctx, ["colorize", *args])
        if close := get_close_matches(name, COMMANDS, n=1):
            ctx.fail(f"No such command {name!r}. Did you mean {close[0]!r}?")
        ctx.fail(f"No such command {name!r}, and no file or folder has this name.")

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments. `--help` imports every command."""
        with _in_sentences(ctx):
            return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> object:
        """Run the command.

        Raises:
            click.ClickException: if a library is missing or broken, or if the command raised an
                `OSError` or an exception of this package, whose text is written for the user.
            click.exceptions.Exit: with code 130, after Ctrl-C.
        """
        _fill_closed_streams()
        # A name that the terminal's encoding lacks is escaped; on standard error Python does so.
        if isinstance(sys.stdout, TextIOWrapper):
            sys.stdout.reconfigure(errors="backslashreplace")
        with _in_sentences(ctx):
            return super().invoke(ctx)


@contextmanager
def _in_sentences(ctx: click.Context) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        click.echo("Interrupted.", err=True)
        raise click.exceptions.Exit(INTERRUPTED) from None
    except BrokenPipeError:
        raise  # click ends quietly when the reader of the output is gone
    except OSError as error:
        raise click.ClickException(without_controls(_os_error_sentence(error))) from error
    except ImportError as error:
        from keras_colorize.cli.extras import import_problem

        problem = import_problem(error, preferred=ctx.invoked_subcommand)
        if problem is None:
            raise
        raise click.ClickException(problem) from error
    except click.ClickException as error:
        vars(error)["message"] = without_controls(error.message, keep="\n\t")
        raise
    except Exception as error:
        if type(error).__module__.partition(".")[0] != keras_colorize.__name__:
            raise
        raise click.ClickException(without_controls(str(error))) from error


def _fill_closed_streams() -> None:
    """Opens the null device in the place of standard streams that are closed.

    Otherwise the next file that is opened would get the number of such a stream, and native code
    that writes to standard error would write into that file.
    """
    while (place := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(place)
    if sys.stderr is None:  # progress bars write to it unasked
        sys.stderr = open(2, "w", closefd=False)


def _os_error_sentence(error: OSError) -> str:
    reason = (error.strerror or str(error)).rstrip(".")
    return f"{error.filename}: {reason}." if error.filename is not None else f"{reason}."


@click.group(
    cls=CommandGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="\b\nExample:\n  keras-colorize colorize old.jpg",
)
@click.version_option(keras_colorize.__version__, prog_name="keras-colorize")
def main() -> None:
    """Colour black-and-white photographs, and train the networks that do it.

    A file or folder in the place of COMMAND is coloured: keras-colorize old.jpg does the same as
    keras-colorize colorize old.jpg.
    """
