"""Files that appear whole or not at all, and never in the place of another one unasked."""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

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
    """Opens a temporary file beside `destination` that takes its name when the block ends well.

    When the block raises, the temporary file goes and the destination is as it was. A replaced
    file hands its permissions on.

    Args:
        destination: the file to appear.
        overwrite: whether it may replace an existing file.

    Yields:
        The temporary file, open for writing.

    Raises:
        FileExistsError: `destination` exists, or has appeared meanwhile, and `overwrite` is false.
        OSError: the folder cannot be written to.
    """
    destination = Path(destination)
    if not overwrite and os.path.lexists(destination):
        raise _exists(destination)
    temporary = destination.with_name(f".{os.urandom(8).hex()}.tmp")
    # Not tempfile: its files are for their owner alone, these get what the umask allows.
    descriptor = os.open(
        temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666
    )
    try:
        with open(descriptor, "w+b") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        if overwrite:
            with suppress(OSError):
                os.chmod(temporary, destination.stat().st_mode & 0o7777)
            os.replace(temporary, destination)
        else:
            _publish(temporary, destination)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(temporary)


@contextmanager
def atomic_folder(destination: str | Path, *, overwrite: bool = False) -> Iterator[Path]:
    """Makes a temporary folder beside `destination` that takes its name when the block ends well.

    When the block raises, the temporary folder goes and the destination is as it was.

    Args:
        destination: the folder to appear.
        overwrite: whether it may replace what has its name, with all that is in it.

    Yields:
        The temporary folder.

    Raises:
        FileExistsError: `destination` exists, or has appeared meanwhile, and `overwrite` is false.
        OSError: the folder around it cannot be written to.
    """
    destination = Path(os.path.realpath(destination))
    if not overwrite and os.path.lexists(destination):
        raise _exists(destination, "folder")
    temporary, old = (destination.with_name(f".{os.urandom(8).hex()}.tmp") for _ in range(2))
    temporary.mkdir()
    try:
        yield temporary
        for path in temporary.rglob("*"):
            if path.is_file():
                with open(path, "r+b") as stream:
                    os.fsync(stream.fileno())
        replaced = overwrite and os.path.lexists(destination)
        if replaced:
            os.rename(destination, old)
        try:
            os.rename(temporary, destination)
        except OSError as error:
            if replaced:
                os.rename(old, destination)
            elif os.path.lexists(destination):
                raise _exists(destination, "folder") from error
            raise
        if replaced:
            shutil.rmtree(old)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


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
