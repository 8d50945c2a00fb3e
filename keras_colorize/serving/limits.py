"""What a server lets one request, or all of them together, take."""

from dataclasses import dataclass


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
