"""The call of a worker by an HTTP handler, within the time that its request may take."""

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
    """Runs a job in a worker for a request.

    If the time is over or the client leaves before a worker begins the job, the job is dropped. If
    the time is over after that, the worker is killed and replaced.

    Args:
        request: It has the deadline that `Middleware` sets.
        pool: The workers.
        job: As of `WorkerProcess.run`.

    Raises:
        ServingError: The queue is full, the time is over, or the client has left.
        Exception: What the job raises.
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
    """Waits until the client leaves; the body of the request must have been read."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
