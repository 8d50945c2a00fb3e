import io
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from keras_colorize.inference.runtime import LiteRTRuntime, load_runtime
from keras_colorize.serving.app import make_app
from keras_colorize.serving.limits import Limits
from keras_colorize.serving.pool import WorkerPool


@pytest.fixture(scope="session")
def runtime() -> LiteRTRuntime:
    """The packaged network."""
    loaded = load_runtime(None, 1)
    assert isinstance(loaded, LiteRTRuntime)
    return loaded


@pytest.fixture(scope="session")
def photograph(repository: Path) -> bytes:
    return (repository / "examples" / "photographs" / "fireside.jpg").read_bytes()


class WorkerThread:
    """A worker without a process: a job is done where it is handed over."""

    is_alive = True
    replaced = 0
    resident_bytes = 0

    def __init__(self, runtime: Any) -> None:
        self.runtime = runtime

    def run(self, job: Callable[[Any, float], Any], deadline: float) -> Any:
        return job(self.runtime, deadline)

    def end(self) -> None:
        self.is_alive = False


@pytest.fixture(scope="session")
def make_worker() -> type[WorkerThread]:
    return WorkerThread


@pytest.fixture(scope="session")
def make_client() -> Iterator[Callable[..., TestClient]]:
    """Makes clients of applications of their own, with one worker."""
    with ExitStack() as stack:

        def make(runtime: Any, limits: Limits | None = None, **options: Any) -> TestClient:
            limits = limits or Limits()
            app = make_app(WorkerPool([WorkerThread(runtime)], limits.waiting), limits, **options)
            return stack.enter_context(TestClient(app, base_url="http://127.0.0.1"))

        yield make


@pytest.fixture(scope="session")
def client(make_client: Callable[..., TestClient], runtime: LiteRTRuntime) -> TestClient:
    return make_client(runtime)


class GreyRuntime:
    """Knows no colours, takes any size, and can be made to wait."""

    name = "grey"
    sizes = None
    size_multiple = 16
    chroma_stride = 1

    def __init__(self, wait: Callable[[], object] = lambda: None) -> None:
        self.wait = wait
        self.calls = 0

    def predict(self, lightness: np.ndarray) -> np.ndarray:
        self.calls += 1
        self.wait()
        return np.zeros((*lightness.shape, 2), np.float32)


@pytest.fixture
def make_grey() -> Callable[..., GreyRuntime]:
    return GreyRuntime


@pytest.fixture(scope="session")
def tiny(make_picture: Any) -> bytes:
    """A small PNG."""
    stream = io.BytesIO()
    make_picture(0, 40, 32).save(stream, "PNG")
    return stream.getvalue()


class Server:
    """A `keras-colorize serve` on free ports."""

    def __init__(self, *options: str, **environment: str) -> None:
        program = shutil.which("keras-colorize", path=str(Path(sys.executable).parent))
        assert program is not None
        self._log = tempfile.TemporaryFile("a+")  # a pipe that is full would stop the server
        self.process = subprocess.Popen(
            [program, "serve", "--port", "0", *options],
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            env=os.environ | {"PYTHONUNBUFFERED": "1"} | environment,
        )
        self.grpc = ""
        assert self.process.stdout is not None
        while "HTTP on" not in (line := self.process.stdout.readline()):
            if not line:
                raise RuntimeError(self.end()[1])
            self.grpc = line.removeprefix("gRPC on ").strip()
        self.url = line.split()[2].rstrip("/")

    def end(self, by: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
        """Gives the exit code and what was logged."""
        self.process.send_signal(by)
        self.process.communicate()
        self._log.seek(0)
        with self._log:
            return self.process.returncode, self._log.read()


@pytest.fixture(scope="session")
def start() -> Iterator[Callable[..., Server]]:
    """Starts servers, which end with the tests."""
    started = []

    def start(*options: str, **environment: str) -> Server:
        server = Server(*options, **environment)
        started.append(server)
        return server

    yield start
    for server in started:
        if server.process.poll() is None:
            server.end()


@pytest.fixture(scope="session")
def server(start: Callable[..., Server]) -> Server:
    """One with HTTP and gRPC."""
    return start("--grpc-port", "0", "--workers", "1")
