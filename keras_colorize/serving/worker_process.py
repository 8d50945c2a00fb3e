"""A process with a network of its own, which is killed and replaced when it takes too long."""

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
from typing import Any, Protocol, TypeVar

from keras_colorize.imaging.strips import available_cores
from keras_colorize.inference.runtime import Runtime
from keras_colorize.serving import jobs
from keras_colorize.serving.errors import ServingError
from keras_colorize.serving.malloc import REST, give_back, share_one_arena

Result = TypeVar("Result")
Job = Callable[[Runtime, float], Result]
"""Called with a network, and when its result is due on `time.monotonic`'s clock."""

# A server of forks has imported all of it once, and its children share that memory.
_KIND = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
_CONTEXT: Any = multiprocessing.get_context(_KIND)
_CONTEXT.set_forkserver_preload([__name__, jobs.__name__])


class Worker(Protocol):
    """What does one job at a time.

    Attributes:
        replaced: how often its process was.
    """

    replaced: int

    @property
    def resident_bytes(self) -> int:
        """Memory of its process, where the system tells."""
        ...

    @property
    def is_alive(self) -> bool:
        """Whether it can do a job."""
        ...

    def run(self, job: Job[Result], deadline: float) -> Result:
        """Does a job, or raises what the job raises."""
        ...

    def end(self) -> None:
        """Ends it, whatever it is doing."""
        ...


def start_workers(
    make_runtime: Callable[[int], Runtime], count: int | None
) -> "list[WorkerProcess]":
    """Starts workers that share the cores.

    Args:
        make_runtime: makes a network that uses so many cores, in a worker; to be pickled.
        count: of workers; None is one for each core.

    Returns:
        They, each with its network.

    Raises:
        Exception: what prevents a network from loading.
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
    """A worker of which no job lasts longer than it may.

    Decoders are written in C, and no thread can be stopped in one; a process can.

    Attributes:
        replaced: how often the process was.
    """

    def __init__(self, make_runtime: Callable[[], Runtime]) -> None:
        """Starts the process, and waits for nothing.

        Args:
            make_runtime: loads the network, in the process; to be pickled.
        """
        self._make_runtime = make_runtime
        self._changing = threading.Lock()
        self._ended = False
        self.replaced = 0
        self._is_loaded = False
        self._start()

    @property
    def is_alive(self) -> bool:
        """Whether the process is there."""
        return not self._ended and bool(self._process.is_alive())

    @property
    def resident_bytes(self) -> int:
        """Memory of the process; 0 where the system has no /proc, and without a process."""
        try:
            pages = Path(f"/proc/{self._process.pid}/statm").read_text().split()[1]
        except OSError:
            return 0
        return int(pages) * mmap.PAGESIZE

    def load(self) -> None:
        """Waits until the network is loaded, or raises what prevents that."""
        try:
            answer = self._connection.recv()
        except EOFError as error:
            raise OSError("A worker ended while it loaded the network.") from error
        _value(answer)
        self._is_loaded = True

    def run(self, job: Job[Result], deadline: float) -> Result:
        """Does a job in the process.

        Args:
            job: to be pickled, as is what it returns or raises.
            deadline: on `time.monotonic`'s clock. A process that still works then is killed.

        Returns:
            What the job returns.

        Raises:
            ServingError: it took too long, or its process ended.
            Exception: what the job raises.
        """
        try:
            if not self.is_alive:  # the system may have ended it for want of memory
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
        except (EOFError, OSError) as error:  # none of the job's: those are in an answer
            self._replace()
            message = "The worker has ended, perhaps for want of memory; another takes its place."
            raise ServingError("UNAVAILABLE", message) from error
        result: Result = _value(answer)
        return result

    def end(self) -> None:
        """Kills the process for good; a job in it fails."""
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
    """Does jobs until the server is gone."""
    # Both go to all processes of a terminal or a container, and the server says when to end.
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
            del job, answer  # or the last picture stays in memory until the next


def _end_with_the_server() -> None:
    server = multiprocessing.parent_process()
    assert server is not None
    wait([server.sentinel])
    exit_at_once(1)


def _portable(error: BaseException) -> BaseException:
    """The same error with its trace as a note, or one that says the same."""
    trace = traceback.format_exc()
    if not isinstance(error, ServingError):
        error.add_note(trace)
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError(trace)
    return error
