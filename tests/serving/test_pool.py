"""Workers, their queue, and its end."""

import asyncio
import threading
from concurrent.futures import CancelledError
from typing import Any

import pytest
from fastapi import Request

from keras_colorize.imaging.strips import available_cores
from keras_colorize.serving.errors import ServingError
from keras_colorize.serving.gate import DEADLINE
from keras_colorize.serving.pool import WorkerPool
from keras_colorize.serving.waiting import in_worker


def names(threads: int) -> Any:
    names.made.append(threads)  # type: ignore[attr-defined]
    return object()


@pytest.fixture(autouse=True)
def made() -> list[int]:
    names.made = []  # type: ignore[attr-defined]
    return names.made  # type: ignore[attr-defined,no-any-return]


class Blocked:
    """A pool whose only worker is held by a job."""

    def __init__(self, waiting: int) -> None:
        self.pool = WorkerPool(names, waiting, workers=1)
        self.go, begun = threading.Event(), threading.Event()

        def job(runtime: Any) -> str:
            begun.set()
            self.go.wait(600)
            return "first"

        self.first = self.pool.submit(job)
        begun.wait(600)


def test_workers_share_the_cores(made: list[int]) -> None:
    cores = available_cores()
    pool = WorkerPool(names, 1)
    assert (pool.workers, made) == (cores, [1] * cores)
    pool.close()
    made.clear()
    WorkerPool(names, 1, workers=1).close()
    assert made == [cores]


def test_each_worker_has_a_network_of_its_own() -> None:
    pool = WorkerPool(names, 4, workers=2)
    together = threading.Barrier(2)

    def job(runtime: Any) -> Any:
        together.wait(600)  # both run at a time
        return runtime

    one, other = (pool.submit(job) for _ in range(2))
    assert one.result() is not other.result()
    pool.close()


def test_a_full_queue_refuses_and_takes_again() -> None:
    blocked = Blocked(waiting=2)
    waiting = [blocked.pool.submit(lambda runtime, k=k: k) for k in range(2)]
    assert blocked.pool.waiting == 2
    with pytest.raises(ServingError, match="queue is full") as error:
        blocked.pool.submit(lambda runtime: 2)
    assert (error.value.code, error.value.http_status) == ("UNAVAILABLE", 503)
    blocked.go.set()
    assert [future.result() for future in waiting] == [0, 1]
    assert blocked.pool.submit(lambda runtime: 3).result() == 3
    blocked.pool.close()


def test_a_job_that_nobody_waits_for_is_not_done() -> None:
    blocked = Blocked(waiting=1)
    done = []
    future = blocked.pool.submit(done.append)
    assert future.cancel()
    assert blocked.pool.waiting == 0
    taken = blocked.pool.submit(lambda runtime: "in its place")
    blocked.go.set()
    assert taken.result() == "in its place"
    blocked.pool.close()
    assert done == []
    with pytest.raises(CancelledError):
        future.result()


def test_a_job_whose_client_has_left_is_not_done() -> None:
    blocked, done = Blocked(waiting=1), []

    async def ask() -> None:
        left = asyncio.Event()

        async def receive() -> dict[str, str]:
            await left.wait()
            return {"type": "http.disconnect"}

        due = asyncio.get_running_loop().time() + 600
        request = Request({"type": "http", DEADLINE: due}, receive)
        asked = asyncio.create_task(
            in_worker(request, blocked.pool, lambda runtime, deadline: done.append(runtime))
        )
        while blocked.pool.waiting == 0:
            await asyncio.sleep(0)
        left.set()
        with pytest.raises(ServingError, match="client has left") as error:
            await asked
        assert error.value.http_status == 499
        while blocked.pool.waiting > 0:
            await asyncio.sleep(0)

    asyncio.run(ask())
    blocked.go.set()
    blocked.pool.close()
    assert done == []


def test_what_a_job_raises_comes_through_and_the_worker_goes_on() -> None:
    pool = WorkerPool(names, 2, workers=1)
    with pytest.raises(ZeroDivisionError):
        pool.submit(lambda runtime: 1 / 0).result()
    assert pool.submit(lambda runtime: "well").result() == "well"
    pool.close()


def test_closing_does_what_was_accepted_and_takes_no_more() -> None:
    blocked = Blocked(waiting=3)
    waiting = [blocked.pool.submit(lambda runtime, k=k: k) for k in range(3)]
    closing = threading.Thread(target=blocked.pool.close)
    closing.start()
    while True:
        try:
            blocked.pool.submit(lambda runtime: None).cancel()
        except ServingError as error:
            if "stopping" in error.message:
                break
    blocked.go.set()
    closing.join()
    assert blocked.first.result() == "first"
    assert [future.result() for future in waiting] == [0, 1, 2]
    blocked.pool.close()  # again: nothing


def test_workers_that_are_idle_are_places_too() -> None:
    pool = WorkerPool(names, 1, workers=2)
    together = threading.Barrier(3)

    def job(runtime: Any) -> None:
        together.wait(600)

    while pool._idle < 2:  # until both threads have begun
        pass
    done = [pool.submit(job) for _ in range(3)]
    with pytest.raises(ServingError):
        pool.submit(job)
    together.abort()
    assert all(future.exception() for future in done)
    pool.close()
