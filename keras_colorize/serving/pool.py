"""Workers with a network each, and a bounded queue before them."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from typing import Any, TypeVar

from keras_colorize.serving.errors import ServingError
from keras_colorize.serving.worker_process import WorkerProcess

Result = TypeVar("Result")


class WorkerPool:
    """Workers, with a thread for each that hands it jobs from one queue.

    The packaged network takes one picture at a time, so batches would gain nothing.

    Attributes:
        workers: The workers.
    """

    def __init__(self, workers: Sequence[WorkerProcess], waiting: int) -> None:
        """Makes the pool.

        Args:
            workers: Each with a network of its own.
            waiting: The most jobs that wait for a worker.
        """
        self.workers = workers
        self._most = len(workers) + waiting
        self._threads = ThreadPoolExecutor(max(1, len(workers)), "worker")
        self._idle: SimpleQueue[WorkerProcess] = SimpleQueue()
        for worker in workers:
            self._idle.put(worker)
        self._jobs: set[Future[Any]] = set()
        self._submitting = threading.Lock()
        self._closed = False

    @property
    def waiting(self) -> int:
        """Jobs that no worker has begun, and that somebody waits for."""
        return sum(not job.running() for job in tuple(self._jobs))

    @property
    def busy(self) -> int:
        """Workers that do a job."""
        return sum(job.running() for job in tuple(self._jobs))

    @property
    def is_ready(self) -> bool:
        """Whether the pool takes jobs and has a worker for them."""
        return not self._closed and any(worker.is_alive for worker in self.workers)

    def submit(self, job: Callable[[WorkerProcess], Result]) -> "Future[Result]":
        """Queues a job.

        Args:
            job: Called with a worker, in a thread of the pool.

        Returns:
            The result of the job. If the future is cancelled before a worker begins the job, the
            job gives up its place in the queue.

        Raises:
            ServingError: The queue is full, or the pool is closed.
        """
        task = [job]
        with self._submitting:
            if self._closed:
                raise ServingError("UNAVAILABLE", "The server is stopping.")
            if len(self._jobs) >= self._most:
                message = "The server is busy: its queue is full. Try again in a moment."
                raise ServingError("UNAVAILABLE", message)
            future = self._threads.submit(self._run, task)
            self._jobs.add(future)

        def forget(future: "Future[Result]") -> None:
            self._jobs.discard(future)
            task.clear()  # a cancelled job stays queued, but must not keep its picture in memory

        future.add_done_callback(forget)
        return future

    def close(self) -> None:
        """Takes no further jobs, waits for those that it has, and ends the workers."""
        with self._submitting:
            self._closed = True
        self._threads.shutdown()
        self._end_workers()

    def give_up(self) -> None:
        """Takes no further jobs and ends the workers, so that the jobs that it has fail."""
        with self._submitting:
            self._closed = True
        self._end_workers()

    def _end_workers(self) -> None:
        for worker in self.workers:
            worker.end()

    def _run(self, task: list[Callable[[WorkerProcess], Result]]) -> Result:
        worker = self._idle.get()
        try:
            return task.pop()(worker)
        finally:
            self._idle.put(worker)
