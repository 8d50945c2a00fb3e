"""Errors of a training that are caused by its photographs."""

from collections.abc import Iterator
from contextlib import contextmanager

from keras_colorize.data.shards import ShardFolder
from keras_colorize.training.backends import TrainingSet
from keras_colorize.training.callbacks import DivergenceError
from keras_colorize.training.checkpointer import TrainingStopped
from keras_colorize.training.runs import RunError


@contextmanager
def explain_data_errors(photographs: TrainingSet) -> Iterator[None]:
    """Replaces an error of a training by one that names the photograph or shard at fault.

    Other errors are raised again.

    Raises:
        RunError: A file no longer exists.
        ShardError: A shard has changed since it was written.
    """
    try:
        yield
    except (TrainingStopped, DivergenceError, RunError):  # not caused by photographs
        raise
    except Exception as error:  # backends raise different errors for missing or damaged files
        for path in photographs.paths:
            if not path.exists():
                message = f"{path} is gone; run the same command again when it is back."
                raise RunError(message) from error
        if isinstance(photographs, ShardFolder):
            photographs.check()
        raise
