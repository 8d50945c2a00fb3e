"""Names and locks of what is not finished yet, so that a later run removes what a kill left."""

import os
import re
import shutil
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from keras_colorize.imaging.locks import FOLDER_LOCK, lock

_NAME = re.compile(r"\.keras-colorize-[0-9a-f]{16}\.tmp")
_ASIDE = "aside"  # in a temporary folder: what made room for it

OLD = 600.0
"""Seconds after which what is unfinished and unlocked was left by a process that died."""

_OLD_WITHOUT_LOCKS = 86400.0  # on file systems that know none
_SHARE = 100  # looking through a large folder takes at most one part in so many of the time,
_SMALL = 0.01  # and one that takes less than these seconds is looked through each time
_due: dict[str, float] = {}


def beside(destination: Path) -> Path:
    """A name for what is not finished yet; it is no longer where the destination's is longest."""
    return destination.with_name(f".keras-colorize-{os.urandom(8).hex()}.tmp")


def holds_nothing(folder: Path) -> bool:
    """Whether there is no file below a folder but what a killed process of ours left."""
    for path in folder.iterdir():
        if path.name == FOLDER_LOCK or _NAME.fullmatch(path.name):
            continue
        if path.is_symlink() or not path.is_dir() or not holds_nothing(path):
            return False
    return True


@contextmanager
def temporary_folder(destination: Path) -> Iterator[Path]:
    """Makes a locked folder beside a destination, and removes it at the end of the block.

    Raises:
        OSError: the folder around it cannot be written to.
    """
    sweep(destination.parent)
    temporary = beside(destination)
    temporary.mkdir()
    descriptor = None
    with suppress(OSError):  # Windows opens no folders
        descriptor = os.open(temporary, os.O_RDONLY)
        lock(descriptor)
    try:
        yield temporary
    finally:
        with suppress(OSError):
            _clear(temporary)
        if descriptor is not None:
            os.close(descriptor)


def move_aside(folder: Path, temporary: Path) -> None:
    """Makes room for what is in a temporary folder; until `replaced`, all ends bring it back."""
    (temporary / _ASIDE).mkdir()
    os.rename(folder, temporary / _ASIDE / folder.name)


def replaced(temporary: Path) -> None:
    """Says that what was moved aside is not wanted any more."""
    os.rename(temporary / _ASIDE, temporary / "replaced")


def sweep(folder: Path) -> None:
    """Removes what processes that were killed left in a folder itself; what is in use stays.

    A large folder is not looked through each time.
    """
    key, now = os.path.abspath(folder), time.monotonic()
    if now < _due.get(key, now):
        return
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if _NAME.fullmatch(entry.name):
                with suppress(OSError):  # gone meanwhile, or not ours to remove
                    _remove_if_left(folder / entry.name)
    end = time.monotonic()
    if end - now > _SMALL:
        _due[key] = end + _SHARE * (end - now)


def _remove_if_left(path: Path) -> None:
    status = path.lstat()
    is_folder = stat.S_ISDIR(status.st_mode)
    if not is_folder and not stat.S_ISREG(status.st_mode):
        return
    inside = path.rglob("*") if is_folder else ()
    age = time.time() - max(status.st_mtime, *(each.lstat().st_mtime for each in inside), 0.0)
    if age < OLD:
        return
    free = None
    if not (is_folder and sys.platform == "win32"):  # which opens no folders
        # Network file systems lock only what may be written.
        descriptor = os.open(path, os.O_RDONLY if is_folder else os.O_RDWR)
        try:
            free = lock(descriptor)
        finally:
            os.close(descriptor)
    if free or (free is None and age >= _OLD_WITHOUT_LOCKS):
        if is_folder:
            _clear(path)
        else:
            path.unlink()


def _clear(temporary: Path) -> None:
    """Removes a temporary folder; what made room for it goes back if the room is empty."""
    aside = temporary / _ASIDE
    for path in aside.iterdir() if aside.is_dir() else ():
        if not os.path.lexists(place := temporary.with_name(path.name)):
            os.rename(path, place)
    shutil.rmtree(temporary, ignore_errors=True)
