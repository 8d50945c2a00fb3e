"""Workers, their queue, and its end."""

import asyncio
import gc
import threading
import weakref
from concurrent.futures import CancelledError
from typing import Any

import pytest
from fastapi import Request

from keras_colorize.serving.errors import ServingError
from keras_colorize.serving.middleware import DEADLINE
from keras_colorize.serving.pool import WorkerPool
from keras_colorize.serving.worker_call import in_worker


class Idle:
    """A worker without a process, which waits in `hold` until it is ended or told to go on."""

    replaced = 0
    resident_bytes = 0

    def __init__(self) -> None:
        self.is_alive = True
        self.go = threading.Event()

    def run(self, job: Any, deadline: float) -> Any:
        self.check()
        return job(None, deadline)

    def hold(self) -> None:
        self.go.wait(600)
        self.check()

    def check(self) -> None:
        if not self.is_alive:
            raise ServingError("UNAVAILABLE", "The server is stopping.")

    def end(self) -> None:
        self.is_alive = False
        self.go.set()


class Blocked:
    """A pool whose only worker is held by a job."""

    def __init__(self, waiting: int) -> None:
        self.worker = Idle()
        self.pool = WorkerPool([self.worker], waiting)
        self.go, begun = self.worker.go, threading.Event()

        def job(worker: Any) -> str:
            begun.set()
            worker.hold()
            return "first"

        self.first = self.pool.submit(job)
        begun.wait(600)


def test_each_thread_has_a_worker_of_its_own() -> None:
    pool = WorkerPool([Idle(), Idle()], 4)
    together = threading.Barrier(2)

    def job(worker: Any) -> Any:
        together.wait(600)  # both run at a time
        return worker

    one, other = (pool.submit(job) for _ in range(2))
    assert one.result() is not other.result()
    pool.close()


def test_a_full_queue_refuses_and_takes_again() -> None:
    blocked = Blocked(waiting=2)
    waiting = [blocked.pool.submit(lambda worker, k=k: k) for k in range(2)]
    assert (blocked.pool.waiting, blocked.pool.busy) == (2, 1)
    with pytest.raises(ServingError, match="queue is full") as error:
        blocked.pool.submit(lambda worker: 2)
    assert (error.value.code, error.value.http_status) == ("UNAVAILABLE", 503)
    blocked.go.set()
    assert [future.result() for future in waiting] == [0, 1]
    assert blocked.pool.submit(lambda worker: 3).result() == 3
    blocked.pool.close()


def test_a_job_that_nobody_waits_for_is_not_done() -> None:
    blocked = Blocked(waiting=1)
    done = []
    future = blocked.pool.submit(done.append)
    assert future.cancel()
    assert blocked.pool.waiting == 0
    taken = blocked.pool.submit(lambda worker: "in its place")
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
    pool = WorkerPool([Idle()], 2)
    with pytest.raises(ZeroDivisionError):
        pool.submit(lambda worker: 1 / 0).result()
    assert pool.submit(lambda worker: "well").result() == "well"
    pool.close()


def test_closing_does_what_was_accepted_and_takes_no_more() -> None:
    blocked = Blocked(waiting=3)
    waiting = [blocked.pool.submit(lambda worker, k=k: k) for k in range(3)]
    closing = threading.Thread(target=blocked.pool.close)
    closing.start()
    while True:
        try:
            blocked.pool.submit(lambda worker: None).cancel()
        except ServingError as error:
            if "stopping" in error.message:
                break
    blocked.go.set()
    closing.join()
    assert blocked.first.result() == "first"
    assert [future.result() for future in waiting] == [0, 1, 2]
    blocked.pool.close()  # again: nothing


def test_workers_that_are_idle_are_places_too() -> None:
    pool = WorkerPool([Idle(), Idle()], 1)
    together = threading.Barrier(3)

    def job(worker: Any) -> None:
        together.wait(600)

    done = [pool.submit(job) for _ in range(3)]
    with pytest.raises(ServingError):
        pool.submit(job)
    together.abort()
    assert all(future.exception() for future in done)
    pool.close()


def test_giving_up_fails_what_waits_and_ends_the_workers() -> None:
    blocked = Blocked(waiting=2)

    def job(worker: Any) -> Any:
        return worker.run(lambda runtime, deadline: "never", 0.0)

    waiting = [blocked.pool.submit(job) for _ in range(2)]
    waiting[0].cancel()
    assert blocked.pool.is_ready
    blocked.pool.give_up()
    assert not blocked.worker.is_alive and not blocked.pool.is_ready
    for failed in (blocked.first, waiting[1]):
        with pytest.raises(ServingError, match="stopping"):
            failed.result(600)
    with pytest.raises(ServingError, match="stopping"):
        blocked.pool.submit(job)
    blocked.pool.close()


def test_a_cancelled_job_keeps_nothing_in_memory() -> None:
    blocked = Blocked(waiting=1)

    class Picture:
        pass

    picture = Picture()
    kept = weakref.ref(picture)
    future = blocked.pool.submit(lambda worker, picture=picture: None)
    del picture
    assert kept() is not None and future.cancel()
    gc.collect()
    assert kept() is None  # though the worker has not come to it yet
    blocked.go.set()
    blocked.pool.close()
