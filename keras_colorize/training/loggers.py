"""Logging to TensorBoard and, on request, to Weights & Biases."""

import json
import os
import uuid
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tensorboardX import SummaryWriter

from keras_colorize.evaluation.figures import grid
from keras_colorize.imaging.images import read_rgb
from keras_colorize.training.runs import Run

_GROUPS = {"_loss": "losses", "gradient_norm_": "gradient_norms", "val_": "validation"}


class LoggerError(ValueError):
    """Weights & Biases cannot be used. The message is one sentence."""


class Loggers(ExitStack):
    """Logs the record and the samples of each epoch. Use it in a `with` statement.

    Args:
        run: The run. TensorBoard's files are in its subfolder `tensorboard/`. Its `wandb.json`
            holds the id of the run at Weights & Biases.
        epochs: Number of finished epochs. Logs of later epochs are no longer shown.
        wandb: Whether to log to Weights & Biases.
    """

    def __init__(self, run: Run, epochs: int, *, wandb: bool) -> None:
        super().__init__()
        self.run = run
        self.epochs = epochs
        self.wandb = wandb

    def __enter__(self) -> "Loggers":
        """Opens the logs.

        Raises:
            LoggerError: Weights & Biases cannot be used as it is set up.
        """
        self.online = self.enter_context(self._start_wandb()) if self.wandb else None
        self.board = self.enter_context(
            SummaryWriter(
                str(self.run.folder / "tensorboard"),
                purge_step=self.epochs + 1,
                filename_suffix=f".{self.epochs}",  # never overwrites an earlier file
            )
        )
        return self

    def log(self, record: dict[str, Any], samples: Path) -> None:
        """Logs an epoch: its record in `metrics.jsonl` and the path of its sample picture."""
        step = record["epoch"]
        values = {_tag(name): value for name, value in record.items() if value is not None}
        for tag, value in values.items():
            self.board.add_scalar(tag, value, step)
        picture = read_rgb(samples)
        half = grid([[picture]], len(picture) // 2)  # at full size, the logs soon take a gigabyte
        self.board.add_image("samples", half, step, dataformats="HWC")
        self.board.flush()
        if self.online is not None:
            import wandb

            self.online.log({**values, "samples": wandb.Image(str(samples))}, step=step)

    def _start_wandb(self) -> Any:
        import wandb

        folder = self.run.folder.resolve()
        identity = folder / "wandb.json"
        if not identity.exists():
            self.run.write_json(identity.name, {"id": uuid.uuid4().hex[:12]})
        try:
            return wandb.init(
                project=os.environ.get("WANDB_PROJECT", "keras-colorize"),
                name=folder.name,
                id=json.loads(identity.read_text())["id"],
                resume="allow",
                dir=str(folder),
                config=self.run.configuration,
            )
        except wandb.Error as error:
            reason = str(error).partition("\n")[0].rstrip(".")
            raise LoggerError(
                f"Weights & Biases cannot be used ({reason}); WANDB_MODE=offline needs no account."
            ) from error


def _tag(name: str) -> str:
    """Adds a group before a slash, as TensorBoard and Weights & Biases show it."""
    group = next((group for part, group in _GROUPS.items() if part in name), "training")
    return f"{group}/{name}"
