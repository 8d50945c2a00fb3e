"""What a server tells of its requests: a line of JSON each, and Prometheus metrics."""

import json
import logging
import time
from collections.abc import Callable
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from keras_colorize.serving.pool import WorkerPool

LOGGER = logging.getLogger("keras_colorize.serving")

_LONGEST_PATH = 200
_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class JsonFormatter(logging.Formatter):
    """A record as one line of JSON, with the fields that `extra={"fields": ...}` gave it."""

    def format(self, record: logging.LogRecord) -> str:
        """Returns the line; a trace is in its `trace`."""
        line: dict[str, Any] = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created)),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
        } | getattr(record, "fields", {})
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line)


class Sparing(logging.Filter):
    """Lets one record of each message pass in a while: asyncio repeats one by the thousand.

    It does so when there is no descriptor left for a connection.
    """

    WHILE = 10.0
    """Seconds."""

    def __init__(self) -> None:
        """Has seen nothing yet."""
        super().__init__()
        self._last: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Says whether a record passes."""
        message = record.getMessage().partition("\n")[0]  # traces and addresses follow
        if record.created - self._last.get(message, -self.WHILE) < self.WHILE:
            return False
        if len(self._last) >= 100:
            self._last.clear()
        self._last[message] = record.created
        return True


LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": JsonFormatter}},
    "filters": {"sparing": {"()": Sparing}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
    "loggers": {
        name: {"handlers": ["stderr"], "level": "INFO", "propagate": False}
        for name in (LOGGER.name, "uvicorn", "grpc")
    }
    | {"asyncio": {"filters": ["sparing"]}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},  # what libraries complain of
}
"""For `logging.config.dictConfig`."""


class Metrics:
    """The figures of one server, in a registry of their own."""

    def __init__(self, pool: WorkerPool, on_answer: Callable[[], None] = lambda: None) -> None:
        """Registers the figures.

        Args:
            pool: whose queue has the length.
            on_answer: called after each answer.
        """
        self._on_answer = on_answer
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        labels = ("interface", "route", "status")
        self._requests = Counter(
            "colorize_requests", "Requests that were answered.", labels, registry=self.registry
        )
        self._seconds = Histogram(
            "colorize_request_seconds",
            "From the headers of a request to the end of its answer.",
            labels[:2],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._refusals = Counter(
            "colorize_refused_connections",
            "Connections that were ended: there were too many, or what came was no HTTP.",
            ("status",),
            registry=self.registry,
        )
        waiting = Gauge(
            "colorize_queue_length", "Requests that wait for a worker.", registry=self.registry
        )
        waiting.set_function(lambda: pool.waiting)
        busy = Gauge("colorize_busy_workers", "Workers that do a job.", registry=self.registry)
        busy.set_function(lambda: pool.busy)
        replaced = Gauge(
            "colorize_replaced_workers",
            "Processes that took too long for a request, or ended, since the start.",
            registry=self.registry,
        )
        replaced.set_function(lambda: sum(worker.replaced for worker in pool.workers))
        memory = Gauge(
            "colorize_workers_resident_memory_bytes",
            "Resident memory of the workers, what they share counted for each.",
            registry=self.registry,
        )
        memory.set_function(lambda: sum(worker.resident_bytes for worker in pool.workers))

    def observe(self, interface: str, route: str, status: str, seconds: float) -> None:
        """Counts an answer.

        Args:
            interface: "http" or "grpc".
            route: what was asked for, one of few.
            status: of the answer.
            seconds: that it took.
        """
        self._requests.labels(interface, route, status).inc()
        self._seconds.labels(interface, route).observe(seconds)
        self._on_answer()

    def observe_refusal(self, status: int) -> None:
        """Counts a connection that was refused with a status of HTTP."""
        self._refusals.labels(str(status)).inc()


class Observer:
    """ASGI middleware that writes a line and counts, once a request."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        """Wraps an application."""
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hands the request on, and tells of it when it is over."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status, read, written = 0, 0, 0
        started = time.perf_counter()

        async def counted_receive() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            return message

        async def counted_send(message: Message) -> None:
            nonlocal status, written
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [
                    *message.get("headers", []),
                    (b"x-content-type-options", b"nosniff"),
                ]
            written += len(message.get("body", b""))
            await send(message)

        try:
            await self._app(scope, counted_receive, counted_send)
        finally:
            seconds = time.perf_counter() - started
            route = getattr(scope.get("route"), "path", None) or "other"
            self._metrics.observe("http", route, str(status or 500), seconds)
            client = scope.get("client")
            fields = {
                "method": scope["method"],
                "path": scope["path"][:_LONGEST_PATH],
                "status": status or 500,
                "milliseconds": round(1000 * seconds, 1),
                "bytes_read": read,
                "bytes_written": written,
                "client": client[0] if client else None,
            }
            LOGGER.info("request", extra={"fields": fields})
