"""The run folder, which holds everything that a stopped training needs to continue."""

import json
import os
import platform
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from io import BytesIO
from pathlib import Path
from typing import Any

import h5py

from keras_colorize.config import DiscriminatorConfig, GeneratorConfig, TrainingConfig
from keras_colorize.imaging.files import atomic_file
from keras_colorize.imaging.temporaries import holds_nothing
from keras_colorize.training.seals import check_seal, seal

KEPT_CHECKPOINTS = 2
_CHECKPOINT = re.compile(r"epoch-(?P<epochs>\d+)(-step-(?P<steps>\d+))?\.weights\.h5")
_RETIRED = {"training.optimizer": '"adam"'}  # settings of older runs that no longer exist
_PACKAGES = ("keras-colorize", "tensorflow", "keras", "tensorflow-io", "numpy")


class RunError(ValueError):
    """A run folder cannot be used. The message is one sentence."""


@dataclass(frozen=True)
class Checkpoint:
    """The point from which a training continues.

    Attributes:
        epochs: Number of finished epochs.
        steps: Number of finished steps of the next epoch.
        means: `BaseGAN.running_means` after these steps.
        damaged: Later checkpoints that could not be read, with the reasons.
    """

    epochs: int
    steps: int
    means: dict[str, list[float]]
    damaged: dict[Path, str]


class Run:
    """The folder of one training.

    It contains:

    - `config.json`: the configuration, the seed and the versions of the libraries.
    - `metrics.jsonl`: one line for each epoch.
    - `checkpoints/epoch-NNNN.weights.h5`: both networks, both optimizers and the average. A
      checkpoint within the next epoch has `-step-NNNNNNN` in its name.
    - `generator.keras` and `discriminator.keras`: the networks of the last epoch.
    - `best.keras`: the generator with the best validation score.
    - `samples/`, `curves.png`, `tensorboard/` and `report.html`.

    Args:
        folder: The path, which is created if it does not exist.
        configuration: Plain data with everything that decides the result of the training.

    Raises:
        RunError: The folder belongs to a run with another configuration, or is not a run folder.
    """

    def __init__(self, folder: str | Path, configuration: dict[str, Any]) -> None:
        self.folder = Path(folder)
        self.configuration = json.loads(json.dumps(configuration))  # as it is read back
        config = self.folder / "config.json"
        if config.exists():
            self._take_up(config)
        elif self.folder.exists() and (not self.folder.is_dir() or not holds_nothing(self.folder)):
            raise RunError(f"{self.folder} exists and is not a training run; name another folder.")
        else:  # the configuration is written first, so that a run killed here can continue
            self.folder.mkdir(parents=True, exist_ok=True)
            about = {"started": datetime.now(UTC).isoformat(timespec="seconds"), **_versions()}
            try:
                self.write_json("config.json", {**self.configuration, "about": about}, new=True)
            except FileExistsError:  # another training was started at the same moment
                self._take_up(config)
        for name in ("checkpoints", "samples"):
            (self.folder / name).mkdir(exist_ok=True)

    def _take_up(self, config: Path) -> None:
        try:
            before = dict(json.loads(config.read_text()))
        except (ValueError, TypeError) as error:
            raise RunError(f"{config} is damaged: {error}.") from error
        now = flat(self.configuration)
        then = flat({name: part for name, part in before.items() if name != "about"})
        defaults = {
            "generator": asdict(GeneratorConfig()),
            "discriminator": asdict(DiscriminatorConfig()),
            "training": asdict(TrainingConfig()),
        }
        for name, value in _RETIRED.items():
            if then.get(name) == value:
                del then[name]
        for name, value in flat(defaults).items():
            if name in now:  # an older version may not have had this setting
                then.setdefault(name, value)
        different = differences(then, now)
        if different == "training.epochs" and int(now[different]) > int(then[different]):
            self._extend(int(then[different]), before, then.get("training.schedule"))
        elif different:
            raise RunError(
                f"{self.folder} holds a run of another configuration (different: {different}); "
                "name another folder, or give the same options to continue."
            )

    def _extend(self, epochs: int, before: dict[str, Any], schedule: str | None) -> None:
        """Gives a run more epochs, which only a constant learning rate allows."""
        if schedule != '"constant"':
            raise RunError(
                f"The learning rate of {self.folder} falls to zero within its {epochs} epochs, so "
                "it cannot be extended; start a new run from its weights instead, with "
                f"--fine-tune {self.folder} and another --run."
            )
        self.write_json("config.json", before | self.configuration)

    def write_json(self, name: str, content: Any, *, new: bool = False) -> None:
        """Writes a JSON file completely or not at all. With `new`, it must not exist yet."""
        with atomic_file(self.folder / name, overwrite=not new) as stream:
            stream.write(json.dumps(content, indent=2).encode() + b"\n")

    def checkpoints(self) -> dict[tuple[int, int], Path]:
        """The paths of the checkpoints by their finished epochs and steps, in this order."""
        found = {}
        for path in (self.folder / "checkpoints").glob("epoch-*.weights.h5"):
            if match := _CHECKPOINT.fullmatch(path.name):
                found[int(match["epochs"]), int(match["steps"] or 0)] = path
        return dict(sorted(found.items()))

    def save_checkpoint(self, gan: Any, epochs: int, steps: int = 0) -> None:
        """Saves the state of a GAN, and deletes all but the two latest checkpoints.

        Args:
            gan: Its weights, optimizers, running means and random states are saved.
            epochs: Number of finished epochs.
            steps: Number of finished steps of the next epoch.
        """
        within = f"-step-{steps:07d}" if steps else ""
        path = self.folder / "checkpoints" / f"epoch-{epochs:04d}{within}.weights.h5"

        def save(to: BytesIO) -> None:
            gan.save_weights(to)
            with h5py.File(to, "r+") as file:
                file.attrs["means"] = json.dumps(gan.running_means())
                file.attrs["random"] = json.dumps(gan.random_states())
            seal(to)

        save_whole(save, path)
        for old in list(self.checkpoints().values())[:-KEPT_CHECKPOINTS]:
            old.unlink()

    def load_checkpoint(self, gan: Any) -> Checkpoint:
        """Restores the last checkpoint that can be read.

        Args:
            gan: A GAN with the configuration of the run. It is not changed if there is no
                checkpoint.

        Returns:
            The point from which the run continues.

        Raises:
            RunError: There are checkpoints, but none of them can be read.
        """
        damaged: dict[Path, str] = {}
        for (epochs, steps), path in reversed(self.checkpoints().items()):
            try:
                check_seal(path)
                gan.load_weights(path)
                with h5py.File(path) as file:
                    means = json.loads(file.attrs.get("means", "{}"))
                    gan.set_random_states(json.loads(file.attrs.get("random", "[]")))
            except (OSError, ValueError, KeyError) as error:
                damaged[path] = str(error).partition("\n")[0]
                continue
            return Checkpoint(epochs, steps, means if steps else {}, damaged)
        if damaged:
            path, reason = next(iter(damaged.items()))
            raise RunError(f"The checkpoint {path} cannot be read, nor an earlier one: {reason}")
        return Checkpoint(0, 0, {}, {})

    def metrics(self) -> list[dict[str, Any]]:
        """The records of `metrics.jsonl`. Damaged lines are left out."""
        records = []
        path = self.folder / "metrics.jsonl"
        for line in path.read_bytes().splitlines() if path.exists() else ():
            with suppress(ValueError):
                record = json.loads(line)
                if isinstance(record, dict) and isinstance(record.get("epoch"), int):
                    records.append(record)
        return records

    def mend_metrics(self, epochs: int) -> list[int]:
        """Removes damaged lines and the lines of later epochs from `metrics.jsonl`.

        Args:
            epochs: Number of epochs to keep.

        Returns:
            The epochs that have no line. If there are any, the old file is kept as
            `metrics.damaged.jsonl`.
        """
        kept = [record for record in self.metrics() if record["epoch"] <= epochs]
        lost = sorted(set(range(1, epochs + 1)) - {record["epoch"] for record in kept})
        path = self.folder / "metrics.jsonl"
        if lost and path.exists():
            damaged = path.read_bytes()
            with atomic_file(path.with_name("metrics.damaged.jsonl"), overwrite=True) as stream:
                stream.write(damaged)
        self.write_metrics(kept)
        return lost

    def write_metrics(self, records: list[dict[str, Any]]) -> None:
        """Replaces `metrics.jsonl`."""
        with atomic_file(self.folder / "metrics.jsonl", overwrite=True) as stream:
            stream.writelines(json.dumps(record).encode() + b"\n" for record in records)


