"""Seals: a file ends in the SHA-256 of what is before, which HDF5 takes no notice of."""

import hashlib
from io import SEEK_END, BytesIO
from pathlib import Path

_MARK = b"\nkeras-colorize sha256 "
_LENGTH = len(_MARK) + 64 + 1
_PART = 2**20


class SealError(ValueError):
    """A file is not what was written; the message is the end of a sentence."""


def seal(stream: BytesIO) -> None:
    """Appends the seal, so that the file and it appear together.

    Args:
        stream: with all of the file.
    """
    with stream.getbuffer() as content:
        digest = hashlib.sha256(content).hexdigest()
    stream.seek(0, SEEK_END)
    stream.write(_MARK + digest.encode() + b"\n")


def check_seal(path: Path) -> None:
    """Compares a file with its seal; one without, of an older version, passes.

    Args:
        path: of the file.

    Raises:
        SealError: it has changed since it was sealed.
        OSError: it cannot be read.
    """
    left = path.stat().st_size - _LENGTH
    if left < 0:
        return
    with open(path, "rb") as stream:
        stream.seek(left)
        end = stream.read()
        if not end.startswith(_MARK):
            return
        stream.seek(0)
        found = hashlib.sha256()
        while left and (part := stream.read(min(left, _PART))):
            found.update(part)
            left -= len(part)
    if end[len(_MARK) :].strip() != found.hexdigest().encode():
        raise SealError("its bytes are not those that were written")
