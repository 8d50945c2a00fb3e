"""Trainings that are stopped, and go on when their command is given again."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import click


@contextmanager
def stoppable() -> Iterator[None]:
    """Ends the command when the training within is stopped, and says how it goes on.

    Raises:
        KeyboardInterrupt: after Ctrl-C.
        click.exceptions.Exit: after SIGTERM or SIGHUP, with 0: the command did what it was asked
            to.
    """
    from keras_colorize.training.checkpointer import TrainingStopped

    try:
        yield
    except (KeyboardInterrupt, TrainingStopped) as stopped:
        with suppress(OSError):  # the terminal may be what is gone
            click.echo("Stopped. The same command goes on from there.", err=True)
        if isinstance(stopped, KeyboardInterrupt):
            raise
        raise click.exceptions.Exit(0) from None
