"""HTTP connections: their number, their end, and the answer to what is not HTTP."""

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from keras_colorize.serving.limits import CONNECTIONS, PATIENCE, RETRY_AFTER, SECONDS_TO_READ

_NO_HTTP = "The request is no HTTP/1.1, or its headers are too large."
_TOO_MANY = "The server is busy: too many connections are open. Try again in a moment."


class PatientProtocol(H11Protocol):
    """uvicorn's protocol with limits of number and time, half-closed clients, and errors in JSON.

    uvicorn closes a connection that is idle after an answer. But it waits without end for a first
    request, for headers that come byte by byte, and for a client to read its answer, even when it
    shuts down. A client that closes its side after its request would get no answer.
    """

    def __init__(
        self,
        *arguments: Any,
        on_refusal: Callable[[int], None] = lambda status: None,
        **options: Any,
    ) -> None:
        """Makes the protocol of a connection.

        Args:
            *arguments: As of uvicorn's protocol.
            on_refusal: Called with the status of a refusal.
            **options: As of uvicorn's protocol.
        """
        super().__init__(*arguments, **options)
        self._on_refusal = on_refusal

    def connection_made(self, transport: Any) -> None:
        """Starts the timer, or refuses the connection if too many are open."""
        super().connection_made(transport)
        self._refused = False
        self._seen: tuple[Any, int] = (None, 0)
        self._timer: asyncio.TimerHandle = self.loop.call_later(PATIENCE, self._look)
        if len(self.connections) > CONNECTIONS:
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE, _TOO_MANY, RETRY_AFTER)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stops the timer."""
        self._timer.cancel()
        super().connection_lost(exc)

    def eof_received(self) -> bool:  # type: ignore[override]
        """Keeps the connection for an answer that is under way."""
        cycle = self.cycle
        return cycle is not None and not cycle.more_body and not cycle.response_complete

    def send_400_response(self, msg: str) -> None:
        """Answers what is not HTTP in JSON, and ends the connection."""
        self._refuse(HTTPStatus.BAD_REQUEST, _NO_HTTP, {})

    def data_received(self, data: bytes) -> None:
        """Drops data after a refusal; a client that is cut off while it sends sees no answer."""
        if not self._refused:
            super().data_received(data)

    def _refuse(self, status: HTTPStatus, sentence: str, headers: dict[str, str]) -> None:
        self._refused = True
        self._on_refusal(status)
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            body = json.dumps({"error": sentence}).encode()
            every = {
                "Content-Type": "application/json",
                "Content-Length": str(len(body)),
                "Connection": "close",
            } | headers
            for event in (
                h11.Response(
                    status_code=status, headers=list(every.items()), reason=status.phrase.encode()
                ),
                h11.Data(data=body),
                h11.EndOfMessage(),
            ):
                self.transport.write(self.conn.send(event))
            with suppress(OSError):  # the client may be gone
                self.transport.write_eof()
        if self.cycle is not None:
            self.cycle.disconnected = True  # otherwise the application would answer once more
        self.loop.call_later(SECONDS_TO_READ, self.transport.close)

    def _look(self) -> None:
        """Ends the connection if no request came and no answer was read since the last look."""
        unread = self.transport.get_write_buffer_size()
        waits = unread > 0 or self.cycle is None or self.cycle.response_complete
        if waits and (self.cycle, unread) == self._seen:
            self.transport.abort()  # to close it would wait until the answer is read
            return
        self._seen = self.cycle, unread
        self._timer = self.loop.call_later(PATIENCE, self._look)