class _NamedStream(BytesIO):
    """A stream in memory with a file name, from whose suffix Keras derives the format."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def __str__(self) -> str:
        return self.name


def save_whole(save: Callable[[BytesIO], object], path: Path) -> None:
    """Saves a file completely or not at all.

    Args:
        save: A function such as a Keras model's `save`. It gets a stream in memory, because HDF5
            ends the process when it writes to a full disk.
        path: The path of the file. An existing file is replaced.

    Raises:
        RunError: The file cannot be written. An existing file is unchanged.
    """
    try:
        with atomic_file(path, overwrite=True) as stream:
            made = _NamedStream(path.name)
            save(made)
            stream.write(made.getbuffer())
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error).partition("\n")[0]
        raise RunError(f"{path} cannot be written: {reason.rstrip('.')}.") from error


def differences(one: dict[str, str], other: dict[str, str]) -> str:
    """Lists the names of the settings that differ between two results of `flat`."""
    return ", ".join(sorted({name for name, _ in one.items() ^ other.items()}))


def flat(data: Any, prefix: str = "") -> dict[str, str]:
    """Flattens nested plain data into JSON texts by dotted names."""
    if not isinstance(data, dict):
        return {prefix: json.dumps(data)}
    found: dict[str, str] = {}
    for key, value in data.items():
        found.update(flat(value, f"{prefix}.{key}" if prefix else key))
    return found


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found
