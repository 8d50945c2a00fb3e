"""The run folder: configuration, metrics, checkpoints; all that a stopped run needs to go on."""

import json
import os
import platform
import re
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from keras_colorize.imaging.files import atomic_file

KEPT_CHECKPOINTS = 2
_PACKAGES = ("keras-colorize", "tensorflow", "keras", "tensorflow-io", "numpy")


class RunError(ValueError):
    """A run folder that cannot be used, in one sentence."""


class Run:
    """A folder that one training writes to.

    `config.json` (configuration, seed, versions), `metrics.jsonl` (a line an epoch),
    `checkpoints/epoch-NNNN.weights.h5` (both networks, both optimizers, the average),
    `generator.keras` and `discriminator.keras` (the last epoch's), `best.keras` (the best
    generator by validation), `samples/`, `curves.png`, `tensorboard/`.

    Args:
        folder: made if it is absent.
        configuration: plain data that decides the training's result.

    Raises:
        RunError: the folder belongs to a run of another configuration, or to something else.
    """

    def __init__(self, folder: str | Path, configuration: dict[str, Any]) -> None:
        self.folder = Path(folder)
        self.configuration = json.loads(json.dumps(configuration))  # as it reads back
        config = self.folder / "config.json"
        if config.exists():
            self._refuse_another(config)
        elif self.folder.exists() and (not self.folder.is_dir() or any(self.folder.iterdir())):
            raise RunError(f"{self.folder} exists and is not a training run; name another folder.")
        else:  # the configuration first: a run killed here can still go on
            self.folder.mkdir(parents=True, exist_ok=True)
            about = {"started": datetime.now(UTC).isoformat(timespec="seconds"), **_versions()}
            self.write_json("config.json", {**self.configuration, "about": about})
        for name in ("checkpoints", "samples"):
            (self.folder / name).mkdir(exist_ok=True)

    def _refuse_another(self, config: Path) -> None:
        try:
            before = dict(json.loads(config.read_text()))
        except (ValueError, TypeError) as error:
            raise RunError(f"{config} is damaged: {error}.") from error
        before.pop("about", None)
        different = sorted(set(_flat(before).items()) ^ set(_flat(self.configuration).items()))
        if different:
            names = ", ".join(dict.fromkeys(name for name, _ in different))
            raise RunError(
                f"{self.folder} holds a run of another configuration (different: {names}); "
                "name another folder, or give the same options to go on."
            )

    def write_json(self, name: str, content: Any) -> None:
        """Writes a JSON file into the folder, whole or not at all."""
        with atomic_file(self.folder / name, overwrite=True) as stream:
            stream.write(json.dumps(content, indent=2).encode() + b"\n")

    def checkpoints(self) -> dict[int, Path]:
        """Checkpoints by the number of epochs that they have behind them, in order."""
        found = {}
        for path in sorted((self.folder / "checkpoints").glob("epoch-*.weights.h5")):
            if match := re.fullmatch(r"epoch-(\d+)\.weights\.h5", path.name):
                found[int(match[1])] = path
        return found

    def save_checkpoint(self, model: Any, epochs_done: int) -> None:
        """Saves a Keras model's weights and optimizers, and forgets the oldest checkpoint."""
        path = self.folder / "checkpoints" / f"epoch-{epochs_done:04d}.weights.h5"
        save_whole(model.save_weights, path)
        for old in list(self.checkpoints().values())[:-KEPT_CHECKPOINTS]:
            old.unlink()

    def metrics(self) -> list[dict[str, Any]]:
        """The lines of `metrics.jsonl`."""
        path = self.folder / "metrics.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def write_metrics(self, records: list[dict[str, Any]]) -> None:
        """Replaces `metrics.jsonl`."""
        with atomic_file(self.folder / "metrics.jsonl", overwrite=True) as stream:
            stream.writelines(json.dumps(record).encode() + b"\n" for record in records)


def save_whole(save: Any, path: Path) -> None:
    """Calls `save(path)` so that the file appears whole or not at all.

    Args:
        save: a Keras model's `save` or `save_weights`, which look at the file's suffix.
        path: where the file is to appear; an older one is replaced.
    """
    temporary = path.with_name(f"saving-{path.name}")
    save(temporary)
    with open(temporary, "rb") as stream:
        os.fsync(stream.fileno())
    os.replace(temporary, path)


def _flat(data: Any, prefix: str = "") -> dict[str, str]:
    if not isinstance(data, dict):
        return {prefix: json.dumps(data)}
    flat: dict[str, str] = {}
    for key, value in data.items():
        flat.update(_flat(value, f"{prefix}.{key}" if prefix else key))
    return flat


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found
