"""HTTP connections that end when no request comes over them."""

import asyncio
import json
from contextlib import suppress
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

SECONDS_FOR_HEADERS = 20.0

_SECONDS_TO_READ = 2.0  # for a client to read that it is refused
_NO_HTTP = "The request is no HTTP/1.1, or its headers are too large."


class PatientProtocol(H11Protocol):
    """uvicorn's protocol with a time limit for headers, half-closed clients, and errors in JSON.

    uvicorn ends what is idle after an answer, but waits without end for a first request, and for
    one whose headers come byte by byte. A client that closes its side after its request would get
    no answer.
    """

    def connection_made(self, transport: Any) -> None:
        """Begins to look whether a request comes."""
        super().connection_made(transport)
        self._refused = False
        self._seen = self.cycle
        self._timer: asyncio.TimerHandle = self.loop.call_later(SECONDS_FOR_HEADERS, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        """Looks no more."""
        self._timer.cancel()
        super().connection_lost(exc)

    def eof_received(self) -> bool:  # type: ignore[override]
        """Keeps the connection for an answer that is under way."""
        cycle = self.cycle
        return cycle is not None and not cycle.more_body and not cycle.response_complete

    def send_400_response(self, msg: str) -> None:
        """Answers what is no HTTP as any other mistake, and ends the connection."""
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            body = json.dumps({"error": _NO_HTTP}).encode()
            headers = [
                ("Content-Type", "application/json"),
                ("Content-Length", str(len(body))),
                ("Connection", "close"),
            ]
            for event in (
                h11.Response(status_code=400, headers=headers, reason="Bad Request"),
                h11.Data(data=body),
                h11.EndOfMessage(),
            ):
                self.transport.write(self.conn.send(event))
            with suppress(OSError):  # the client may be gone
                self.transport.write_eof()
        if self.cycle is not None:
            self.cycle.disconnected = True  # or the application would answer once more
        self._refused = True
        self.loop.call_later(_SECONDS_TO_READ, self.transport.close)

    def data_received(self, data: bytes) -> None:
        """Drops what comes after a refusal; a client that is cut off while it sends sees none."""
        if not self._refused:
            super().data_received(data)

    def _look(self) -> None:
        """Ends the connection if it has waited for a request since the last look."""
        waits = self.cycle is None or self.cycle.response_complete
        if waits and self.cycle is self._seen:
            self.transport.close()
            return
        self._seen = self.cycle
        self._timer = self.loop.call_later(SECONDS_FOR_HEADERS, self._look)
