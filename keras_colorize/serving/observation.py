"""Observation of the requests: a line of JSON for each in the log, and metrics for Prometheus."""

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
    """Formats a record as a line of JSON, with the fields in `extra={"fields": ...}`."""

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


class RateLimit(logging.Filter):
    """Lets each message pass once in ten seconds.

    asyncio repeats one by the thousand when there is no descriptor left for a connection.
    """

    SECONDS = 10.0

    def __init__(self) -> None:
        """Makes a filter that has seen no message."""
        super().__init__()
        self._last: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Says whether a record passes."""
        message = record.getMessage().partition("\n")[0]  # traces and addresses follow
        if record.created - self._last.get(message, -self.SECONDS) < self.SECONDS:
            return False
        if len(self._last) >= 100:
            self._last.clear()
        self._last[message] = record.created
        return True


LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": JsonFormatter}},
    "filters": {"rate_limit": {"()": RateLimit}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
    "loggers": {
        name: {"handlers": ["stderr"], "level": "INFO", "propagate": False}
        for name in (LOGGER.name, "uvicorn", "grpc")
    }
    | {"asyncio": {"filters": ["rate_limit"]}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},  # messages of libraries
}
"""For `logging.config.dictConfig`."""


class Metrics:
    """The metrics of one server, in a registry of their own."""

    def __init__(self, pool: WorkerPool, on_answer: Callable[[], None] = lambda: None) -> None:
        """Registers the metrics.

        Args:
            pool: The pool whose queue and workers are measured.
            on_answer: Called after each answer.
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
            "Connections that were ended because there were too many or what came was not HTTP.",
            ("status",),
            registry=self.registry,
        )
        gauges: dict[str, tuple[str, Callable[[], float]]] = {
            "queue_length": ("Requests that wait for a worker.", lambda: pool.waiting),
            "busy_workers": ("Workers that do a job.", lambda: pool.busy),
            "replaced_workers": (
                "Processes that took too long for a request, or ended, since the start.",
                lambda: sum(worker.replaced for worker in pool.workers),
            ),
            "workers_resident_memory_bytes": (
                "Resident memory of the workers; what they share is counted for each.",
                lambda: sum(worker.resident_bytes for worker in pool.workers),
            ),
        }
        for name, (words, value) in gauges.items():
            Gauge(f"colorize_{name}", words, registry=self.registry).set_function(value)

    def observe(self, interface: str, route: str, status: str, seconds: float) -> None:
        """Counts an answer.

        Args:
            interface: "http" or "grpc".
            route: The route that was asked for, one of few.
            status: The status of the answer.
            seconds: The time that it took.
        """
        self._requests.labels(interface, route, status).inc()
        self._seconds.labels(interface, route).observe(seconds)
        self._on_answer()

    def observe_refusal(self, status: int) -> None:
        """Counts a connection that was refused with an HTTP status."""
        self._refusals.labels(str(status)).inc()


class Observer:
    """ASGI middleware that logs and counts each request."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        """Wraps an application."""
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hands a request on, and logs and counts it when it is over."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status, read, written = 500, 0, 0
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
                nosniff = (b"x-content-type-options", b"nosniff")
                message["headers"] = [*message.get("headers", []), nosniff]
            written += len(message.get("body", b""))
            await send(message)

        try:
            await self._app(scope, counted_receive, counted_send)
        finally:
            seconds = time.perf_counter() - started
            route = getattr(scope.get("route"), "path", None) or "other"
            self._metrics.observe("http", route, str(status), seconds)
            fields = {
                "method": scope["method"],
                "path": scope["path"][:_LONGEST_PATH],
                "status": status,
                "milliseconds": round(1000 * seconds, 1),
                "bytes_read": read,
                "bytes_written": written,
                "client": scope["client"][0] if scope.get("client") else None,
            }
            LOGGER.info("request", extra={"fields": fields})
