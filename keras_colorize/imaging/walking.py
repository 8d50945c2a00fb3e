"""The files below a folder: what can be read to its end, and no pipes, devices or sockets."""

import os
from collections.abc import Callable, Iterable, Iterator
from fnmatch import fnmatch
from itertools import accumulate

# What systems, cameras' cards and network storage put beside photographs, some of it pictures.
OTHERS = (
    *("@eaDir", "@Recycle", "#recycle", "#snapshot", "$RECYCLE.BIN", "System Volume Information"),
    *("__MACOSX", "lost+found", "Thumbs.db", "ehthumbs.db", "desktop.ini", ".*"),
)


def is_left_out(path: str, patterns: tuple[str, ...] = OTHERS) -> bool:
    """Says whether a file or folder is none of the photographs of the folder that it is in.

    Args:
        path: relative to the folder, with slashes.
        patterns: as a shell has them; each is of the name, or, if it has a slash, of the path.
    """
    name = path.rpartition("/")[2]
    plain = [pattern.rstrip("/") for pattern in patterns]
    return any(fnmatch(path if "/" in each else name, each) for each in plain)


def without(names: Iterable[str], patterns: tuple[str, ...]) -> list[str]:
    """Leaves out what patterns name, and what is in folders that they name."""

    def is_kept(name: str) -> bool:
        above = accumulate(name.split("/"), "{}/{}".format)
        return not any(is_left_out(path, patterns) for path in above)

    return [name for name in names if is_kept(name)] if patterns else list(names)


def walk(
    folder: str | os.PathLike[str], onerror: Callable[[OSError], object]
) -> Iterator[tuple[str, list[str], list[str]]]:
    """Goes through a folder as `os.walk` does, from the top down, but follows no links to folders.

    Yields:
        A folder, the names of those in it, which may be changed, and the names of its files; links
        that lead nowhere are among them, to be complained of.
    """
    try:
        with os.scandir(folder) as entries:
            found = list(entries)
    except OSError as error:
        onerror(error)
        return
    folders = [entry.name for entry in found if _is_folder(entry)]
    yield os.fspath(folder), folders, [entry.name for entry in found if _is_file(entry)]
    for name in folders:
        path = os.path.join(folder, name)
        if not os.path.islink(path):
            yield from walk(path, onerror)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _is_file(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_file() or (entry.is_symlink() and not os.path.exists(entry.path))
    except OSError:  # no looking at it: who reads it says why
        return True
