"""Where the bytes of a picture come from: files, pipes and streams, none without an end."""

import os
import re
import select
import stat
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

_PART = 2**20
_BYTES_A_PIXEL = 8  # of four channels of 16 bits, and none packed
_BESIDE = 2**26  # for what else a picture holds
NO_ADDRESSES = "is an address, not a file: download the picture, and name its file."
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)
_PATIENCE = 30  # seconds without a byte of a named pipe


class SourceError(ValueError):
    """The bytes do not come, or do not end, as the end of a sentence that names the source."""


def open_source(source: str | Path | bytes | BinaryIO, max_pixels: int) -> BinaryIO:
    """Opens the bytes of a picture, so that they can be read more than once.

    What comes from no file has to end where a picture of `max_pixels` would.

    Raises:
        SourceError: nobody writes to a pipe, or there is no end.
        OSError: it cannot be read.
        ValueError: the path has a NUL, or the stream is closed.
    """
    if isinstance(source, bytes):
        return BytesIO(source)
    limit = _BYTES_A_PIXEL * max_pixels + _BESIDE
    if not isinstance(source, str | Path):
        return _limited(iter(lambda: source.read(_PART), b""), limit)
    if hasattr(select, "poll") and _is_pipe(source):
        return _limited(_from_pipe(source), limit)
    stream = open(source, "rb")
    if stream.seekable():
        return stream
    with stream:
        return _limited(iter(lambda: stream.read(_PART), b""), limit)


def is_address(name: str) -> bool:
    """Says whether a name is that of something on the web, and of no file."""
    return bool(_ADDRESS.match(name)) and not os.path.lexists(name)


def _is_pipe(path: str | Path) -> bool:
    try:
        return stat.S_ISFIFO(os.stat(path).st_mode)
    except (OSError, ValueError):  # opening it says why
        return False


def _limited(parts: Iterator[bytes], limit: int) -> BinaryIO:
    whole = BytesIO()
    for part in parts:
        if not part:  # a stream that has nothing just now
            break
        whole.write(part)
        if whole.tell() > limit:
            raise SourceError(f"goes on after {limit} bytes, more than its pixels may take.")
    whole.seek(0)
    return whole


def _from_pipe(path: str | Path) -> Iterator[bytes]:
    # To open it plainly would wait for somebody who writes, and no Ctrl-C would end a thread of it.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        waiting = select.poll()
        waiting.register(descriptor, select.POLLIN)
        while True:
            if not waiting.poll(_PATIENCE * 1000):
                raise SourceError(f"is a pipe to which nobody writes ({_PATIENCE} seconds).")
            part = os.read(descriptor, _PART)
            if not part:
                return
            yield part
    finally:
        os.close(descriptor)
