"""Workers with a network each, and a bounded queue before them."""

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from keras_colorize.imaging.strips import available_cores
from keras_colorize.inference.runtime import Runtime
from keras_colorize.serving.errors import ServingError

Result = TypeVar("Result")
Job = Callable[[Runtime], Any]


class WorkerPool:
    """Threads that do jobs, each with a network of its own on its share of the cores.

    The packaged network takes one picture at a time, so that batches would gain nothing; decoding,
    network and encoding release the interpreter's lock.

    Attributes:
        workers: the number of threads.
    """

    def __init__(
        self,
        make_runtime: Callable[[int], Runtime],
        waiting: int,
        workers: int | None = None,
    ) -> None:
        """Loads the networks and starts the threads.

        Args:
            make_runtime: makes a network that uses so many cores.
            waiting: the most jobs that wait for a worker.
            workers: threads; None is one for each core.
        """
        cores = available_cores()
        count = workers or cores
        self.workers = count
        runtimes = [make_runtime(max(1, cores // count)) for _ in range(count)]
        self._places = waiting
        self._jobs: deque[tuple[Job, Future[Any]]] = deque()
        self._changed = threading.Condition()
        self._idle = 0
        self._closed = False
        self._threads = [
            threading.Thread(target=self._work, args=(runtime,), name="colorizer", daemon=True)
            for runtime in runtimes
        ]
        for thread in self._threads:
            thread.start()

    @property
    def waiting(self) -> int:
        """Jobs that no worker has begun, and that somebody waits for."""
        with self._changed:
            return len(self._live())

    def submit(self, job: Callable[[Runtime], Result]) -> "Future[Result]":
        """Queues a job; to cancel its future before a worker begins it takes it out.

        Args:
            job: called with the network of a worker, in its thread.

        Returns:
            What the job returns, or raises, once a worker has run it.

        Raises:
            ServingError: the queue is full, or the pool is closed.
        """
        future: Future[Result] = Future()
        with self._changed:
            if self._closed:
                raise ServingError("UNAVAILABLE", "The server is stopping.")
            places = self._places + self._idle
            if len(self._jobs) >= places:
                self._jobs = self._live()
            if len(self._jobs) >= places:
                message = "The server is busy: its queue is full. Try again in a moment."
                raise ServingError("UNAVAILABLE", message)
            self._jobs.append((job, future))
            self._changed.notify()
        return future

    def close(self) -> None:
        """Takes no further jobs, does those that it has, and ends its threads."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _live(self) -> deque[tuple[Job, Future[Any]]]:
        return deque(entry for entry in self._jobs if not entry[1].cancelled())

    def _work(self, runtime: Runtime) -> None:
        while True:
            with self._changed:
                self._idle += 1
                self._changed.wait_for(lambda: self._jobs or self._closed)
                self._idle -= 1
                if not self._jobs:
                    return
                job, future = self._jobs.popleft()
            if future.set_running_or_notify_cancel():
                try:
                    result = job(runtime)
                except BaseException as error:  # whatever it is, somebody waits for it
                    future.set_exception(error)
                else:
                    future.set_result(result)
                    del result
            del job, future  # or the last picture stays in memory until the next
