"""Workers that are processes: killed when they take too long, replaced, and never left behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from keras_colorize.imaging.strips import available_cores
from keras_colorize.inference.weights import WeightsError
from keras_colorize.serving.errors import ServingError
from keras_colorize.serving.worker_process import WorkerProcess, start_workers

SERVER = """
import time
from keras_colorize.serving.worker_process import WorkerProcess

def sleep(runtime, deadline):
    time.sleep(600)

if __name__ == "__main__":
    worker = WorkerProcess(dict)
    worker.load()
    print(worker._process.pid, flush=True)
    worker.run(sleep, time.monotonic() + 600)
"""


class Echo:
    """A network that is none, but knows its process."""

    def __init__(self, threads: int = 0) -> None:
        self.threads = threads


def fail_to_load(threads: int) -> Any:
    raise WeightsError("There is no such network.")


def die_at_once() -> Any:
    os._exit(1)


def sleep(runtime: Any, deadline: float) -> None:
    time.sleep(600)


def process(runtime: Any, deadline: float) -> tuple[int, int]:
    return os.getpid(), runtime.threads


def seconds_left(runtime: Any, deadline: float) -> float:
    return deadline - time.monotonic()


def refuse(runtime: Any, deadline: float) -> None:
    raise ServingError("NOT_FOUND", "There is none.")


def divide(runtime: Any, deadline: float) -> float:
    return 1 / 0


def die(runtime: Any, deadline: float) -> None:
    os._exit(1)


class Odd(Exception):
    def __init__(self, one: int, two: int) -> None:
        super().__init__("odd")


def raise_odd(runtime: Any, deadline: float) -> None:
    raise Odd(1, 2)


def soon(seconds: float = 600.0) -> float:
    return time.monotonic() + seconds


@pytest.fixture(scope="module")
def worker() -> Iterator[WorkerProcess]:
    started = WorkerProcess(Echo)
    started.load()
    yield started
    started.end()


def test_a_job_that_takes_too_long_is_killed_and_its_worker_replaced(worker: WorkerProcess) -> None:
    first, _ = worker.run(process, soon())
    with pytest.raises(ServingError, match="time") as error:
        worker.run(sleep, soon(0.1))
    assert error.value.http_status == 504
    with pytest.raises(ProcessLookupError):
        os.kill(first, 0)
    assert worker.replaced == 1
    other, _ = worker.run(process, soon())
    assert other not in (first, os.getpid())


def test_a_worker_that_dies_is_replaced(worker: WorkerProcess) -> None:
    with pytest.raises(ServingError, match="ended") as error:
        worker.run(die, soon())
    assert error.value.http_status == 503
    pid, _ = worker.run(process, soon())
    os.kill(pid, signal.SIGKILL)  # as for want of memory
    while worker.is_alive:
        pass
    assert worker.run(process, soon())[0] != pid


def test_what_a_job_raises_comes_through(worker: WorkerProcess) -> None:
    pid, _ = worker.run(process, soon())
    with pytest.raises(ServingError) as refused:
        worker.run(refuse, soon())
    assert (refused.value.code, refused.value.message) == ("NOT_FOUND", "There is none.")
    with pytest.raises(ZeroDivisionError) as fault:
        worker.run(divide, soon())
    assert "in divide" in "".join(fault.value.__notes__)
    with pytest.raises(RuntimeError, match="in raise_odd"):
        worker.run(raise_odd, soon())
    assert worker.run(process, soon())[0] == pid


def test_a_job_hears_of_its_deadline(worker: WorkerProcess) -> None:
    assert worker.resident_bytes > 10_000_000  # Python alone has as much
    assert 500 < worker.run(seconds_left, soon(600)) <= 600


def test_no_signal_of_a_terminal_ends_a_worker(worker: WorkerProcess) -> None:
    pid, _ = worker.run(process, soon())
    for number in (signal.SIGINT, signal.SIGTERM):
        os.kill(pid, number)
    assert worker.run(process, soon())[0] == pid


def test_an_ended_worker_does_nothing_and_stays_ended() -> None:
    worker = WorkerProcess(Echo)
    worker.load()
    worker.end()
    assert not worker.is_alive
    with pytest.raises(ServingError, match="stopping"):
        worker.run(process, soon())
    assert not worker.is_alive


def test_a_job_in_a_worker_that_is_ended_fails_at_once() -> None:
    worker = WorkerProcess(Echo)
    worker.load()
    with ThreadPoolExecutor(1) as threads:
        asked = threads.submit(worker.run, sleep, soon())
        while not asked.running():
            pass
        worker.end()
        with pytest.raises(ServingError, match="stopping"):
            asked.result(300)
    assert worker.replaced == 0


def test_workers_share_the_cores() -> None:
    for count, expected in ((None, available_cores()), (1, 1)):
        workers = start_workers(Echo, count)
        assert len(workers) == expected
        threads = {worker.run(process, soon())[1] for worker in workers}
        assert threads == {available_cores() // expected}
        for worker in workers:
            worker.end()


def test_a_network_that_cannot_be_loaded() -> None:
    with pytest.raises(WeightsError, match="no such network"):
        start_workers(fail_to_load, 2)
    with pytest.raises(OSError, match="ended while it loaded"):
        WorkerProcess(die_at_once).load()


def test_no_worker_outlives_a_server_that_is_killed(tmp_path: Path) -> None:
    (tmp_path / "server.py").write_text(SERVER)
    command = [sys.executable, tmp_path / "server.py"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        pid = int(server.stdout.readline())
        os.kill(pid, 0)
        server.kill()
    with pytest.raises(ProcessLookupError):
        while True:  # until it has noticed
            os.kill(pid, 0)
            time.sleep(0.1)
