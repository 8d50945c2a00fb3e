"""Photographs that choose the ranges of integer activations."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keras_colorize.data.folders import photograph_names, scan_folder
from keras_colorize.imaging.color import Floats
from keras_colorize.imaging.images import read_photograph

PHOTOGRAPHS = 64


@dataclass(frozen=True)
class Calibration:
    """The photographs of a calibration.

    Attributes:
        lightness: L of each, float32 (H, W) in 0..100.
        digest: digest of the files' content, so that two exports can be compared.
    """

    lightness: list[Floats]
    digest: str

    def facts(self) -> dict[str, Any]:
        """Returns what reports and files say of it."""
        return {"photographs": len(self.lightness), "digest": self.digest}


def read_calibration(folder: Path) -> Calibration:
    """Reads at most `PHOTOGRAPHS` colour photographs, evenly spread over a folder's names."""
    names = photograph_names(folder)
    return calibration_of(scan_folder(folder, names[:: -(-len(names) // PHOTOGRAPHS)]).files)


def calibration_of(photographs: Sequence[Path | bytes]) -> Calibration:
    """Reads photographs from files or from their content.

    Raises:
        ImageError: one cannot be read.
    """
    digest = hashlib.sha256()
    lightness = []
    for photograph in photographs:
        content = photograph if isinstance(photograph, bytes) else photograph.read_bytes()
        digest.update(content)
        lightness.append(read_photograph(photograph).lightness)
    return Calibration(lightness, digest.hexdigest()[:16])
