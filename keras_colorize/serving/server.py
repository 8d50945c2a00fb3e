"""A server from its socket to its graceful end."""

import asyncio
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
from keras_colorize.serving.limits import SECONDS_TO_READ, SECONDS_TO_STOP, Limits
from keras_colorize.serving.malloc import Caretaker, share_one_arena
from keras_colorize.serving.observation import LOGGING, Metrics
from keras_colorize.serving.pool import WorkerPool
from keras_colorize.serving.protocol import PatientProtocol
from keras_colorize.serving.worker_process import start_workers


@dataclass(frozen=True)
class Settings:
    """Where a server listens, and whom it answers.

    Attributes:
        host: name or address.
        port: of HTTP; 0 is any that is free.
        grpc_port: of gRPC; 0 is any that is free, None serves none.
        workers: processes; None is one for each core.
        api_key: as of `Middleware`.
        cors_origins: as of `make_app`.
        hosts: names beside `host`, as of `Middleware`.
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
    """Serves until SIGTERM or Ctrl-C, and then finishes what it accepted, if it can do so soon.

    Args:
        make_runtime: as of `start_workers`.
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
            # Once the workers have ended, only who sends or reads slowly is waited for.
            timeout_graceful_shutdown=round(SECONDS_TO_STOP + SECONDS_TO_READ),
        )
        say(f"HTTP on http://{host}:{listening.getsockname()[1]}/ (Ctrl-C stops it)")
        _Server(config, at_the_end, pool.give_up).run(sockets=[listening])


class _Server(uvicorn.Server):
    """uvicorn's server, which begins to end all else when it begins to end."""

    def __init__(
        self,
        config: uvicorn.Config,
        at_the_end: Sequence[Callable[[], object]],
        give_up: Callable[[], None],
    ) -> None:
        """Makes the server.

        Args:
            config: uvicorn's.
            at_the_end: called when it is to end, and not to take long.
            give_up: called `SECONDS_TO_STOP` later.
        """
        super().__init__(config)
        self._at_the_end = at_the_end
        self._give_up = give_up

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Finishes what was accepted, within a limit of time."""
        giving_up = asyncio.get_running_loop().call_later(SECONDS_TO_STOP, self._give_up)
        for begin in self._at_the_end:
            begin()
        await super().shutdown(sockets)
        giving_up.cancel()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        # Python adds "(while attempting to bind on address ...)", which the name says already.
        reason = (error.strerror or str(error)).partition(" (while ")[0]
        raise OSError(error.errno, reason, f"{host}:{port}") from error
