"""Continuing a run."""

from typing import Any

from keras_colorize.training.callbacks import Progress
from keras_colorize.training.runs import Checkpoint, Run


def resume(
    run: Run, gan: Any, *, epochs: int, steps: int, batch_size: int
) -> tuple[Checkpoint, Progress]:
    """Restores a run from its last readable checkpoint, or from its start if there is none.

    It reports damaged checkpoints and metrics.

    Args:
        run: The run. Its metrics of later epochs are removed.
        gan: See `Run.load_checkpoint`.
        epochs: Number of epochs of the whole run.
        steps: Number of steps in an epoch.
        batch_size: Number of images in a step.

    Returns:
        The checkpoint, and the progress bar for the rest of the run.

    Raises:
        RunError: There are checkpoints, but none of them can be read.
    """
    checkpoint = run.load_checkpoint(gan)
    lost = run.mend_metrics(checkpoint.epochs)
    progress = Progress(
        steps_done=checkpoint.epochs * steps + checkpoint.steps,
        steps=epochs * steps,
        steps_per_epoch=steps,
        batch_size=batch_size,
    )
    for path, reason in checkpoint.damaged.items():
        progress.say(f"{path} cannot be read ({reason}); continuing from the one before.")
    if lost:
        progress.say(
            f"{run.folder / 'metrics.jsonl'} was damaged: it lacks the epochs "
            f"{', '.join(map(str, lost))}, so the report and the choice of best.keras ignore them."
        )
    return checkpoint, progress
