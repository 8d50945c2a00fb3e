"""Files that appear whole or not at all, and never in the place of another one unasked."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BytesIO, RawIOBase
from pathlib import Path
from typing import BinaryIO

from keras_colorize.imaging.locks import lock
from keras_colorize.imaging.temporaries import (
    beside,
    move_aside,
    replaced,
    sweep,
    temporary_folder,
)

_NO_LINKS = {
    errno.EPERM,
    errno.EACCES,
    errno.ENOTSUP,
    errno.EOPNOTSUPP,
    errno.ENOSYS,
    errno.EMLINK,
    errno.EINVAL,  # Windows, on exFAT
}


@contextmanager
def atomic_file(destination: str | Path, *, overwrite: bool = False) -> Iterator[BinaryIO]:
    """Gives a stream in memory, which becomes the file `destination` when the block ends well.

    When the block raises, or the disk is full, the destination is as it was. A replaced file hands
    its permissions on.

    Args:
        destination: the file to appear.
        overwrite: whether it may replace an existing file.

    Yields:
        The stream. It has no descriptor: libraries that write to one by themselves, as Pillow
        does, may take no notice of a full disk.

    Raises:
        FileExistsError: `destination` exists, or has appeared meanwhile, and `overwrite` is false.
        OSError: the folder cannot be written to, or there is no room.
    """
    destination = Path(destination)
    if not overwrite and os.path.lexists(destination):
        raise _exists(destination)
    sweep(destination.parent)
    temporary = beside(destination)
    # Not tempfile: its files are for their owner alone, these get what the umask allows.
    descriptor = os.open(
        temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666
    )
    try:
        try:
            lock(descriptor)
            stream = BytesIO()
            yield stream
            with _named(destination):
                _write_all(descriptor, stream.getbuffer())
                os.fsync(descriptor)
        finally:
            os.close(descriptor)
        _name(temporary, destination, overwrite)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(temporary)


@contextmanager
def atomic_path(destination: str | Path, *, overwrite: bool = False) -> Iterator[Path]:
    """As `atomic_file`, for what writes to a path: it must raise by itself when the disk is full.

    Yields:
        A path of the same name in a temporary folder, where the block has to make the file.
    """
    destination = Path(destination)
    if not overwrite and os.path.lexists(destination):
        raise _exists(destination)
    with temporary_folder(destination) as folder:
        path = folder / destination.name
        yield path
        with _named(destination):
            _sync(path)
        _name(path, destination, overwrite)


@contextmanager
def atomic_folder(destination: str | Path, *, overwrite: bool = False) -> Iterator[Path]:
    """As `atomic_file`, for a folder, which may replace what has its name with all that is in it.

    Yields:
        A temporary folder beside the destination.
    """
    destination = Path(os.path.realpath(destination))
    if not overwrite and os.path.lexists(destination):
        raise _exists(destination, "folder")
    with temporary_folder(destination) as temporary:
        new = temporary / "new"
        new.mkdir()
        yield new
        with _named(destination):
            for path in new.rglob("*"):
                if path.is_file():
                    _sync(path)
        old = overwrite and os.path.lexists(destination)
        if old:
            move_aside(destination, temporary)
        try:
            os.rename(new, destination)
        except OSError as error:
            if not old and os.path.lexists(destination):
                raise _exists(destination, "folder") from error
            raise
        if old:
            replaced(temporary)


def write_all(stream: BinaryIO, content: bytes | memoryview) -> None:
    """Writes all of it to a stream, which may take a part at a time and not say that it does.

    Standard output is such a stream, a bare descriptor, under `python -u`.

    Raises:
        OSError: the stream takes no more.
    """
    left = memoryview(content)
    while left:
        written: int | None = stream.write(left)
        if written is None:
            if isinstance(stream, RawIOBase):
                raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
            return  # somebody's own class, which does not say
        left = left[written:]


def _write_all(descriptor: int, content: memoryview) -> None:
    while content:
        written = os.write(descriptor, content)
        if not written:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        content = content[written:]


def _sync(path: Path) -> None:
    with open(path, "r+b") as stream:  # Windows syncs only what may be written
        os.fsync(stream.fileno())


@contextmanager
def _named(destination: Path) -> Iterator[None]:
    """Has errors name the file that was asked for, where they name none or a temporary one."""
    try:
        yield
    except OSError as error:
        if error.errno is None:
            raise
        raise type(error)(error.errno, error.strerror, str(destination)) from error


def _name(temporary: Path, destination: Path, overwrite: bool) -> None:
    if overwrite:
        with suppress(OSError):
            os.chmod(temporary, destination.stat().st_mode & 0o7777)
        os.replace(temporary, destination)
    else:
        _publish(temporary, destination)


def _publish(temporary: Path, destination: Path) -> None:
    """Gives the file its name; of two that race for it, one wins and the other raises."""
    try:
        os.link(temporary, destination)
    except FileExistsError:
        raise _exists(destination) from None
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        try:
            os.close(os.open(destination, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            raise _exists(destination) from None
        try:
            os.replace(temporary, destination)
        except BaseException:  # Ctrl-C, too
            with suppress(OSError):
                os.unlink(destination)
            raise


def _exists(destination: Path, kind: str = "file") -> FileExistsError:
    return FileExistsError(errno.EEXIST, f"the {kind} exists already", str(destination))
