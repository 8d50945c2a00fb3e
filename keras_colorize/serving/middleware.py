"""What a request passes before the application sees it: its host, its key, its size, its time."""

import asyncio
import hmac
import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass

from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from keras_colorize.serving.limits import HELD, READ_AND_DROPPED, Limits

DEADLINE = "keras_colorize.deadline"
"""Key of a request's scope: when its answer is due, on the clock of the event loop."""


class Middleware:
    """ASGI middleware that holds the limits, and asks for a known host and the key."""

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
            app: what the requests go on to.
            limits: of bytes and seconds.
            api_key: what `Authorization: Bearer` must bring along; None asks for nothing.
            open_paths: the only ones that need no key.
            hosts: names that the server is asked for by, beside localhost and addresses.
        """
        self._app = app
        self._limits = limits
        self._key = api_key
        self._open = frozenset(open_paths)
        self._hosts = frozenset(name.lower().rstrip(".") for name in hosts)
        self._held = _Held(HELD * limits.max_bytes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request that may not pass, and hands on any other."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope[DEADLINE] = asyncio.get_running_loop().time() + self._limits.timeout
        if refusal := self._refusal(scope):
            await refusal(scope, receive, send)
            return
        body = _LimitedBody(scope, receive, self._limits, self._held)
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
        """Whether no foreign page can have asked for such a host.

        A page of another site reaches this server by a name of its own that was made to lead here
        (DNS rebinding). It cannot do so by an address, nor by a name that is not its own.
        """
        name = _without_port(host).lower().rstrip(".")
        return not name or name == "localhost" or name in self._hosts or _is_address(name)


def is_key(authorization: str, key: str) -> bool:
    """Whether a header, or gRPC's metadata, brings the key along."""
    scheme, _, given = authorization.partition(" ")
    is_same = hmac.compare_digest(given.strip().encode(), key.encode())
    return is_same and scheme.lower() == "bearer"


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


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
        if self._announced > READ_AND_DROPPED * self._limits.max_bytes:
            raise self._too_large()
        message = await self._next()
        if self._read > self._limits.max_bytes:
            del message
            while not self._ended and self._read <= READ_AND_DROPPED * self._limits.max_bytes:
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
