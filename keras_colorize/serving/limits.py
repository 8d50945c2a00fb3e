"""All limits of a server: for a request, for a connection, and for all of them together."""

from dataclasses import dataclass

CONNECTIONS = 400
"""The most open HTTP connections. Each may keep a file for what it sends, and many systems give a
program 1024 descriptors."""

BACKLOG = 2048
"""Connections that the system keeps until the server accepts them."""

GRPC_CONNECTIONS = 100
"""The most open gRPC connections; each carries any number of requests."""

GRPC_SPARE_THREADS = 8
"""Threads of gRPC for requests that need no worker."""

PATIENCE = 20.0
"""Seconds, at the least, that an HTTP connection stays open while no request arrives and no answer
is read, and that a gRPC connection may take until it speaks HTTP/2."""

GRPC_IDLE = 300.0
"""Seconds after which a gRPC connection without requests is closed; clients open another."""

SECONDS_TO_READ = 2.0
"""Seconds for a client to read that it is refused."""

SECONDS_TO_STOP = 5.0
"""Seconds from SIGTERM on for accepted requests; those without an answer then are given up."""

SECONDS_TO_END = 9.0
"""Seconds from SIGTERM on after which the system kills the server if it is still there."""

RETRY_AFTER = {"Retry-After": "1"}
"""The header that tells a client in how many seconds a busy server may take its request."""

READ_AND_DROPPED = 8
"""Times the limit of bytes. This much of a body that is too large is read and dropped, because a
client that is cut off while it sends does not see the answer."""

HELD = 32
"""Times the limit of bytes: the bodies of all requests together, from first byte to answer."""

MOST_LISTS = 2_500_000
"""The most lists in a JSON request. A list takes a hundred bytes of memory where its text takes
three, and a photograph has a list for each pixel; larger ones go as files in base64."""

MOST_OBJECTS = 10_000
"""The most objects in a JSON request: there is one for each instance, and it takes 200 bytes."""


@dataclass(frozen=True)
class Limits:
    """The limits that a user can set.

    Attributes:
        max_bytes: The most bytes in the body of a request or in a gRPC message.
        max_pixels: The most pixels in a picture.
        timeout: Seconds from the headers of a request to its answer.
        waiting: The most requests that wait for a worker.
    """

    max_bytes: int = 32_000_000
    max_pixels: int = 50_000_000
    timeout: float = 60.0
    waiting: int = 64

    @property
    def megabytes(self) -> str:
        """`max_bytes` in words: "32 MB"."""
        return f"{round(self.max_bytes / 1e6, 3):g} MB"
