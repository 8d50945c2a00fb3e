"""Photographs that choose the ranges of integer activations."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keras_colorize.data.folders import photograph_names, scan_folder
from keras_colorize.imaging.color import Floats
from keras_colorize.imaging.images import read_photograph

PHOTOGRAPHS = 64


@dataclass(frozen=True)
class Calibration:
    """What was read.

    Attributes:
        lightness: of each, float32 (H, W) in 0..100.
        digest: of their files' content, so that two exports can be compared.
    """

    lightness: list[Floats]
    digest: str

    def facts(self) -> dict[str, Any]:
        """How many, and which, as plain data."""
        return {"photographs": len(self.lightness), "digest": self.digest}


def read_calibration(folder: Path, count: int = PHOTOGRAPHS) -> Calibration:
    """Reads photographs in colour, evenly spread over a folder's names.

    Args:
        folder: photographs at any depth.
        count: how many at most.
    """
    names = photograph_names(folder)
    files = scan_folder(folder, names[:: -(-len(names) // count)]).files
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.read_bytes())
    return Calibration([read_photograph(f).lightness for f in files], digest.hexdigest()[:16])
