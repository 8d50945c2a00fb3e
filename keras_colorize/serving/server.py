"""A server from its socket to its graceful end."""

import logging.config
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial

import uvicorn

from keras_colorize.inference.quiet import import_quietly
from keras_colorize.inference.runtime import Runtime
from keras_colorize.serving.app import make_app
from keras_colorize.serving.limits import Limits
from keras_colorize.serving.memory import Caretaker, share_one_arena
from keras_colorize.serving.observation import LOGGING, Metrics
from keras_colorize.serving.pool import WorkerPool
from keras_colorize.serving.protocol import PatientProtocol


@dataclass(frozen=True)
class Settings:
    """Where a server listens, and whom it answers.

    Attributes:
        host: name or address.
        port: of HTTP; 0 is any that is free.
        grpc_port: of gRPC; 0 is any that is free, None serves none.
        workers: networks; None is one for each core.
        api_key: as of `Gate`.
        cors_origins: as of `make_app`.
    """

    host: str = "127.0.0.1"
    port: int = 8501
    grpc_port: int | None = None
    workers: int | None = None
    api_key: str | None = None
    cors_origins: Sequence[str] = ()


def serve(
    make_runtime: Callable[[int], Runtime],
    settings: Settings,
    limits: Limits,
    say: Callable[[str], None],
) -> None:
    """Serves until SIGTERM or Ctrl-C, and then finishes what it accepted.

    Args:
        make_runtime: as of `WorkerPool`.
        settings: where and for whom.
        limits: of each request.
        say: told, a line each, where it listens.

    Raises:
        OSError: it cannot listen there.
    """
    share_one_arena()
    logging.config.dictConfig(LOGGING)
    for number in (signal.SIGTERM, signal.SIGINT):
        # While uvicorn runs it handles them, and raises them again when it has stopped.
        signal.signal(number, lambda *_: sys.exit(0))
    with ExitStack() as stack:
        listening = stack.enter_context(_listen(settings.host, settings.port))
        pool = WorkerPool(make_runtime, limits.waiting, settings.workers)
        stack.callback(pool.close)
        metrics = Metrics(pool, Caretaker().answered)
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        if settings.grpc_port is not None:
            import_quietly("tensorflow")
            from keras_colorize.serving.grpc_service import start_grpc

            address = f"{host}:{settings.grpc_port}"
            port, stop = start_grpc(pool, limits, metrics, address, settings.api_key)
            stack.callback(stop)
            say(f"gRPC on {host}:{port}")
        app = make_app(
            pool,
            limits,
            metrics=metrics,
            api_key=settings.api_key,
            cors_origins=settings.cors_origins,
        )
        config = uvicorn.Config(
            app,
            http=partial(PatientProtocol, on_refusal=metrics.observe_refusal),  # type: ignore[arg-type]
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=None,  # the limits of requests and answers are what ends it
        )
        say(f"HTTP on http://{host}:{listening.getsockname()[1]}/ (Ctrl-C stops it)")
        uvicorn.Server(config).run(sockets=[listening])


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        # Python adds "(while attempting to bind on address ...)", which the name says already.
        reason = (error.strerror or str(error)).partition(" (while ")[0]
        raise OSError(error.errno, reason, f"{host}:{port}") from error
