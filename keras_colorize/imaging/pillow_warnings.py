"""Pillow's warnings are for programmers: users get a picture or one sentence."""

import logging
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

# Python prints the errors of a library that nobody listens to; now somebody does.
logging.getLogger("PIL").addHandler(logging.NullHandler())

_lock = threading.Lock()
_depth = 0
_filters: Any = None  # warnings.catch_warnings, generic for type checkers only


@contextmanager
def quiet_pillow() -> Iterator[None]:
    """Hides Pillow's warnings. The filters are the process's, so threads share one change."""
    global _depth, _filters
    with _lock:
        if _depth == 0:
            _filters = warnings.catch_warnings()
            _filters.__enter__()
            warnings.filterwarnings("ignore", module=r"PIL(\.|$)")
        _depth += 1
    try:
        yield
    finally:
        with _lock:
            _depth -= 1
            if _depth == 0 and _filters is not None:
                _filters.__exit__(None, None, None)
                _filters = None
