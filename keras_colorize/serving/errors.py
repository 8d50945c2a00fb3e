"""Why a request is not answered: one sentence, for HTTP and for gRPC."""

from collections.abc import Iterator
from contextlib import contextmanager

import cv2

from keras_colorize.imaging.images import ImageError, PixelLimitError
from keras_colorize.inference.fitting import SizeError

# TensorFlow Serving's (`ToHTTPStatusCode` in model_servers/http_server.cc), but for
# RESOURCE_EXHAUSTED: it says 429 there, and here is what a message that is too large has in gRPC.
_HTTP_STATUS = {
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "UNAUTHENTICATED": 401,
    "NOT_FOUND": 404,
    "RESOURCE_EXHAUSTED": 413,
    "UNIMPLEMENTED": 501,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
    "CANCELLED": 499,  # nginx's, for logs; nobody is there to read it
}


class ServingError(Exception):
    """A request is refused or fails; the message is one sentence for whoever sent it.

    Attributes:
        code: the name of the gRPC status.
        message: the sentence.
    """

    def __init__(self, code: str, message: str) -> None:
        # It may quote a request, and half of a surrogate pair is valid in JSON but has no UTF-8.
        self.message = message.encode(errors="replace").decode()
        super().__init__(self.message)
        self.code = code

    def __reduce__(self) -> tuple[type["ServingError"], tuple[str, str]]:
        """Says how to make it again in another process."""
        return ServingError, (self.code, self.message)

    @property
    def http_status(self) -> int:
        """The status that the same failure has over HTTP."""
        return _HTTP_STATUS[self.code]


@contextmanager
def failures_of_pictures() -> Iterator[None]:
    """Turns what a picture may do to the colouring into a `ServingError`."""
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
