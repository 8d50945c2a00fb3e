"""What a server lets one request, or all of them together, take."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """The limits of a server.

    Attributes:
        max_bytes: of the body of a request, or of a gRPC message.
        max_pixels: of a picture.
        timeout: seconds for a request, from its first byte to its answer.
        waiting: requests that wait for a worker; one more is refused.
    """

    max_bytes: int = 32 << 20
    max_pixels: int = 50_000_000
    timeout: float = 60.0
    waiting: int = 64
