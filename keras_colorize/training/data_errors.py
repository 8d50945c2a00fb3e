"""Errors of a training that its photographs are to blame for."""

from collections.abc import Iterator
from contextlib import contextmanager

from keras_colorize.data.shards import ShardFolder
from keras_colorize.training.backends import TrainingSet
from keras_colorize.training.callbacks import DivergenceError
from keras_colorize.training.checkpointer import TrainingStopped
from keras_colorize.training.runs import RunError


@contextmanager
def explain_data_errors(photographs: TrainingSet) -> Iterator[None]:
    """Says which photograph is to blame for an error of the training within, if one is.

    Args:
        photographs: that it reads.

    Raises:
        RunError: a file is not there any more.
        ShardError: a shard is not what was made any more.
    """
    try:
        yield
    except (TrainingStopped, DivergenceError, RunError):  # no photograph is to blame
        raise
    except Exception as error:  # each backend has its own for a file that is gone or damaged
        for path in photographs.paths:
            if not path.exists():
                message = f"{path} is gone; the same command goes on when it is back."
                raise RunError(message) from error
        if isinstance(photographs, ShardFolder):
            photographs.check()
        raise
