"""One small run that nothing interrupts, to compare others with."""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from click.testing import CliRunner, Result

from keras_colorize.config import PRESETS, GeneratorConfig
from keras_colorize.training.runs import Run

RECIPE = (
    "--preset tiny --warm-up-epochs 1 --epochs 3 --seed 5 --ema 0.9 --schedule linear "
    "--label-smoothing 0.1"
).split()
# As `small_train.py` has it.
QUICK = replace(PRESETS["tiny"], generator=GeneratorConfig((2, 2, 2, 2, 2), 2, "unet"))


@pytest.fixture(scope="session")
def recipe() -> list[str]:
    return RECIPE


@pytest.fixture(scope="session")
def val(tmp_path_factory: pytest.TempPathFactory, make_picture: Callable[..., Any]) -> Path:
    folder = tmp_path_factory.mktemp("val")
    (folder / "0-broken.jpg").write_bytes(b"no image")
    for k in range(1, 4):
        make_picture(100 + k, 280, 260).save(folder / f"{k}.jpg")
    return folder


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes `tiny` a network that is quick to compile."""
    monkeypatch.setitem(PRESETS, "tiny", QUICK)


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def train() -> Callable[..., Result]:
    """Runs `keras-colorize train` with some arguments, in this process."""
    from keras_colorize.cli.main import main

    return lambda *arguments: CliRunner().invoke(main, ["train", *map(str, arguments)])


@pytest.fixture(scope="session")
def both(
    tmp_path_factory: pytest.TempPathFactory,
    photographs: Path,
    val: Path,
    train: Callable[..., Result],
    wandb: Any,
) -> tuple[Path, Result, Path]:
    """A run, what the command said, and a copy of the run's folder as its first epoch left it."""
    run = tmp_path_factory.mktemp("runs") / "unbroken"
    early = run.with_name("early")
    save = Run.save_checkpoint

    def save_and_copy(self: Run, gan: Any, epochs: int, steps: int = 0) -> None:
        save(self, gan, epochs, steps)
        if epochs == 1:
            shutil.copytree(run, early)

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(PRESETS, "tiny", QUICK)
        patch.setattr(Run, "save_checkpoint", save_and_copy)
        result = train(photographs, "--val", val, "--run", run, "--wandb", *RECIPE)
    assert result.exit_code == 0, result.output
    return run, result, early


@pytest.fixture(scope="session")
def unbroken(both: tuple[Path, Result, Path]) -> tuple[Path, Result]:
    """The folder of the run, and what the command said."""
    return both[:2]


@pytest.fixture(scope="session")
def early(both: tuple[Path, Result, Path]) -> Path:
    """The same folder when its first epoch was over: what a power cut right then leaves."""
    return both[2]


@pytest.fixture(scope="session")
def metrics() -> Callable[[Path], list[dict[str, Any]]]:
    """Reads the metrics of a run, without what the clock decides."""

    def read(run: Path) -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
        for line in lines:
            assert line.pop("seconds") >= 0
        return lines

    return read


@pytest.fixture(scope="session")
def checkpoint() -> Callable[[Path], dict[str, np.ndarray]]:
    """Reads all that the last checkpoint of a run holds, by name."""

    def read(run: Path) -> dict[str, np.ndarray]:
        found = {}
        with h5py.File(run / "checkpoints/epoch-0003.weights.h5") as file:
            file.visititems(
                lambda name, item: (
                    found.update({name: item[()]}) if hasattr(item, "shape") else None
                )
            )
        return found

    return read
