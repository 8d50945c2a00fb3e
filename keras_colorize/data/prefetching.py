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
    """Yields `load(*each)` of the arguments, in order; what is under way ends with the generator.

    Args:
        load: called in threads.
        arguments: of each call; there may be millions, or no end.
        count: how many of them are under way at most.
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
