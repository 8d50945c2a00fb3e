"""Where a run goes on."""

from typing import Any

from keras_colorize.training.callbacks import Progress
from keras_colorize.training.runs import Checkpoint, Run


def resume(
    run: Run, gan: Any, *, epochs: int, steps: int, batch_size: int
) -> tuple[Checkpoint, Progress]:
    """Takes a run back to its last checkpoint that can be read, or to its start.

    Args:
        run: what it wrote of later epochs is forgotten.
        gan: as in `Run.load_checkpoint`.
        epochs: of the whole run.
        steps: of an epoch.
        batch_size: images a step.

    Returns:
        The checkpoint, and the progress of the rest, which has named the damaged ones.

    Raises:
        RunError: there are checkpoints, and none can be read.
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
        progress.say(f"{path} cannot be read ({reason}); going on from the one before.")
    if lost:
        progress.say(
            f"{run.folder / 'metrics.jsonl'} was damaged: it lacks the epochs "
            f"{', '.join(map(str, lost))}, which neither the report nor the choice of best.keras "
            "takes into account."
        )
    return checkpoint, progress
