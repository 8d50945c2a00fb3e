"""Checksums at the end of HDF5 files, which HDF5 ignores."""

import hashlib
from io import SEEK_END, BytesIO
from pathlib import Path

_MARK = b"\nkeras-colorize sha256 "
_LENGTH = len(_MARK) + 64 + 1
_PART = 2**20


class SealError(ValueError):
    """A file has changed since it was sealed. The message is the end of a sentence."""


def seal(stream: BytesIO) -> None:
    """Appends the SHA-256 of a whole file to it, before it is written to disk."""
    with stream.getbuffer() as content:
        digest = hashlib.sha256(content).hexdigest()
    stream.seek(0, SEEK_END)
    stream.write(_MARK + digest.encode() + b"\n")


def check_seal(path: Path) -> None:
    """Checks a file against its seal. Files of older versions have no seal and pass.

    Raises:
        SealError: The file has changed since it was sealed.
        OSError: The file cannot be read.
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
