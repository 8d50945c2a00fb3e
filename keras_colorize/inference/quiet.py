"""Notes of native code are for its developers, and go straight to the terminal."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType

_lock = threading.Lock()
_has_run = False


@contextmanager
def quiet_first_run() -> Iterator[None]:
    """Hides what LiteRT writes while a process runs a network for the first time.

    It says then that it made an XNNPACK delegate, and has no setting to keep it from that. Its
    errors are exceptions, and are not lost. Other threads wait for the first run to end.
    """
    global _has_run
    with _lock:
        if not _has_run:
            with without_stderr():
                yield
            _has_run = True
            return
    yield


def import_quietly(name: str) -> ModuleType:
    """Imports TensorFlow or Keras without what they tell their developers on standard error.

    Args:
        name: of the module.

    Returns:
        The module. oneDNN's convolutions are on: TensorFlow leaves them off on a CPU without
        AVX-512, where training was measured a third faster with them.
    """
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with without_stderr():
        return import_module(name)


@contextmanager
def without_stderr() -> Iterator[None]:
    """Sends what native code writes to file descriptor 2 nowhere."""
    try:
        saved = os.dup(2)
    except OSError:  # there is no standard error
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)
    try:
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
