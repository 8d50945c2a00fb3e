"""Finds the pictures among files, folders and patterns, and notes what it leaves out."""

import glob
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from keras_colorize.imaging.formats import READ_SUFFIXES, UNREAD_SUFFIXES
from keras_colorize.imaging.hint_texts import SUFFIX as HINTS_SUFFIX
from keras_colorize.imaging.sources import NO_ADDRESSES, is_address
from keras_colorize.imaging.walking import is_left_out, walk
from keras_colorize.inference.colorizer import is_same_file


class JobError(ValueError):
    """Pictures cannot be coloured as asked, which shows before any is. One sentence."""


@dataclass(frozen=True)
class Found:
    """A picture, the folder that its tree is kept from, and whether it was named by itself."""

    path: Path
    root: Path
    named: bool


@dataclass(frozen=True)
class LeftOut:
    """Files below folders that are not coloured.

    Attributes:
        unread: pictures of formats that are not read.
        others: files that are not pictures, by their names.
        excluded: files and folders that match a pattern of `exclude`.
        results: files with the name of a result whose original is gone.
    """

    unread: list[Path] = field(default_factory=list)
    others: list[Path] = field(default_factory=list)
    excluded: list[Path] = field(default_factory=list)
    results: list[Path] = field(default_factory=list)


class Search:
    """Looks for pictures by suffix, at any depth, but not in the folder of the results.

    Hidden files and those of systems are skipped without a note.
    """

    def __init__(self, target: Path | None, exclude: tuple[str, ...]) -> None:
        """Prepares a search.

        Args:
            target: the folder of the results.
            exclude: patterns of further files and folders to leave out, as in `is_left_out`.
        """
        self.left_out = LeftOut()
        self._target = target
        self._exclude = exclude

    def find(self, name: str) -> Iterator[Found]:
        """Finds the pictures that a file, folder or pattern stands for.

        A path that leads to no file is a picture as well, which fails when it is read.
        """
        path = Path(name)
        if is_address(name):
            raise JobError(f"{name} {NO_ADDRESSES}")
        if path.is_dir():
            yield from self._walk(path, path)
        elif path.exists() or not glob.has_magic(name):
            yield Found(path, path.parent, named=True)
        else:
            yield from self._match(name)

    def _match(self, pattern: str) -> Iterator[Found]:
        matches = sorted(glob.glob(pattern, recursive=True))
        root = _fixed_part(Path(pattern))
        if not matches:
            yield Found(Path(pattern), root, named=True)
        for match in map(Path, matches):
            if is_left_out(match.name):
                continue
            if match.is_dir():
                yield from self._walk(match, root)
            elif match.is_file():
                yield from self._take(match, root, match.name)

    def _walk(self, folder: Path, root: Path) -> Iterator[Found]:
        closed: list[OSError] = []
        for parent, folders, files in walk(folder, closed.append):
            inner = Path(parent).relative_to(folder)
            kept = []
            for name in sorted(folders):
                path = Path(parent, name)
                if is_left_out(name) or (self._target and is_same_file(path, self._target)):
                    continue
                if is_left_out((inner / name).as_posix(), self._exclude):
                    self.left_out.excluded.append(path)
                    continue
                kept.append(name)
            folders[:] = kept
            for name in sorted(files):
                if not is_left_out(name):
                    yield from self._take(Path(parent, name), root, (inner / name).as_posix())
        for error in closed:  # a folder that cannot be read fails like a picture
            yield Found(Path(error.filename), root, named=False)

    def _take(self, path: Path, root: Path, inner: str) -> Iterator[Found]:
        suffix = path.suffix.lower()
        if is_left_out(inner, self._exclude):
            self.left_out.excluded.append(path)
        elif suffix in READ_SUFFIXES:
            yield Found(path, root, named=False)
        elif not path.name.endswith(HINTS_SUFFIX):  # which belong to the photographs beside them
            (self.left_out.unread if suffix in UNREAD_SUFFIXES else self.left_out.others).append(
                path
            )


def _fixed_part(pattern: Path) -> Path:
    """The folders of a pattern before its first wildcard."""
    parts = []
    for part in pattern.parts[:-1]:
        if glob.has_magic(part):
            break
        parts.append(part)
    return Path(*parts)
