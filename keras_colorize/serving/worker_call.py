"""How an HTTP handler has a worker do a job: no longer than its request may take."""

import asyncio
import time
from typing import Any, TypeVar

from fastapi import Request

from keras_colorize.serving.errors import ServingError
from keras_colorize.serving.middleware import DEADLINE
from keras_colorize.serving.pool import WorkerPool
from keras_colorize.serving.worker_process import Job

Result = TypeVar("Result")


async def in_worker(request: Request, pool: WorkerPool, job: Job[Result]) -> Result:
    """Has a worker do a job for a request.

    A job that no worker has begun when the time is over or the client has left is dropped. One that
    was begun is ended when its time is over, and its worker is replaced.

    Args:
        request: its deadline is `Middleware`'s.
        pool: the workers.
        job: what to do.

    Raises:
        ServingError: the queue is full, the time is over, the client has left, or what the job
            raises.
    """
    left = request.scope[DEADLINE] - asyncio.get_running_loop().time()
    deadline = time.monotonic() + left
    made = asyncio.wrap_future(pool.submit(lambda worker: worker.run(job, deadline)))
    gone = asyncio.ensure_future(_departure(request))
    either: set[asyncio.Future[Any]] = {made, gone}
    try:
        await asyncio.wait(either, timeout=left, return_when=asyncio.FIRST_COMPLETED)
        if made.done():
            return made.result()
        if gone.done():
            raise ServingError("CANCELLED", "The client has left.")
        raise ServingError("DEADLINE_EXCEEDED", "The time for this request is over.")
    finally:
        made.cancel()
        gone.cancel()


async def _departure(request: Request) -> None:
    """Waits until the client of a request, whose body was read, leaves."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
