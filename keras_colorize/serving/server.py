"""A server from its start to its graceful end."""

import asyncio
import logging.config
import multiprocessing
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from types import FrameType

import uvicorn

from keras_colorize.inference.quiet import import_quietly
from keras_colorize.inference.runtime import Runtime
from keras_colorize.serving.app import make_app
from keras_colorize.serving.limits import (
    BACKLOG,
    SECONDS_TO_END,
    SECONDS_TO_READ,
    SECONDS_TO_STOP,
    Limits,
)
from keras_colorize.serving.malloc import Caretaker, share_one_arena
from keras_colorize.serving.observation import LOGGING, Metrics
from keras_colorize.serving.pool import WorkerPool
from keras_colorize.serving.protocol import PatientProtocol
from keras_colorize.serving.worker_process import start_workers


@dataclass(frozen=True)
class Settings:
    """Where a server listens, and whom it answers.

    Attributes:
        host: Name or address to listen on.
        port: Port for HTTP; 0 takes any free port.
        grpc_port: Port for gRPC; 0 takes any free port, None turns gRPC off.
        workers: Number of worker processes; None starts one for each core.
        api_key: As of `Middleware`.
        cors_origins: As of `make_app`.
        hosts: Names beside `host`, as of `Middleware`.
    """

    host: str = "127.0.0.1"
    port: int = 8501
    grpc_port: int | None = None
    workers: int | None = None
    api_key: str | None = None
    cors_origins: Sequence[str] = ()
    hosts: Sequence[str] = ()


def serve(
    make_runtime: Callable[[int], Runtime],
    settings: Settings,
    limits: Limits,
    say: Callable[[str], None],
) -> None:
    """Serves until SIGTERM or Ctrl-C, and then finishes the accepted requests within a time limit.

    Args:
        make_runtime: As of `start_workers`.
        settings: Where to listen, and whom to answer.
        limits: Limits of each request.
        say: Called with a line for each address that the server listens on.

    Raises:
        OSError: The server cannot listen there.
    """
    share_one_arena()
    logging.config.dictConfig(LOGGING)
    for number in (signal.SIGTERM, signal.SIGINT):
        # While uvicorn runs it handles them, and raises them again when it has stopped.
        signal.signal(number, _exit)
    with ExitStack() as stack:
        stack.callback(_kill_children)
        listening = stack.enter_context(_listen(settings.host, settings.port))
        pool = WorkerPool(start_workers(make_runtime, settings.workers), limits.waiting)
        stack.callback(pool.close)
        stack.callback(pool.give_up)
        metrics = Metrics(pool, Caretaker().answered)
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        at_the_end = []
        if settings.grpc_port is not None:
            import_quietly("tensorflow")
            from keras_colorize.serving.grpc_service import start_grpc

            address = f"{host}:{settings.grpc_port}"
            port, stop = start_grpc(pool, limits, metrics, address, settings.api_key)
            at_the_end.append(stop)
            stack.callback(lambda: stop().wait())
            say(f"gRPC on {host}:{port}")
        app = make_app(
            pool,
            limits,
            metrics=metrics,
            api_key=settings.api_key,
            cors_origins=settings.cors_origins,
            hosts=[settings.host, *settings.hosts],
        )
        config = uvicorn.Config(
            app,
            http=partial(PatientProtocol, on_refusal=metrics.observe_refusal),  # type: ignore[arg-type]
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            # Once the workers have ended, only slow clients are waited for.
            timeout_graceful_shutdown=round(SECONDS_TO_STOP + SECONDS_TO_READ),
        )
        say(f"HTTP on http://{host}:{listening.getsockname()[1]}/ (Ctrl-C stops it)")
        _Server(config, at_the_end, pool.give_up).run(sockets=[listening])


class _Server(uvicorn.Server):
    """uvicorn's server, which stops gRPC and the workers together with itself."""

    def __init__(
        self,
        config: uvicorn.Config,
        at_the_end: Sequence[Callable[[], object]],
        give_up: Callable[[], None],
    ) -> None:
        super().__init__(config)
        self._at_the_end = at_the_end
        self._give_up = give_up

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begins the shutdown at a signal, and limits its time."""
        _limit_the_end()
        super().handle_exit(sig, frame)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Finishes the accepted requests, and gives up those that take too long."""
        giving_up = asyncio.get_running_loop().call_later(SECONDS_TO_STOP, self._give_up)
        for begin in self._at_the_end:
            begin()
        await super().shutdown(sockets)
        giving_up.cancel()


def _exit(*_: object) -> None:
    _limit_the_end()
    sys.exit(0)


def _limit_the_end() -> None:
    """Has the system kill this process if it is still there when its time to end is over.

    The process may hang in any call, such as a write to a log that nobody reads. Its workers end
    by themselves when it is gone. A second signal does not extend the time.
    """
    if hasattr(signal, "setitimer") and signal.getitimer(signal.ITIMER_REAL)[0] == 0:
        signal.setitimer(signal.ITIMER_REAL, SECONDS_TO_END)  # Windows has none


def _kill_children() -> None:
    """Kills workers that were just starting; they ignore the signal by which Python ends them."""
    for child in multiprocessing.active_children():
        child.kill()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        # Python adds "(while attempting to bind on address ...)", which the name says already.
        reason = (error.strerror or str(error)).partition(" (while ")[0]
        raise OSError(error.errno, reason, f"{host}:{port}") from error
