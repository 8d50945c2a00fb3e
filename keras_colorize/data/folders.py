"""Which photographs of a folder to train on: one scan finds the unreadable and the near-grey."""

import hashlib
import json
import os
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from PIL import Image
from tqdm import tqdm

from keras_colorize.data.prefetching import prefetch
from keras_colorize.imaging.color import rgb_to_lab
from keras_colorize.imaging.files import atomic_file
from keras_colorize.imaging.formats import READ_SUFFIXES
from keras_colorize.imaging.images import ImageError, read_small
from keras_colorize.imaging.walking import is_left_out, walk, without

NEAR_GREY = 4.0  # mean chroma in Lab units; a black-and-white print scanned in colour is under it
_THUMBNAIL = 64
_AHEAD = 64  # photographs under way
_STORE_FORMAT = 4  # of what a scan remembers; raised when `Look` changes


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

    @property
    def count(self) -> int:
        """How many photographs there are to train on."""
        return len(self.files)

    @property
    def paths(self) -> list[Path]:
        """What a training reads."""
        return self.files

    @property
    def digest(self) -> str:
        """Tells one set of photographs from another: by names, which stay when folders move."""
        names = "\n".join("/".join(file.parts[-2:]) for file in self.files)
        return hashlib.sha256(os.fsencode(names)).hexdigest()[:16]

    def examples(self, count: int) -> list[Path]:
        """Some of the photographs, from all over the folder."""
        return self.files[:: max(1, len(self.files) // count)][:count]


class Look(NamedTuple):
    """What one look at a photograph finds.

    Attributes:
        orientation: EXIF's, 1 to 8.
        chroma: mean of its pixels in Lab units.
        problem: why it cannot be used; "" if it can.
    """

    orientation: int
    chroma: float
    problem: str

    @property
    def near_grey(self) -> bool:
        """Whether the photograph can be read but would teach grey."""
        return not self.problem and self.chroma < NEAR_GREY


def list_photographs(folder: str | Path, exclude: tuple[str, ...] = ()) -> list[Path]:
    """Photographs below a folder by suffix, sorted; hidden files and folders are left out.

    So are pipes and devices, and what systems put there (`keras_colorize.imaging.walking.OTHERS`).

    Args:
        folder: any nesting.
        exclude: patterns of what else is left out, as in `keras_colorize.imaging.walking`.

    Returns:
        Their paths, each beginning with `folder`.

    Raises:
        FolderError: it is no folder, or there is no photograph in it.
    """
    folder = Path(folder)
    return [folder / name for name in photograph_names(folder, exclude)]


def photograph_names(folder: str | Path, exclude: tuple[str, ...] = ()) -> list[str]:
    """Paths of `list_photographs` relative to the folder, with slashes, sorted."""
    if not os.path.isdir(folder):
        raise FolderError(f"{folder} is not a folder.")

    def refuse(error: OSError) -> None:
        raise FolderError(f"{error.filename} cannot be read: {error.strerror}.")

    names = []
    for here, below, files in walk(folder, refuse):
        below[:] = [name for name in below if not is_left_out(name)]
        inner = Path(here).relative_to(folder)
        names += [
            (inner / name).as_posix()
            for name in files
            if not is_left_out(name) and os.path.splitext(name)[1].lower() in READ_SUFFIXES
        ]
    names = without(names, exclude)
    if not names:
        raise FolderError(f"There is no photograph in {folder} ({', '.join(READ_SUFFIXES)}).")
    return sorted(names)


def scan_folder(
    folder: str | Path,
    names: Sequence[str] | None = None,
    *,
    cache: str | Path | None = None,
) -> Scan:
    """Looks at every photograph of a folder once.

    Args:
        folder: any nesting.
        names: paths below it of the photographs to look at; None = all.
        cache: a folder that remembers files that have not changed since; None = none.

    Returns:
        The files by what they are fit for. A photograph is near-grey if its mean chroma is
        under `NEAR_GREY`.

    Raises:
        FolderError: nothing is left to train on.
    """
    folder = Path(folder).resolve()
    if names is None:
        names = photograph_names(folder)
    store = None
    if cache is not None:
        store = Path(cache) / f"{hashlib.sha256(str(folder).encode()).hexdigest()[:16]}.json"
    known = _read_store(store)

    def look(name: str) -> list[Any]:
        try:
            stamp = [(stat := (folder / name).stat()).st_size, stat.st_mtime_ns]
        except OSError as error:  # a broken link
            return [0, 0, *Look(1, 0.0, f"cannot be read: {error.strerror}.")]
        old = known.get(name)
        return old if old and old[:2] == stamp else [*stamp, *inspect(folder / name)]

    found = dict(known)
    try:
        with closing(prefetch(look, ((name,) for name in names), _AHEAD)) as looks:
            progress = tqdm(
                looks, "Looking through the photographs", len(names), disable=None, leave=False
            )
            for name, facts in zip(names, progress, strict=True):
                found[name] = facts
    finally:  # what was seen before Ctrl-C need not be seen again
        if store is not None and found != known:
            content = json.dumps({"format": _STORE_FORMAT, "looks": found}).encode()
            with suppress(OSError):  # it is only a memory
                store.parent.mkdir(parents=True, exist_ok=True)
                with atomic_file(store, overwrite=True) as stream:
                    stream.write(content)

    scan = Scan()
    for name in names:
        _, _, *facts = found[name]
        file, seen = folder / name, Look(*facts)
        if seen.problem:
            scan.unreadable[file] = seen.problem
        elif seen.near_grey:
            scan.near_grey.append(file)
        else:
            scan.files.append(file)
            scan.orientations.append(seen.orientation)
    if not scan.files:
        raise FolderError(
            f"{folder} holds no colour photograph to train on: {len(scan.near_grey)} are "
            f"near-grey, {len(scan.unreadable)} cannot be read."
        )
    return scan


def inspect(source: Path | BinaryIO) -> Look:
    """Looks at a photograph, decoded small; one that cannot be read has a `problem`."""
    try:
        rgb, turn = read_small(source, _THUMBNAIL)
        thumbnail = Image.fromarray(rgb).resize((_THUMBNAIL, _THUMBNAIL), reducing_gap=2.0)
    except ImageError as error:
        name = str(source) if isinstance(source, Path) else "The picture"
        return Look(1, 0.0, f"cannot be read: it {str(error).removeprefix(f'{name} ')}")
    except Exception as error:  # a decoder of damaged bytes may raise anything
        return Look(1, 0.0, f"cannot be read: {error}")
    ab = rgb_to_lab(np.asarray(thumbnail))[..., 1:]
    return Look(turn, round(float(np.linalg.norm(ab, axis=-1).mean()), 3), "")


def _read_store(store: Path | None) -> dict[str, list[Any]]:
    try:
        known = json.loads(store.read_bytes()) if store else {}
        return known["looks"] if known["format"] == _STORE_FORMAT else {}
    except (OSError, ValueError, KeyError, TypeError):  # it is only a memory
        return {}
