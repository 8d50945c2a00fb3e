"""Middleware that checks a request's host, key, size and time before the application sees it."""

import asyncio
import hmac
import ipaddress
from collections.abc import Iterable

from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from keras_colorize.serving.limits import HELD, READ_AND_DROPPED, RETRY_AFTER, Limits

DEADLINE = "keras_colorize.deadline"
"""Key of a request's scope: when its answer is due, on the clock of the event loop."""


class Middleware:
    """ASGI middleware that asks for a known host and the key, and keeps bodies within the limits.

    Attributes:
        limits: The limits of bytes and seconds.
        held: Bytes of all bodies that are in memory.
    """

    def __init__(
        self,
        app: ASGIApp,
        limits: Limits,
        api_key: str | None,
        open_paths: Iterable[str],
        hosts: Iterable[str],
    ) -> None:
        """Wraps an application.

        Args:
            app: The application.
            limits: The limits of bytes and seconds.
            api_key: The key that `Authorization: Bearer` must have; None asks for no key.
            open_paths: The only paths that need no key.
            hosts: Names of the server, beside localhost and addresses.
        """
        self._app = app
        self.limits = limits
        self._key = api_key
        self._open = frozenset(open_paths)
        self._hosts = frozenset(name.lower().rstrip(".") for name in hosts)
        self.held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuses a request, or hands it on with a limit on its body."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope[DEADLINE] = asyncio.get_running_loop().time() + self.limits.timeout
        if refusal := self._refusal(scope):
            await refusal(scope, receive, send)
            return
        body = _LimitedBody(self, scope, receive)
        try:
            await self._app(scope, body, send)
        finally:
            body.release()

    def _refusal(self, scope: Scope) -> JSONResponse | None:
        headers = dict(scope["headers"])
        if not self._knows(headers.get(b"host", b"").decode("latin-1")):
            message = "This host name is not one of the server's: --allowed-host adds it."
            return JSONResponse({"error": message}, 421)
        if self._key is None or scope["path"] in self._open:
            return None
        if is_key(headers.get(b"authorization", b"").decode("latin-1"), self._key):
            return None
        message = "This needs the API key: send it as Authorization: Bearer KEY."
        return JSONResponse({"error": message}, 401, {"WWW-Authenticate": "Bearer"})

    def _knows(self, host: str) -> bool:
        """Whether a `Host` header rules out DNS rebinding.

        A page of another site can make its own name lead to this server. It cannot do so with an
        address, nor with a name of this server.
        """
        name = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
        name = name.lower().rstrip(".")
        if not name or name == "localhost" or name in self._hosts:
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True


def is_key(authorization: str, key: str) -> bool:
    """Says whether an `Authorization` header, or the same metadata of gRPC, has the key."""
    scheme, _, given = authorization.partition(" ")
    is_same = hmac.compare_digest(given.strip().encode(), key.encode())
    return is_same and scheme.lower() == "bearer"


class _LimitedBody:
    """A request's `receive`, which raises an exception when a limit is passed.

    FastAPI lets only `HTTPException` through while it reads a body.
    """

    def __init__(self, middleware: Middleware, scope: Scope, receive: Receive) -> None:
        self._middleware = middleware
        self._receive = receive
        self._deadline: float = scope[DEADLINE]
        length = dict(scope["headers"]).get(b"content-length", b"")
        self._announced = int(length) if length.isdigit() else 0
        self._read = self._held = 0
        self._ended = False

    async def __call__(self) -> Message:
        if self._ended:
            return await self._receive()  # waits for the end of the connection
        limits = self._middleware.limits
        dropped = READ_AND_DROPPED * limits.max_bytes
        too_large = HTTPException(
            413, f"The request is larger than the limit of {limits.megabytes}."
        )
        if self._announced > dropped:
            raise too_large
        message = await self._next()
        if self._read > limits.max_bytes:
            del message
            while not self._ended and self._read <= dropped:
                await self._next()
            raise too_large
        self._hold(len(message.get("body", b"")))
        return message

    def release(self) -> None:
        """Notes that the body is no longer in memory."""
        self._middleware.held -= self._held

    def _hold(self, count: int) -> None:
        if self._middleware.held + count > HELD * self._middleware.limits.max_bytes:
            message = "The server is busy: it holds too many bytes. Try again in a moment."
            raise HTTPException(503, message, RETRY_AFTER)
        self._middleware.held += count
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
