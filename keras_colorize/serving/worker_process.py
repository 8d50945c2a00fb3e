"""A process with a network of its own, which is killed and replaced if a job takes too long."""

import mmap
import multiprocessing
import pickle
import signal
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from multiprocessing.connection import Connection, wait
from os import _exit as exit_at_once
from pathlib import Path
from typing import Any, TypeVar

from keras_colorize.imaging.strips import available_cores
from keras_colorize.inference.runtime import Runtime
from keras_colorize.serving import jobs
from keras_colorize.serving.errors import ServingError
from keras_colorize.serving.malloc import REST, give_back, share_one_arena

Result = TypeVar("Result")
Job = Callable[[Runtime, float], Result]
"""A function of a network and the time on `time.monotonic`'s clock by which its result is due."""

# The fork server imports everything once, and its children share that memory.
_KIND = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
_CONTEXT: Any = multiprocessing.get_context(_KIND)
_CONTEXT.set_forkserver_preload([__name__, jobs.__name__])


def start_workers(
    make_runtime: Callable[[int], Runtime], count: int | None
) -> "list[WorkerProcess]":
    """Starts workers that share the cores, and waits until their networks are loaded.

    Args:
        make_runtime: Loads a network that uses the given number of cores. It is pickled and called
            in each worker.
        count: Number of workers; None starts one for each core.

    Raises:
        Exception: What prevents a network from loading.
    """
    cores = available_cores()
    count = count or cores
    workers: list[WorkerProcess] = []
    try:
        for _ in range(count):
            workers.append(WorkerProcess(partial(make_runtime, max(1, cores // count))))
        for worker in workers:
            worker.load()
    except BaseException:
        for worker in workers:
            worker.end()
        raise
    return workers


class WorkerProcess:
    """A worker process that is killed if a job takes too long.

    Decoders are written in C. A thread cannot be stopped while it decodes, but a process can.

    Attributes:
        replaced: How often the process was replaced.
    """

    def __init__(self, make_runtime: Callable[[], Runtime]) -> None:
        """Starts the process without waiting for it.

        Args:
            make_runtime: Loads the network. It is pickled and called in the process.
        """
        self._make_runtime = make_runtime
        self._changing = threading.Lock()
        self._ended = False
        self.replaced = 0
        self._is_loaded = False
        self._start()

    @property
    def is_alive(self) -> bool:
        """Whether the process runs."""
        return not self._ended and bool(self._process.is_alive())

    @property
    def resident_bytes(self) -> int:
        """Memory of the process, or 0 if the process has ended or the system has no /proc."""
        try:
            pages = Path(f"/proc/{self._process.pid}/statm").read_text().split()[1]
        except OSError:
            return 0
        return int(pages) * mmap.PAGESIZE

    def load(self) -> None:
        """Waits until the network is loaded, or raises the error that prevents it."""
        try:
            answer = self._connection.recv()
        except EOFError as error:
            raise OSError("A worker ended while it loaded the network.") from error
        _value(answer)
        self._is_loaded = True

    def run(self, job: Job[Result], deadline: float) -> Result:
        """Runs a job in the process.

        Args:
            job: It is pickled, and so is what it returns or raises.
            deadline: On `time.monotonic`'s clock. A process that still works then is killed.

        Returns:
            What the job returns.

        Raises:
            ServingError: The job took too long, or its process ended.
            Exception: What the job raises.
        """
        try:
            if not self.is_alive:  # the system may have killed it to free memory
                self._replace()
            if not self._is_loaded:
                if not self._connection.poll(max(0.0, deadline - time.monotonic())):
                    raise _too_late()
                self.load()
            self._connection.send((job, deadline - time.monotonic()))
            if not self._connection.poll(max(0.0, deadline - time.monotonic())):
                self._replace()
                raise _too_late()
            answer = self._connection.recv()
        except (EOFError, OSError) as error:  # not the job's own errors: an answer holds those
            self._replace()
            message = "The worker has ended, perhaps for want of memory; another takes its place."
            raise ServingError("UNAVAILABLE", message) from error
        result: Result = _value(answer)
        return result

    def end(self) -> None:
        """Kills the process for good. A job in it fails."""
        with self._changing:
            self._ended = True
            self._process.kill()

    def _start(self) -> None:
        self._connection, theirs = _CONTEXT.Pipe()
        self._process = _CONTEXT.Process(
            target=_work, args=(theirs, self._make_runtime), name="colorizer", daemon=True
        )
        self._process.start()
        theirs.close()

    def _replace(self) -> None:
        with self._changing:
            self._process.kill()
            self._process.join()
            self._connection.close()
            self._is_loaded = False
            if self._ended:
                raise ServingError("UNAVAILABLE", "The server is stopping.")
            self.replaced += 1
            self._start()


def _too_late() -> ServingError:
    return ServingError("DEADLINE_EXCEEDED", "The time for this request is over.")


def _value(answer: tuple[bool, Any]) -> Any:
    is_good, value = answer
    if not is_good:
        raise value
    return value


def _work(connection: Connection, make_runtime: Callable[[], Runtime]) -> None:
    """Runs jobs until the server ends."""
    # A terminal or a container sends both to all processes, but the server decides when to end.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_end_with_the_server, daemon=True).start()
    share_one_arena()
    try:
        runtime = make_runtime()
    except BaseException as error:
        connection.send((False, _portable(error)))
        return
    connection.send((True, None))
    with suppress(EOFError, OSError):
        while True:
            if not connection.poll(REST):
                give_back()
            job, seconds = connection.recv()
            try:
                answer = True, job(runtime, time.monotonic() + seconds)
            except BaseException as error:
                answer = False, _portable(error)
            connection.send(answer)
            del job, answer  # otherwise the last picture stays in memory until the next job


def _end_with_the_server() -> None:
    server = multiprocessing.parent_process()
    assert server is not None
    wait([server.sentinel])
    exit_at_once(1)


def _portable(error: BaseException) -> BaseException:
    """Adds its trace to an error, or replaces an error that cannot be pickled."""
    trace = traceback.format_exc()
    if not isinstance(error, ServingError):
        error.add_note(trace)
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError(trace)
    return error
