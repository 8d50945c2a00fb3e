"""Writing the results of a scoring: its report, the metrics and the worst and best images."""

import json
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TextIO

from keras_colorize.evaluation.figures import grid
from keras_colorize.evaluation.protocol import ScoringError
from keras_colorize.evaluation.scoring import ScoredImage
from keras_colorize.imaging.files import atomic_file
from keras_colorize.imaging.images import write_image
from keras_colorize.imaging.locks import only_writer
from keras_colorize.imaging.temporaries import holds_nothing

SHOWN = 8  # number of images in a strip
_HEIGHT = 256


class ScoreFiles:
    """Writes `images.jsonl` during a scoring, then `worst.png`, `best.png` and `scores.json`.

    The strips show the worst and best images by CIEDE2000, each in a row of grey, output and real.
    `scores.json` is written last, so all files are complete when it exists. Nothing is written
    before the first image is scored.

    Args:
        folder: The folder, which is created if it does not exist.
        overwrite: Whether to replace the files of an earlier scoring. Other files are kept.

    Raises:
        ScoringError: `folder` is a file, or it is not empty and `overwrite` is False.
    """

    def __init__(self, folder: Path, *, overwrite: bool = False) -> None:
        if folder.exists() and not folder.is_dir():
            raise ScoringError(f"{folder} is a file, not a folder.")
        if folder.is_dir() and not holds_nothing(folder) and not overwrite:
            raise ScoringError(f"{folder} is not empty; --overwrite replaces the scores in it.")
        self.folder = folder
        self._worst: list[ScoredImage] = []
        self._best: list[ScoredImage] = []
        self._lines: TextIO | None = None
        self._open = ExitStack()

    def __enter__(self) -> "ScoreFiles":
        """Returns the object itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Closes `images.jsonl`."""
        self._open.close()

    def add(self, image: ScoredImage) -> None:
        """Writes the line of an image, and keeps the image if it is among the worst or best."""
        if self._lines is None:
            self._lines = self._begin()
        self._lines.write(json.dumps({"name": image.name, **image.values}) + "\n")
        self._best = sorted([*self._best, image], key=_difference)[:SHOWN]
        self._worst = sorted([*self._worst, image], key=_difference, reverse=True)[:SHOWN]

    def _begin(self) -> TextIO:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._open.enter_context(only_writer(self.folder))
        for name in ("scores.json", "worst.png", "best.png"):  # from an earlier scoring
            (self.folder / name).unlink(missing_ok=True)
        return self._open.enter_context(open(self.folder / "images.jsonl", "w", buffering=1))

    def finish(self, report: Mapping[str, Any]) -> None:
        """Writes the strips, and then the report as `scores.json`. The report is plain data."""
        for name, images in (("worst", self._worst), ("best", self._best)):
            rows = [[i.outputs["grey"], i.outputs["model"], i.real] for i in images]
            write_image(grid(rows, _HEIGHT), self.folder / f"{name}.png", overwrite=True)
        with atomic_file(self.folder / "scores.json", overwrite=True) as stream:
            stream.write(json.dumps(report, indent=2).encode() + b"\n")


def _difference(image: ScoredImage) -> float:
    return image.values["model"]["ciede2000"]
