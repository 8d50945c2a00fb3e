"""What the commands that train have in common: their photographs, Keras, and being stopped."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import click

from keras_colorize.cli.printing import without_controls
from keras_colorize.inference.quiet import import_quietly

_SHOWN = 10  # files named of those left out


def prepare_keras() -> Path:
    """Imports Keras and its backend quietly, so that modules that import them may follow.

    Returns:
        The folder for caches. What JAX compiles is kept there for runs that continue.
    """
    import platformdirs

    cache = platformdirs.user_cache_path("keras-colorize")
    os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(cache / "jax"))
    import_quietly("keras")
    return Path(cache)


def open_training_set(folder: Path) -> Any:
    """Opens a folder of photographs or shards as a `TrainingSet` and reports what it holds."""
    cache = prepare_keras()
    from keras_colorize.data.layouts import open_photographs
    from keras_colorize.data.shards import ShardFolder

    photographs = open_photographs(folder, cache=cache / "scans")
    left_out: dict[Path, str] = {}
    if isinstance(photographs, ShardFolder):
        about = f"in {len(photographs.shards)} shards"
    else:
        left_out = photographs.unreadable
        about = (
            f"({len(photographs.near_grey)} near-grey and {len(left_out)} unreadable ones left out)"
        )
    click.echo(f"{photographs.count} photographs {about}", err=True)
    say_left_out(list(left_out.items()))
    return photographs


def say_left_out(unreadable: Sequence[tuple[object, str]]) -> None:
    """Lists the first few files that were left out, each with the reason."""
    for file, reason in unreadable[:_SHOWN]:
        click.echo(without_controls(f"  left out: {file}: {reason}"), err=True)
    if len(unreadable) > _SHOWN:
        click.echo(f"  and {len(unreadable) - _SHOWN} more", err=True)


@contextmanager
def stoppable() -> Iterator[None]:
    """Ends the command when the training within is stopped, and says how it goes on.

    Raises:
        KeyboardInterrupt: after Ctrl-C.
        click.exceptions.Exit: after SIGTERM or SIGHUP, with 0, because the command did as asked.
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
