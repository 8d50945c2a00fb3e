"""Kills commands at any moment, and looks whether anything is lost, cut or left behind.

A command runs once undisturbed. Then, again and again, a copy of its folder is made, the command is
begun in it and ended by SIGKILL after a time that chance draws from what the undisturbed run took.
After each kill every file has to be whole, and the same command has to end well and leave the same
files as the undisturbed run.
"""

import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZipFile

import click
import h5py
from PIL import Image

PHOTOGRAPHS = Path(__file__).parents[1] / "examples/photographs"
PROGRAM = [sys.executable, "-c", "from keras_colorize.cli.main import main; main()"]
TINY = "--preset tiny --size 32 --batch-size 2 --epochs 2"
COMMANDS = {
    "colorize": "colorize in -o out",
    "train": f"train in {TINY} --steps-per-epoch 4 --run out",
    "prepare": "prepare in out --shards 2 --jobs 1",
    "export": "export out --to tflite --kind fp32 --overwrite",
    "compare": f"compare --train in --val in --budget 8 --ablate loss {TINY} --out out",
}


@dataclass
class Count:
    """What came of the kills of a command."""

    kills: int = 0
    cut: int = 0
    lost: int = 0
    stuck: int = 0
    different: int = 0

    def faults(self) -> int:
        """All that went wrong."""
        return self.cut + self.lost + self.stuck + self.different


def is_whole(path: Path) -> bool:
    """Says whether a file of a known kind can be read to its end; others pass."""
    readers: dict[str, Callable[[Path], object]] = {
        ".jpg": lambda file: Image.open(file).load(),
        ".png": lambda file: Image.open(file).load(),
        ".keras": lambda file: ZipFile(file).testzip(),
        ".h5": lambda file: h5py.File(file, "r").visititems(lambda _, item: None),
    }
    try:
        readers.get(path.suffix, Path.read_bytes)(path)
    except Exception:  # whatever a reader says of a cut file
        return False
    return True


def results(folder: Path) -> set[str]:
    """Names of what a user finds in a folder; not of TensorBoard's files, which hold the time."""
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith((".", "events."))
    }


def photographs_in_colour() -> list[Path]:
    """The examples that a training takes."""
    return sorted(path for path in PHOTOGRAPHS.glob("*.jpg") if not path.name.startswith("fsa-"))


def start(command: str, folder: Path) -> subprocess.Popen[bytes]:
    """Begins a command in a folder."""
    silent = subprocess.DEVNULL
    return subprocess.Popen([*PROGRAM, *command.split()], cwd=folder, stdout=silent, stderr=silent)


def strike(command: str, fresh: Path, expected: set[str], seconds: float, count: Count) -> None:
    """Kills a command once and has it go on."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "work"
        shutil.copytree(fresh, folder)
        running = start(command, folder)
        try:
            running.wait(seconds)
            return  # it was done before
        except subprocess.TimeoutExpired:
            running.send_signal(signal.SIGKILL)
            running.wait()
        count.kills += 1
        seen = [folder / name for name in results(folder)]
        count.cut += not all(map(is_whole, seen))
        originals = [path for path in (fresh / "in").iterdir()]
        count.lost += any(
            not (folder / "in" / path.name).is_file()
            or (folder / "in" / path.name).read_bytes() != path.read_bytes()
            for path in originals
        )
        if start(command, folder).wait():
            count.stuck += 1
        else:
            count.different += results(folder) != expected


@click.command()
@click.option("--only", type=click.Choice(list(COMMANDS)), multiple=True, help="These commands.")
@click.option("--kills", default=34, show_default=True, help="Number of kills for each command.")
@click.option("--minutes", default=600.0, show_default=True, help="Begin no kill after these.")
@click.option("--photographs", default=4, show_default=True, help="Size of the folder.")
@click.option("--seed", default=0, show_default=True, help="Seed of the random moments.")
def main(only: tuple[str, ...], kills: int, minutes: float, photographs: int, seed: int) -> None:
    """Prints a line for each command; exits with 1 if anything went wrong."""
    end = time.monotonic() + 60 * minutes
    moments = random.Random(seed)
    faults = 0
    print("| command | kills | files cut | originals changed | did not go on | other files |")
    print("|---|---|---|---|---|---|", flush=True)
    for name in only or COMMANDS:
        count = Count()
        with tempfile.TemporaryDirectory() as temporary:
            fresh, whole = Path(temporary) / "fresh", Path(temporary) / "whole"
            (fresh / "in").mkdir(parents=True)
            for index, path in enumerate(photographs_in_colour()[:photographs]):
                with Image.open(path) as image:
                    image.resize((96, 72)).convert("RGB").save(fresh / "in" / f"{index}.jpg")
            shutil.copytree(fresh, whole)
            began = time.monotonic()
            if start(COMMANDS[name], whole).wait():
                raise click.ClickException(f"{name} fails without a kill: {COMMANDS[name]}")
            took = time.monotonic() - began
            expected = results(whole)
            while count.kills < kills and time.monotonic() < end:
                strike(COMMANDS[name], fresh, expected, moments.uniform(0, took), count)
        faults += count.faults()
        row = (name, count.kills, count.cut, count.lost, count.stuck, count.different)
        print(f"| {' | '.join(map(str, row))} |", flush=True)
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
