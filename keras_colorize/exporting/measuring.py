"""Measures the size, speed and loss of quality of exported files, and makes a table of them."""

import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from keras_colorize.evaluation.rgb_metrics import RGB, psnr
from keras_colorize.evaluation.scoring import ScoredImage, score_folder
from keras_colorize.evaluation.summary import finite
from keras_colorize.evaluation.tables import markdown_table
from keras_colorize.exporting.delegation import Delegation, delegation_of
from keras_colorize.imaging.color import Floats, lab_to_rgb
from keras_colorize.imaging.files import atomic_file
from keras_colorize.inference.colorizer import Colorizer
from keras_colorize.inference.latency import milliseconds
from keras_colorize.inference.runtime import Runtime, load_runtime

THREADS = (1, 2)
REPORT = "report.md"
_COLUMNS = (
    "file",
    "bytes",
    "gzip",
    "nodes in XNNPACK",
    "parts",
    "ms, 1 thread",
    "ms, 2 threads",
    "PSNR lost, dB",
    "PSNR to float, dB",
)


@dataclass(frozen=True)
class Loss:
    """What the pictures of a file lose, as means over photographs.

    Attributes:
        decibels: PSNR against the photographs' own colours: the float parent's less the file's.
        to_parent: PSNR, in dB, of the file's pictures against the parent's; at most 60.
        images: number of photographs.
    """

    decibels: float
    to_parent: float
    images: int


@dataclass(frozen=True)
class Measured:
    """A file, measured.

    Attributes:
        name: what it is, for people.
        path: the file or folder.
        bytes: size of all of it.
        gzip_bytes: size of a download: as gzip packs each file.
        milliseconds: median time of a prediction of 256 x 256, or the size nearest to it, by
            number of threads; by 0 where its runtime chooses their number.
        delegation: of a `.tflite` file.
        loss: None without photographs.
    """

    name: str
    path: Path
    bytes: int
    gzip_bytes: int
    milliseconds: dict[int, float]
    delegation: Delegation | None
    loss: Loss | None

    def facts(self) -> dict[str, Any]:
        """Returns all of it as plain data."""
        return {**asdict(self), "path": self.path.name}


def measure(paths: Mapping[str, Path], parent: Runtime, photographs: Path | None) -> list[Measured]:
    """Measures what the files of one network cost and lose.

    Args:
        paths: files or folders that `load_runtime` takes, by what they are, for people.
        parent: the float network that they were made of.
        photographs: a folder to measure the loss on, or None.

    Raises:
        WeightsError: a file cannot be used.
        FolderError: there are no photographs in the folder.
    """
    losses = _losses(paths, parent, photographs) if photographs else {}
    return [_measured(name, path, losses.get(name)) for name, path in paths.items()]


def _measured(name: str, path: Path, loss: Loss | None) -> Measured:
    files = [file for file in path.rglob("*") if file.is_file()] if path.is_dir() else [path]
    counts = (0,) if path.is_dir() else THREADS
    return Measured(
        name=name,
        path=path,
        bytes=sum(file.stat().st_size for file in files),
        gzip_bytes=sum(len(gzip.compress(file.read_bytes())) for file in files),
        milliseconds={n: milliseconds(load_runtime(path, n or None)) for n in counts},
        delegation=delegation_of(path) if path.suffix == ".tflite" else None,
        loss=loss,
    )


def _losses(paths: Mapping[str, Path], parent: Runtime, photographs: Path) -> dict[str, Loss]:
    """Measures the losses in one pass over the photographs for all files of the same size."""
    colorizers = {name: Colorizer(load_runtime(path)) for name, path in paths.items()}
    found: dict[str, Loss] = {}
    for size in dict.fromkeys(colorizer.size for colorizer in colorizers.values()):
        group = {name: each for name, each in colorizers.items() if each.size == size}
        found |= _losses_of_a_size(group, Colorizer(parent, size=size), photographs)
    return found


def _losses_of_a_size(
    colorizers: Mapping[str, Colorizer], parent: Colorizer, photographs: Path
) -> dict[str, Loss]:
    pictures: dict[str, RGB] = {}
    lost: dict[str, list[float]] = {name: [] for name in colorizers}
    between: dict[str, list[float]] = {name: [] for name in colorizers}

    def predict_ab(lightness: Floats) -> Floats:
        for name, colorizer in colorizers.items():
            pictures[name] = lab_to_rgb(lightness, colorizer.predict_ab(lightness))
        return parent.predict_ab(lightness)

    def compare(scored: ScoredImage) -> None:
        for name, picture in pictures.items():
            lost[name].append(scored.values["model"]["psnr"] - psnr(scored.real, picture))
            between[name].append(psnr(scored.outputs["model"], picture))

    score_folder(photographs, predict_ab, metrics=["psnr"], on_image=compare, progress=True)
    return {name: Loss(fmean(lost[name]), fmean(between[name]), len(lost[name])) for name in lost}


def table(measured: Sequence[Measured]) -> str:
    """Returns the figures as a table in Markdown."""
    return markdown_table([list(_COLUMNS), *map(_row, measured)])


def _row(one: Measured) -> list[str]:
    delegation, loss, times = one.delegation, one.loss, one.milliseconds
    return [
        one.name,
        f"{one.bytes:,}",
        f"{one.gzip_bytes:,}",
        f"{delegation.delegated} / {delegation.nodes}" if delegation else "-",
        str(delegation.partitions) if delegation else "-",
        f"{times[1]:.1f}" if 1 in times else "-",
        f"{times.get(2) or times[0]:.1f}",
        f"{loss.decibels:.3f}" if loss else "-",
        f"{loss.to_parent:.1f}" if loss else "-",
    ]


def write_report(folder: Path, facts: Mapping[str, Any], measured: Sequence[Measured]) -> str:
    """Writes `report.json`, with these facts, and `report.md`, and replaces older ones.

    Returns:
        The table of `report.md`.
    """
    report = finite({**facts, "files": [one.facts() for one in measured]})
    text = table(measured)
    for file, content in (("report.json", json.dumps(report, indent=2)), (REPORT, text)):
        with atomic_file(folder / file, overwrite=True) as stream:
            stream.write(content.encode() + b"\n")
    return text
