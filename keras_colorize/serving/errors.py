"""Errors of requests, for HTTP and for gRPC."""

from collections.abc import Iterator
from contextlib import contextmanager

import cv2

from keras_colorize.imaging.images import ImageError, PixelLimitError
from keras_colorize.inference.fitting import SizeError

# As in TensorFlow Serving (`ToHTTPStatusCode` in model_servers/http_server.cc), except for
# RESOURCE_EXHAUSTED, which is 429 there. Here it is the status of requests that are too large.
_HTTP_STATUS = {
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "UNAUTHENTICATED": 401,
    "NOT_FOUND": 404,
    "RESOURCE_EXHAUSTED": 413,
    "UNIMPLEMENTED": 501,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
    "CANCELLED": 499,  # as in nginx; only the log shows it
}


class ServingError(Exception):
    """A request is refused or fails.

    Attributes:
        code: The name of the gRPC status.
        message: One sentence for the client.
    """

    def __init__(self, code: str, message: str) -> None:
        # It may quote the request. Half of a surrogate pair is valid in JSON but has no UTF-8.
        self.message = message.encode(errors="replace").decode()
        super().__init__(self.message)
        self.code = code

    def __reduce__(self) -> tuple[type["ServingError"], tuple[str, str]]:
        """Says how to make the error again in another process."""
        return ServingError, (self.code, self.message)

    @property
    def http_status(self) -> int:
        """The HTTP status of the error."""
        return _HTTP_STATUS[self.code]


@contextmanager
def failures_of_pictures() -> Iterator[None]:
    """Turns errors of a picture into a `ServingError`."""
    try:
        yield
    except PixelLimitError as error:
        raise ServingError("RESOURCE_EXHAUSTED", str(error)) from error
    except (ImageError, SizeError) as error:
        raise ServingError("INVALID_ARGUMENT", str(error)) from error
    except (MemoryError, cv2.error) as error:
        if isinstance(error, cv2.error) and error.code != cv2.Error.StsNoMem:
            raise
        raise ServingError("UNAVAILABLE", "The picture needs more memory than there is.") from error
