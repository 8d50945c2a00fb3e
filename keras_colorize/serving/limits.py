"""What a server lets one request, one connection, or all of them together, take."""

from dataclasses import dataclass

CONNECTIONS = 400
"""The most of HTTP that are open. Each may keep a file for what it sends, and many systems give a
program 1024 descriptors."""

GRPC_CONNECTIONS = 100
"""The most of gRPC; each carries any number of requests."""

PATIENCE = 20.0
"""Seconds, at the least, that a connection of HTTP may be open without a request on its way and an
answer being read, and that one of gRPC may take until it speaks HTTP/2."""

GRPC_IDLE = 300.0
"""Seconds after which a connection of gRPC without a request is ended; clients open another."""

SECONDS_TO_READ = 2.0
"""For a client to read that it is refused."""

SECONDS_TO_STOP = 5.0
"""From SIGTERM on, for what was accepted; what is not answered then is given up."""

READ_AND_DROPPED = 8
"""Times the limit of bytes: a client that is cut off while it sends sees no answer."""

HELD = 32
"""Times the limit of bytes: all bodies together, from their first byte to the answer."""

MOST_LISTS = 2_500_000
"""In the JSON of a request. A list takes a hundred bytes where its text takes three, and a
photograph is a list for each pixel; larger ones go as files in base64."""

MOST_OBJECTS = 10_000
"""In the JSON of a request: there is one for each instance, and one takes 200 bytes."""


@dataclass(frozen=True)
class Limits:
    """The limits of a server.

    Attributes:
        max_bytes: of the body of a request, or of a gRPC message.
        max_pixels: of a picture.
        timeout: seconds for a request, from its headers to its answer.
        waiting: requests that wait for a worker; one more is refused.
    """

    max_bytes: int = 32_000_000
    max_pixels: int = 50_000_000
    timeout: float = 60.0
    waiting: int = 64

    @property
    def megabytes(self) -> str:
        """`max_bytes` in words: "32 MB"."""
        return f"{round(self.max_bytes / 1e6, 3):g} MB"
