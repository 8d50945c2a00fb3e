"""What an exported file costs and what it loses: the table that `keras-colorize export` prints."""

import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
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


@dataclass(frozen=True)
class Loss:
    """What a file's pictures lose, as means over photographs.

    Attributes:
        decibels: PSNR against the photographs' own colours: the float parent's less the file's.
        to_parent: PSNR, in dB, of the file's pictures against the parent's; at most 60.
        images: how many photographs.
    """

    decibels: float
    to_parent: float
    images: int


@dataclass(frozen=True)
class Measured:
    """A file, measured.

    Attributes:
        name: what it is.
        path: the file or folder.
        bytes: of all of it.
        gzip_bytes: the same as gzip packs each file: of a download.
        milliseconds: median time of a prediction of 256 x 256, or the size nearest to it, by
            threads; by 0 where its runtime chooses their number.
        delegation: of a `.tflite` file.
        loss: None where no photographs were given.
    """

    name: str
    path: Path
    bytes: int
    gzip_bytes: int
    milliseconds: dict[int, float]
    delegation: Delegation | None
    loss: Loss | None

    def facts(self) -> dict[str, Any]:
        """All of it as plain data."""
        return {**asdict(self), "path": self.path.name}


def measure(name: str, path: Path, parent: Runtime, photographs: Path | None) -> Measured:
    """Measures an exported file.

    Args:
        name: what it is, for people.
        path: a file or folder that `load_runtime` takes.
        parent: the float network that it was made of.
        photographs: a folder to measure the loss on, or None.

    Raises:
        WeightsError: the file cannot be used.
        FolderError: there are no photographs in the folder.
    """
    files = [file for file in path.rglob("*") if file.is_file()] if path.is_dir() else [path]
    counts = (0,) if path.is_dir() else THREADS
    times = {count: milliseconds(load_runtime(path, count or None)) for count in counts}
    return Measured(
        name=name,
        path=path,
        bytes=sum(file.stat().st_size for file in files),
        gzip_bytes=sum(len(gzip.compress(file.read_bytes())) for file in files),
        milliseconds=times,
        delegation=delegation_of(path) if path.suffix == ".tflite" else None,
        loss=_loss(load_runtime(path), parent, photographs) if photographs else None,
    )


def _loss(runtime: Runtime, parent: Runtime, photographs: Path) -> Loss:
    colorizer = Colorizer(runtime)
    reference = Colorizer(parent, size=colorizer.size)
    expected: list[RGB] = []
    lost, between = [], []

    def predict_ab(lightness: Floats) -> Floats:
        expected.append(lab_to_rgb(lightness, reference.predict_ab(lightness)))
        return colorizer.predict_ab(lightness)

    def compare(scored: ScoredImage) -> None:
        picture = expected.pop()
        lost.append(psnr(scored.real, picture) - scored.values["model"]["psnr"])
        between.append(psnr(picture, scored.outputs["model"]))

    score_folder(photographs, predict_ab, metrics=["psnr"], on_image=compare, progress=True)
    return Loss(sum(lost) / len(lost), sum(between) / len(between), len(lost))


def table(measured: Sequence[Measured]) -> str:
    """The figures as rows of Markdown."""
    heading = [
        "file",
        "bytes",
        "gzip",
        "nodes in XNNPACK",
        "parts",
        "ms, 1 thread",
        "ms, 2 threads",
    ]
    heading += ["PSNR lost, dB", "PSNR to float, dB"]
    lines = [heading]
    for one in measured:
        delegation, loss = one.delegation, one.loss
        chosen = one.milliseconds.get(0)
        times = [one.milliseconds.get(count) for count in THREADS]
        lines.append(
            [
                one.name,
                f"{one.bytes:,}",
                f"{one.gzip_bytes:,}",
                f"{delegation.delegated} / {delegation.nodes}" if delegation else "-",
                str(delegation.partitions) if delegation else "-",
                *(
                    "-" if time is None else f"{time:.1f}"
                    for time in (times[0], times[1] or chosen)
                ),
                f"{loss.decibels:.3f}" if loss else "-",
                f"{loss.to_parent:.1f}" if loss else "-",
            ]
        )
    return markdown_table(lines)


def write_report(folder: Path, facts: Mapping[str, Any], measured: Sequence[Measured]) -> str:
    """Writes `report.json` and `report.md`, in the place of those that are there.

    Args:
        folder: where to.
        facts: what the first of them holds beside the measured `files`.
        measured: the rows of the second.

    Returns:
        The table of the second.
    """
    report = finite({**facts, "files": [one.facts() for one in measured]})
    text = table(measured)
    for file, content in (("report.json", json.dumps(report, indent=2)), (REPORT, text)):
        with atomic_file(folder / file, overwrite=True) as stream:
            stream.write(content.encode() + b"\n")
    return text
