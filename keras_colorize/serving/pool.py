"""Workers with a network each, and a bounded queue before them."""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from typing import Any, TypeVar

from keras_colorize.serving.errors import ServingError
from keras_colorize.serving.worker_process import Worker

Result = TypeVar("Result")


class WorkerPool:
    """Workers, and a thread for each that hands it jobs from one queue.

    The packaged network takes one picture at a time, so that batches would gain nothing.

    Attributes:
        workers: they.
    """

    def __init__(self, workers: Sequence[Worker], waiting: int) -> None:
        """Starts the threads.

        Args:
            workers: each with a network of its own.
            waiting: the most jobs that wait for one.
        """
        self.workers = workers
        self._places = waiting
        self._jobs: deque[tuple[Callable[[Worker], Any], Future[Any]]] = deque()
        self._changed = threading.Condition()
        self._idle = 0
        self._running: set[Future[Any]] = set()
        self._closed = False
        self._threads = [
            threading.Thread(target=self._work, args=(worker,), name="colorizer", daemon=True)
            for worker in workers
        ]
        for thread in self._threads:
            thread.start()

    @property
    def waiting(self) -> int:
        """Jobs that no worker has begun, and that somebody waits for."""
        with self._changed:
            return len(self._live())

    @property
    def busy(self) -> int:
        """Workers that do a job."""
        return len(self._running)

    @property
    def is_ready(self) -> bool:
        """Whether jobs are taken, and there is a worker for them."""
        return not self._closed and any(worker.is_alive for worker in self.workers)

    def submit(self, job: Callable[[Worker], Result]) -> "Future[Result]":
        """Queues a job; to cancel its future before a worker begins it takes it out.

        Args:
            job: called with a worker, in the worker's thread.

        Returns:
            What the job returns, or raises, once it was called.

        Raises:
            ServingError: the queue is full, or the pool is closed.
        """
        future: Future[Result] = Future()
        with self._changed:
            if self._closed:
                raise _stopping()
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
        """Takes no further jobs, does those that it has, and ends threads and workers."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()
        for worker in self.workers:
            worker.end()

    def give_up(self) -> None:
        """Takes no further jobs, and ends those that it has at once: they fail."""
        with self._changed:
            self._closed = True
            waiting = [future for _, future in self._live()]
            self._jobs.clear()
            running = list(self._running)
            self._changed.notify_all()
        for future in waiting:
            if future.set_running_or_notify_cancel():
                future.set_exception(_stopping())
        for future in running:
            with suppress(InvalidStateError):  # it was done just now
                future.set_exception(_stopping())
        for worker in self.workers:
            worker.end()

    def _live(self) -> deque[tuple[Callable[[Worker], Any], Future[Any]]]:
        return deque(entry for entry in self._jobs if not entry[1].cancelled())

    def _work(self, worker: Worker) -> None:
        while True:
            with self._changed:
                self._idle += 1
                self._changed.wait_for(lambda: self._jobs or self._closed)
                self._idle -= 1
                if not self._jobs:
                    return
                job, future = self._jobs.popleft()
                if not future.set_running_or_notify_cancel():
                    del job, future  # as below
                    continue
                self._running.add(future)
            with suppress(InvalidStateError):  # it was given up
                try:
                    result = job(worker)
                except BaseException as error:  # whatever it is, somebody waits for it
                    future.set_exception(error)
                else:
                    future.set_result(result)
                    del result
            with self._changed:
                self._running.discard(future)
            del job, future  # or the last picture stays in memory until the next


def _stopping() -> ServingError:
    return ServingError("UNAVAILABLE", "The server is stopping.")
