"""Locks on files and folders, which the system releases when their process dies."""

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

FOLDER_LOCK = ".keras-colorize.lock"
_HELD = {errno.EAGAIN, errno.EWOULDBLOCK, errno.EACCES, errno.EDEADLK}


class FolderInUseError(ValueError):
    """Another process writes to a folder, in one sentence."""


def lock(descriptor: int) -> bool | None:
    """Locks an open file or folder until it is closed, at the latest by the process's death.

    Returns:
        Whether it is locked now, for nobody waits; None where the file system knows no locks.
    """
    try:
        if sys.platform == "win32":
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return False if error.errno in _HELD else None
    return True


@contextmanager
def only_writer(folder: str | Path) -> Iterator[None]:
    """Keeps other processes that ask the same from writing to an existing folder.

    Within the block it holds a file that is locked; one that a killed process leaves says nothing.

    Raises:
        FolderInUseError: another process writes to it.
        OSError: the folder cannot be written to.
    """
    # A file and not the folder, which network file systems do not lock.
    path = Path(folder, FOLDER_LOCK)
    descriptor = _locked(path)
    if descriptor is None:
        raise FolderInUseError(
            f"Another process is writing to {folder}; wait for its end, or name another folder."
        )
    try:
        yield
    finally:
        with suppress(OSError):  # Windows removes nothing that is open
            os.unlink(path)
        os.close(descriptor)


def _locked(path: Path) -> int | None:
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        if lock(descriptor) is False:
            os.close(descriptor)
            return None
        # Its last owner may have removed it between the two: then the lock is of no file.
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(descriptor), os.stat(path)):
                return descriptor
        os.close(descriptor)
