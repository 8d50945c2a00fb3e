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
    """What was read.

    Attributes:
        lightness: of each, float32 (H, W) in 0..100.
        digest: of their files' content, so that two exports can be compared.
    """

    lightness: list[Floats]
    digest: str

    def facts(self) -> dict[str, Any]:
        """What a report says of it."""
        return {"photographs": len(self.lightness), "digest": self.digest}


def read_calibration(folder: Path) -> Calibration:
    """Reads at most `PHOTOGRAPHS` photographs in colour, evenly spread over a folder's names.

    Args:
        folder: photographs at any depth.

    Returns:
        The photographs as the network sees them, with what tells which they were.
    """
    names = photograph_names(folder)
    files = scan_folder(folder, names[:: -(-len(names) // PHOTOGRAPHS)]).files
    return calibration_of(files)


def calibration_of(photographs: Sequence[Path | bytes]) -> Calibration:
    """Reads these photographs.

    Args:
        photographs: files, or what they hold.

    Returns:
        As `read_calibration`.

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
