"""What a request passes before the application sees it: its key, its size and its time."""

import asyncio
import hmac
from dataclasses import dataclass

from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from keras_colorize.serving.limits import Limits

DEADLINE = "keras_colorize.deadline"
"""Key of a request's scope: when its answer is due, on the clock of the event loop."""

_GUARDED = ("/v1/", "/colorize", "/metrics", "/openapi.json")
_READ_AND_DROPPED = 8  # times the limit: a client that is cut off while it sends sees no answer
_HELD = 32  # times the limit: all bodies together, from their first byte to the answer


class Gate:
    """ASGI middleware that holds the limits and asks for the key."""

    def __init__(self, app: ASGIApp, limits: Limits, api_key: str | None) -> None:
        """Wraps an application.

        Args:
            app: what the requests go on to.
            limits: of bytes and seconds.
            api_key: what `Authorization: Bearer` must bring along, but for the page and
                `/healthz`; None asks for nothing.
        """
        self._app = app
        self._limits = limits
        self._key = api_key.encode() if api_key is not None else None
        self._held = _Held(_HELD * limits.max_bytes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request that may not pass, and hands on any other."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope[DEADLINE] = asyncio.get_running_loop().time() + self._limits.timeout
        if not self._is_allowed(scope):
            refusal = JSONResponse(
                {"error": "This needs the API key: send it as Authorization: Bearer KEY."},
                401,
                {"WWW-Authenticate": "Bearer"},
            )
            await refusal(scope, receive, send)
            return
        body = _LimitedBody(scope, receive, self._limits, self._held)
        try:
            await self._app(scope, body, send)
        finally:
            body.release()

    def _is_allowed(self, scope: Scope) -> bool:
        if self._key is None or not scope["path"].startswith(_GUARDED):
            return True
        given = dict(scope["headers"]).get(b"authorization", b"")
        return hmac.compare_digest(given, b"Bearer " + self._key)


@dataclass
class _Held:
    """Bytes of all bodies that are in memory."""

    most: int
    now: int = 0


class _LimitedBody:
    """A request's `receive` that ends in an exception where a limit is passed.

    `HTTPException` is what FastAPI lets through while it reads one.
    """

    def __init__(self, scope: Scope, receive: Receive, limits: Limits, held: _Held) -> None:
        self._receive = receive
        self._limits = limits
        self._of_all = held
        self._held = 0
        self._deadline: float = scope[DEADLINE]
        self._read = 0
        length = dict(scope["headers"]).get(b"content-length", b"")
        self._announced = int(length) if length.isdigit() else 0
        self._ended = False

    async def __call__(self) -> Message:
        if self._ended:
            return await self._receive()  # waits for the end of the connection
        if self._announced > _READ_AND_DROPPED * self._limits.max_bytes:
            raise self._too_large()
        message = await self._next()
        if self._read > self._limits.max_bytes:
            del message
            while not self._ended and self._read <= _READ_AND_DROPPED * self._limits.max_bytes:
                await self._next()
            raise self._too_large()
        self._hold(len(message.get("body", b"")))
        return message

    def release(self) -> None:
        """Says that the body is no longer in memory."""
        self._of_all.now -= self._held

    def _hold(self, count: int) -> None:
        if self._of_all.now + count > self._of_all.most:
            message = "The server is busy: it holds too many bytes. Try again in a moment."
            raise HTTPException(503, message, {"Retry-After": "1"})
        self._of_all.now += count
        self._held += count

    async def _next(self) -> Message:
        left = self._deadline - asyncio.get_running_loop().time()
        try:
            message = await asyncio.wait_for(self._receive(), max(0.0, left))
        except TimeoutError:
            raise HTTPException(408, "The request did not arrive in time.") from None
        if message["type"] == "http.disconnect":
            raise HTTPException(499, "The client has left.")
        self._read += len(message.get("body", b""))
        self._ended = not message.get("more_body", False)
        return message

    def _too_large(self) -> HTTPException:
        message = f"The request is larger than the limit of {self._limits.megabytes}."
        return HTTPException(413, message)
