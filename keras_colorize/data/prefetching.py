"""Work in threads, a little ahead of whoever takes its results."""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from keras_colorize.imaging.strips import available_cores

T = TypeVar("T")


def prefetch(
    load: Callable[..., T], arguments: Iterable[tuple[Any, ...]], count: int
) -> Generator[T, None, None]:
    """Yields `load(*each)` of the arguments, in order, from threads that are at most `count` ahead.

    There may be millions of arguments, or no end. What is under way ends with the generator.
    """
    pool = ThreadPoolExecutor(min(count, available_cores()))
    pending: deque[Future[T]] = deque()
    try:
        for each in arguments:
            pending.append(pool.submit(load, *each))
            if len(pending) == count:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
