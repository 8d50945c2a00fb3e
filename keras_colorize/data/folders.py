"""Which photographs of a folder to train on: one scan finds the unreadable and the near-grey."""

import hashlib
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from tqdm import tqdm

from keras_colorize.imaging.color import rgb_to_lab
from keras_colorize.imaging.exif import orientation
from keras_colorize.imaging.files import atomic_file
from keras_colorize.imaging.images import SUFFIXES
from keras_colorize.imaging.quiet import quiet_pillow
from keras_colorize.imaging.strips import available_cores

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF")
NEAR_GREY = 4.0  # mean chroma in Lab units; a black-and-white print scanned in colour is under it
_THUMBNAIL = 64


class FolderError(ValueError):
    """A folder that holds nothing to work on, in one sentence."""


@dataclass(frozen=True)
class Scan:
    """What a folder holds.

    Attributes:
        files: the photographs to train on, sorted.
        orientations: their EXIF orientations, 1 to 8.
        near_grey: photographs that would teach grey, left out.
        unreadable: files left out, with the reason.
    """

    files: list[Path] = field(default_factory=list)
    orientations: list[int] = field(default_factory=list)
    near_grey: list[Path] = field(default_factory=list)
    unreadable: dict[Path, str] = field(default_factory=dict)


def list_photographs(folder: str | Path) -> list[Path]:
    """Photographs below a folder by suffix, sorted; hidden files and folders are left out.

    Args:
        folder: any nesting.

    Raises:
        FolderError: it is no folder, or there is no photograph in it.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise FolderError(f"{folder} is not a folder.")
    files = sorted(_walk(folder), key=lambda file: file.relative_to(folder).as_posix())
    if not files:
        raise FolderError(f"There is no photograph in {folder} ({', '.join(SUFFIXES)}).")
    return files


def scan_folder(folder: str | Path, *, cache: str | Path | None = None) -> Scan:
    """Looks at every photograph of a folder once.

    Args:
        folder: any nesting.
        cache: a folder that remembers files that have not changed since; None = none.

    Returns:
        The files by what they are fit for. A photograph is near-grey if its mean chroma is
        under `NEAR_GREY`.

    Raises:
        FolderError: nothing is left to train on.
    """
    folder = Path(folder).resolve()
    files = list_photographs(folder)
    store = None
    if cache is not None:
        store = Path(cache) / f"{hashlib.sha256(str(folder).encode()).hexdigest()[:16]}.json"
    known = _read_store(store)
    found: dict[str, list[Any]] = {}

    def look(file: Path) -> tuple[str, list[Any]]:
        name = file.relative_to(folder).as_posix()
        try:
            stamp = [(stat := file.stat()).st_size, stat.st_mtime_ns]
        except OSError as error:  # a broken link
            return name, [0, 0, 1, 0.0, f"cannot be read: {error.strerror}."]
        old = known.get(name)
        return name, old if old and old[:2] == stamp else [*stamp, *_inspect(file)]

    with ThreadPoolExecutor(available_cores()) as pool:
        looks = pool.map(look, files)
        found.update(
            tqdm(looks, "Looking through the photographs", len(files), disable=None, leave=False)
        )
    if store is not None and found != known:
        store.parent.mkdir(parents=True, exist_ok=True)
        with atomic_file(store, overwrite=True) as stream:
            stream.write(json.dumps(found).encode())

    scan = Scan()
    for file, (_, _, turn, chroma, reason) in zip(files, found.values(), strict=True):
        if reason:
            scan.unreadable[file] = reason
        elif chroma < NEAR_GREY:
            scan.near_grey.append(file)
        else:
            scan.files.append(file)
            scan.orientations.append(turn)
    if not scan.files:
        raise FolderError(
            f"{folder} holds no colour photograph to train on: {len(scan.near_grey)} are "
            f"near-grey, {len(scan.unreadable)} cannot be read."
        )
    return scan


def _walk(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if not hidden and path.suffix.lower() in SUFFIXES and not path.is_dir():
            yield path


def _read_store(store: Path | None) -> dict[str, list[Any]]:
    try:
        known = json.loads(store.read_bytes()) if store else {}
    except (OSError, ValueError):  # absent or damaged: it is only a memory
        return {}
    return known if isinstance(known, dict) else {}


def _inspect(file: Path) -> list[Any]:
    """EXIF orientation, mean chroma, and the reason why the file cannot be used ("" if it can)."""
    try:
        with quiet_pillow(), Image.open(file, formats=FORMATS) as image:
            image.draft("RGB", (_THUMBNAIL, _THUMBNAIL))
            thumbnail = image.convert("RGB").resize((_THUMBNAIL, _THUMBNAIL), reducing_gap=2.0)
            # Last: to find a PNG's EXIF, Pillow loads it, and its error would be taken for none.
            turn = orientation(image)
    except Exception as error:  # a decoder of damaged bytes may raise anything
        return [1, 0.0, f"cannot be read: {error}"]
    ab = rgb_to_lab(np.asarray(thumbnail))[..., 1:]
    return [turn, round(float(np.linalg.norm(ab, axis=-1).mean()), 3), ""]
