"""How an HTTP handler waits for a worker: no longer than its request may take."""

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

from fastapi import Request

from keras_colorize.inference.runtime import Runtime
from keras_colorize.serving.errors import ServingError
from keras_colorize.serving.gate import DEADLINE
from keras_colorize.serving.pool import WorkerPool

Result = TypeVar("Result")


async def in_worker(
    request: Request, pool: WorkerPool, job: Callable[[Runtime, float], Result]
) -> Result:
    """Has a worker do a job for a request.

    A job that no worker has begun when the time is over is dropped; one that was begun goes on, as
    a thread cannot be stopped, and its result is lost.

    Args:
        request: its deadline is `Gate`'s.
        pool: the workers.
        job: called with a network, and the deadline on `time.monotonic`'s clock.

    Raises:
        ServingError: the queue is full, the time is over, or what the job raises.
    """
    left = request.scope[DEADLINE] - asyncio.get_running_loop().time()
    deadline = time.monotonic() + left
    future = pool.submit(lambda runtime: job(runtime, deadline))
    try:
        return await asyncio.wait_for(asyncio.wrap_future(future), max(0.0, left))
    except TimeoutError:
        raise ServingError("DEADLINE_EXCEEDED", "The time for this request is over.") from None
