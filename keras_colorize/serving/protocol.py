"""HTTP connections that end when no request comes over them."""

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

SECONDS_FOR_HEADERS = 20.0


class PatientProtocol(H11Protocol):
    """uvicorn's protocol with a time limit for the headers of a request.

    uvicorn ends what is idle after an answer, but waits without end for a first request, and for
    one whose headers come byte by byte.
    """

    def connection_made(self, transport: Any) -> None:
        """Begins to look whether a request comes."""
        super().connection_made(transport)
        self._seen = self.cycle
        self._timer: asyncio.TimerHandle = self.loop.call_later(SECONDS_FOR_HEADERS, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        """Looks no more."""
        self._timer.cancel()
        super().connection_lost(exc)

    def _look(self) -> None:
        """Ends the connection if it has waited for a request since the last look."""
        waits = self.cycle is None or self.cycle.response_complete
        if waits and self.cycle is self._seen:
            self.transport.close()
            return
        self._seen = self.cycle
        self._timer = self.loop.call_later(SECONDS_FOR_HEADERS, self._look)
